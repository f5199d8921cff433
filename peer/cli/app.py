"""The commands and their options; what they do is in the modules beside."""

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from peer.cli.arguments import SourceOptions, parse_ice_server, parse_size, with_optional_values
from peer.cli.output import JsonLines, Lines, Output
from peer.cli.why import check_journal, show_why
from peer.errors import ExeuntError, UsageError
from signaling.config import Duplicate, SignalingConfig

Work = Coroutine[Any, Any, None]
app = typer.Typer(
    name="exeunt",
    help="A WebRTC endpoint that always leaves properly, and the rooms it meets others in.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
WRONG_USAGE: type[Exception] = typer.BadParameter.__bases__[0]  # "UsageError", which typer does not export

VERBOSE = {"--verbose", "-v"}

Url = Annotated[str, typer.Argument(metavar="URL", help="The server, like ws://127.0.0.1:8080/ws.")]
Room = Annotated[str, typer.Argument(metavar="ROOM")]
Token = Annotated[str | None, typer.Option(envvar="EXEUNT_TOKEN", help="A token, for a server with a key.")]
Text = Annotated[str | None, typer.Option(help="What the others and those concerned are told.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines, one event each, the exit report last.")]
For = Annotated[float | None, typer.Option("--for", metavar="SECONDS", min=0, help="Leave after so many seconds.")]
Verbose = Annotated[bool, typer.Option(*sorted(VERBOSE), help="Log what happens inside, on standard error.")]
Host = Annotated[str, typer.Option(help="The address to listen at. Beyond loopback a key is needed.")]
Size = Annotated[str | None, typer.Option(metavar="WxH", help="The size of the picture, like 1280x720.")]
Fps = Annotated[int, typer.Option(min=1, max=120, help="Pictures in a second.")]
JournalFile = Annotated[
    Path | None, typer.Option("--journal", metavar="FILE", help="Write down what happens, as JSON lines, for `why`.")
]
Key = Annotated[
    str | None,
    typer.Option(envvar="EXEUNT_KEY", help="The secret that tokens are signed with (16 characters or more)."),
]


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

    _run(work, json, verbose)


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen at; 0: any.")] = 8080,
    key: Key = None,
    grace: Annotated[float, typer.Option(min=0, help="Seconds in which a lost user may come back.")] = 10.0,
    heartbeat: Annotated[float, typer.Option(min=0, help="Seconds between pings; a silent user is lost.")] = 5.0,
    capacity: Annotated[int, typer.Option(min=1, help="Users in one room.")] = 64,
    max_age: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Dismiss a room that long after its first user came.")
    ] = None,
    duplicate: Annotated[Duplicate, typer.Option(help="When a name that is here joins again.")] = Duplicate.REPLACE,
    ice_server: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="stun:host:port or turn:user:password@host:port; repeatable."),
    ] = None,
    journal: JournalFile = None,
    seconds: For = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Serve rooms, and the page to watch them with."""
    from peer.cli.serve import run_server

    def work(output: Output) -> Work:
        servers = tuple(map(parse_ice_server, ice_server or ()))
        check_journal(journal)
        try:
            config = SignalingConfig(
                key=key,
                grace=grace,
                heartbeat=heartbeat,
                capacity=capacity,
                max_age=max_age,
                duplicate=duplicate,
                ice_servers=servers,
                journal=journal,
            )
        except ValueError as error:
            raise UsageError(str(error)) from None
        return run_server(output, host=host, port=port, seconds=seconds, config=config)

    _run(work, json, verbose)


@app.command()
def publish(
    url: Url,
    room: Room,
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
    journal: JournalFile = None,
    seconds: For = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Publish a camera, microphone, screen, file or test pattern into a room until you leave."""
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
        return run_publisher(
            output, url, room=room, user=user, token=token, options=options, journal=journal, seconds=seconds
        )

    _run(work, json, verbose)


@app.command()
def devices(json: Json = False, verbose: Verbose = False) -> None:
    """List the cameras, microphones and screens that can be published."""
    from peer.cli.devices import list_devices

    _run(list_devices, json, verbose)


@app.command()
def kick(
    url: Url,
    room: Room,
    user: Annotated[str, typer.Argument(metavar="USER")],
    text: Text = None,
    ban: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Keep name and token out of the room for so long.")
    ] = None,
    token: Token = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Remove a user from a room."""
    from peer.cli.admin import kick_user

    _run(lambda output: kick_user(output, url, room, user, text=text, ban=ban, token=token), json, verbose)


@app.command()
def dismiss(
    url: Url, room: Room, text: Text = None, token: Token = None, json: Json = False, verbose: Verbose = False
) -> None:
    """Close a room and remove everybody."""
    from peer.cli.admin import dismiss_room

    _run(lambda output: dismiss_room(output, url, room, text=text, token=token), json, verbose)


@app.command()
def rooms(url: Url, token: Token = None, json: Json = False, verbose: Verbose = False) -> None:
    """List the rooms of a server and who is in them."""
    from peer.cli.admin import list_rooms

    _run(lambda output: list_rooms(output, url, token=token), json, verbose)


@app.command()
def why(
    journals: Annotated[list[Path], typer.Argument(metavar="JOURNAL", help="Of the server, of peers, or both.")],
    user: Annotated[str, typer.Argument(metavar="USER")],
    room: Annotated[str | None, typer.Option(help="Only this room (default: wherever the user was last).")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every stay, not only the last.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each stay.")] = False,
) -> None:
    """Say why and how a user left, by what journals tell."""
    show_why(JsonLines() if json else Lines(), journals, user, room=room, every=every, json=json)


def run(arguments: list[str]) -> int:
    """Run one command; return its exit status. Never lets a traceback through, unless `--verbose` asks for it."""
    output: Output = JsonLines() if "--json" in arguments else Lines()
    command = typer.main.get_command(app)
    try:
        return command.main(with_optional_values(arguments), prog_name="exeunt", standalone_mode=False) or 0
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
    output.error(f"{message.rstrip('.')}; see `{path} --help`")
    return 2


def _run(work: Callable[[Output], Work], json: bool, verbose: bool) -> None:
    output: Output = JsonLines() if json else Lines()
    logging.basicConfig(level=logging.DEBUG if verbose else logging.ERROR, format="%(asctime)s %(name)s: %(message)s")
    asyncio.run(_main(work(output), verbose))


async def _main(work: Work, verbose: bool) -> None:
    if not verbose:
        asyncio.get_running_loop().set_exception_handler(_say_only)
    await work


def _say_only(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody awaited has failed: a line for the log, no traceback."""
    logging.getLogger(__name__).error("%s: %s", context.get("message"), context.get("exception"))
