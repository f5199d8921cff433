"""Options of `exeunt publish` for what runs for months: a file of options, coming back, devices that stay open."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from peer.cli.settings import read_settings
from peer.errors import UsageError

PANEL = "Running for months"
STATS_EVERY = 2.0  # seconds
LARGEST = 64 * 1024  # bytes of a file of options
NOT_IN_A_FILE = {"config", "help"}


@dataclass(frozen=True)
class Stays:
    """Whether there is one stay in the room or, for a kiosk, one after the other."""

    is_kiosk: bool
    keep_devices: bool = False
    longest_wait: float = 30.0  # seconds


def _use_file(context: typer.Context, path: Path | None) -> Path | None:
    """Have a file say what the command line and the environment do not."""
    if path is not None:
        text = _text_of(path)
        context.default_map = dict(read_settings(text, names_of(context.command), where=str(path)))
    return path


def names_of(command: object) -> dict[str, str]:
    """Return the name of every option and argument of a command, as a file has it → its parameter."""
    parameters = [one for one in getattr(command, "params", ()) if one.name not in NOT_IN_A_FILE]
    return {(_long(one.opts) or one.name): one.name for one in parameters}


def _long(spellings: list[str]) -> str | None:
    """Return the longest spelling of an option, without its dashes; an argument has none."""
    options = [spelling.lstrip("-") for spelling in spellings if spelling.startswith("--")]
    return max(options, key=len, default=None)


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST).decode()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no text in UTF-8") from None


Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        is_eager=True,
        callback=_use_file,
        help="Take options from a TOML file, by the same names; the command line counts more. Implies --reconnect.",
        rich_help_panel=PANEL,
    ),
]
Reconnect = Annotated[
    bool | None,
    typer.Option(
        "--reconnect/--no-reconnect", help="Enter again and again until a signal ends it.", rich_help_panel=PANEL
    ),
]
KeepDevices = Annotated[
    bool, typer.Option("--keep-devices", help="Keep devices open while out of the room.", rich_help_panel=PANEL)
]
LongestWait = Annotated[
    float,
    typer.Option(
        min=1, max=3600, metavar="SECONDS", help="Between two attempts to enter, at most.", rich_help_panel=PANEL
    ),
]
Stats = Annotated[bool, typer.Option("--stats", help="Show what is sent to whom, and how well it arrives, every 2 s.")]
