"""The commands and their options; what they do is in the modules beside."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from peer.cli import enduring, keys, operate, recording, serving
from peer.cli.arguments import SourceOptions, parse_size, with_optional_values
from peer.cli.commands import Version, assemble
from peer.cli.options import For, Fps, Host, JournalFile, Key, Size
from peer.cli.output import JsonLines, Lines, Output
from peer.cli.start import VERBOSE, Json, Room, Token, Url, Verbose, Work, start
from peer.cli.why import check_journal, show_why
from peer.errors import ExeuntError, UsageError

app = typer.Typer(
    name="exeunt",
    help="A WebRTC endpoint that always leaves properly, and the rooms it meets others in.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(serving.app)
app.add_typer(operate.app)
WRONG_USAGE: type[Exception] = typer.BadParameter.__bases__[0]  # "UsageError", which typer does not export


@app.callback()
def before(version: Version = False) -> None:
    """Take the options that stand before a command."""


@app.command()
def demo(
    host: Host = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port to listen at (default: 8080, or any if taken).")
    ] = None,
    room: Annotated[str, typer.Option(help="The room to publish into.")] = "demo",
    journal: JournalFile = None,
    seconds: For = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Start a server, publish what this machine has into a room of it, and print the address to watch."""
    from peer.cli.demo import run_demo

    def work(output: Output) -> Work:
        check_journal(journal)
        return run_demo(output, host=host, port=port, room=room, journal=journal, seconds=seconds)

    start(work, json, verbose)


@app.command()
def publish(
    url: Url,
    room: Annotated[
        str | None, typer.Argument(metavar="ROOM", help="The room's name. Without one, URL is a WHIP endpoint.")
    ] = None,
    user: Annotated[str, typer.Option(help="The name the others see.")] = "publisher",
    camera: Annotated[str | None, typer.Option(metavar="[=DEVICE]", help="A camera, like /dev/video0.")] = None,
    microphone: Annotated[str | None, typer.Option(metavar="[=DEVICE]", help="A microphone, like hw:1.")] = None,
    screen: Annotated[str | None, typer.Option(metavar="[=DISPLAY]", help="A screen, like :0.")] = None,
    file: Annotated[str | None, typer.Option(metavar="PATH", help="A video or sound file.")] = None,
    test: Annotated[bool, typer.Option("--test", help="A test picture with a time code, and a tone.")] = False,
    loop: Annotated[bool, typer.Option("--loop", help="Play the file again and again.")] = False,
    size: Size = None,
    fps: Fps = 30,
    isolation: Annotated[
        str | None,
        typer.Option(
            metavar="thread|process", help="Where devices are read (default: a process where drivers may hang)."
        ),
    ] = None,
    codec: Annotated[str, typer.Option(metavar="h264|vp8|auto", help="Of the picture.")] = "auto",
    encoder: Annotated[
        str, typer.Option(metavar="NAME", help="software, auto (hardware where there is some), or an encoder's name.")
    ] = "software",
    bitrate: Annotated[
        int | None, typer.Option(help="Bits per second of the picture at most (default: what suits its size).")
    ] = None,
    token: Token = None,
    config: enduring.Config = None,
    reconnect: enduring.Reconnect = None,
    keep_devices: enduring.KeepDevices = False,
    longest_wait: enduring.LongestWait = 30.0,
    stats: enduring.Stats = False,
    journal: JournalFile = None,
    seconds: For = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Publish a camera, microphone, screen, file or test pattern into a room, or to WHIP, until you leave."""
    from peer.cli.publish import run_publisher

    def work(output: Output) -> Work:
        options = SourceOptions(
            camera=camera,
            microphone=microphone,
            screen=screen,
            file=file,
            test=test,
            size=None if size is None else parse_size(size),
            fps=fps,
            loop=loop,
            isolation=isolation,
            codec=codec,
            encoder=encoder,
            bitrate=bitrate,
        )
        check_journal(journal)
        is_kiosk = config is not None if reconnect is None else reconnect
        stays = enduring.Stays(is_kiosk, keep_devices=keep_devices, longest_wait=longest_wait)
        return run_publisher(
            *(output, url),
            room=room,
            user=user,
            token=token,
            options=options,
            journal=journal,
            seconds=seconds,
            stays=stays,
            stats=stats,
        )

    start(work, json, verbose)


@app.command()
def record(
    url: Url,
    room: Room,
    out: recording.Out,
    user: recording.User = "recorder",
    only: recording.Only = None,
    container: recording.ContainerName = recording.Suffix.MKV,
    each: recording.Each = False,
    composite: recording.Composite = False,
    token: Token = None,
    journal: JournalFile = None,
    seconds: For = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Record what the others send, as it comes, until you leave: a track for each in one file, or a file for each."""
    from peer.cli.record import RecordOptions, run_recorder

    def work(output: Output) -> Work:
        check_journal(journal)
        options = RecordOptions(
            folder=out, container=container.value, only=tuple(only or ()), each=each, composite=composite
        )
        return run_recorder(
            output, url, room=room, user=user, token=token, options=options, journal=journal, seconds=seconds
        )

    start(work, json, verbose)


@app.command()
def devices(json: Json = False, verbose: Verbose = False) -> None:
    """List the cameras, microphones and screens that can be published."""
    from peer.cli.devices import list_devices

    start(list_devices, json, verbose)


@app.command()
def token(
    room: Annotated[str, typer.Argument(metavar="ROOM", help="The room, or a pattern like team-*.")],
    user: Annotated[str, typer.Argument(metavar="USER", help="The user; *: anybody.")],
    grant: keys.Grants = None,
    expires: keys.Expires = "1h",
    key: Key = None,
    key_file: keys.KeyFile = None,
    kid: keys.Kid = None,
) -> None:
    """Print a token that lets a user into a room."""
    from peer.cli.token import print_token

    print_token(room, user, grants=grant, expires=expires, key=key, file=key_file, kid=kid)


@app.command("load-test")
def load_test(
    url: Url,
    rooms: Annotated[int, typer.Option(min=1, help="How many rooms.")] = 10,
    users: Annotated[int, typer.Option(min=1, help="Users in each room.")] = 5,
    rate: Annotated[float, typer.Option(min=0, max=1000, help="Messages a second of each user.")] = 1.0,
    seconds: Annotated[
        float, typer.Option("--for", metavar="SECONDS", min=0, max=3600, help="How long they speak.")
    ] = 10.0,
    key: Key = None,
    token: Token = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the results as a PNG (matplotlib).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the results as one JSON object.")] = False,
    verbose: Verbose = False,
) -> None:
    """Let many users into rooms of a server, have them speak and leave, and measure how long that takes."""
    from peer.cli.load import Load, load_test

    load = Load(rooms=rooms, users=users, rate=rate, seconds=seconds)
    start(lambda output: load_test(output, url, load, key=key, token=token, plot=plot, is_quiet=json), json, verbose)


@app.command()
def why(
    journals: Annotated[
        list[Path], typer.Argument(metavar="JOURNAL", help="The journals of the server, of peers, or both.")
    ],
    user: Annotated[str, typer.Argument(metavar="USER", help="The one who left.")],
    room: Annotated[str | None, typer.Option(help="Only this room (default: wherever the user was last).")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every stay, not only the last.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each stay.")] = False,
) -> None:
    """Say why and how a user left, by what journals tell."""
    show_why(JsonLines() if json else Lines(), journals, user, room=room, every=every, json=json)


def run(arguments: list[str]) -> int:
    """Run one command; return its exit status. Never lets a traceback through, unless `--verbose` asks for it."""
    output: Output = JsonLines() if "--json" in arguments else Lines()
    try:
        return assemble(app).main(with_optional_values(arguments), prog_name="exeunt", standalone_mode=False) or 0
    except WRONG_USAGE as error:
        return _wrong_usage(output, error)
    except UsageError as error:
        output.error(str(error))
        return 2
    except ExeuntError as error:
        output.error(str(error))
    except (KeyboardInterrupt, asyncio.CancelledError, typer.Abort):
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output is gone; Python would complain at exit
    except Exception as error:  # a defect of ours: nobody who uses a command wants to read where it is
        if VERBOSE & set(arguments):
            raise
        output.error(f"this should not have happened ({error!r}): --verbose shows where; please report it")
    return 1


def _wrong_usage(output: Output, error: Exception) -> int:
    """Say in one line what is wrong and where the help is; help itself is no error."""
    message = str(getattr(error, "format_message", lambda: str(error))())
    if type(error).__name__ == "NoArgsIsHelpError":
        print(message)
        return 2
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "exeunt"
    said = f"{message} See" if message.endswith("?") else f"{message.rstrip('.')}; see"
    output.error(f"{said} `{path} --help`")
    return 2
