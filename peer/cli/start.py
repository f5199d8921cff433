"""How a command is started, and the options that many of them have."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from peer.cli.output import JsonLines, Lines, Output
from signaling.logs import LogFormat, set_up

Work = Coroutine[Any, Any, None]

VERBOSE = {"--verbose", "-v"}

Url = Annotated[str, typer.Argument(metavar="URL", help="The server, like ws://127.0.0.1:8080/ws.")]
Room = Annotated[str, typer.Argument(metavar="ROOM", help="The room's name.")]
Token = Annotated[
    str | None,
    typer.Option(envvar="EXEUNT_TOKEN", help="A token, for a server with a key; to administer, its admin key will do."),
]
Text = Annotated[str | None, typer.Option(help="What the others and those concerned are told.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs, one object a line.")]
Verbose = Annotated[bool, typer.Option(*sorted(VERBOSE), help="Log what happens inside, on standard error.")]


def start(work: Callable[[Output], Work], json: bool, verbose: bool, log_format: LogFormat | None = None) -> None:
    """Do the work of a command until it is over."""
    output: Output = JsonLines() if json else Lines()
    level = logging.ERROR if log_format is None else logging.INFO
    set_up(log_format or LogFormat.TEXT, logging.DEBUG if verbose else level)
    asyncio.run(_main(work(output), verbose))


async def _main(work: Work, verbose: bool) -> None:
    if not verbose:
        asyncio.get_running_loop().set_exception_handler(_say_only)
    await work


def _say_only(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody awaited has failed: a line for the log, no traceback."""
    logging.getLogger(__name__).error("%s: %s", context.get("message"), context.get("exception"))
