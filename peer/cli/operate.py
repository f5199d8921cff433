"""The commands for operators: who is in which room, and what can be done about it."""

from typing import Annotated

import typer

from peer.cli.start import Json, Room, Text, Token, Url, Verbose, start
from signaling.config import Duplicate
from signaling.messages import MediaKind, Topology

PANEL = "Rooms of a server"
app = typer.Typer()

User = Annotated[str, typer.Argument(metavar="USER", help="The user's name.")]


@app.command(rich_help_panel=PANEL)
def rooms(url: Url, token: Token = None, json: Json = False, verbose: Verbose = False) -> None:
    """List the rooms of a server and who is in them."""
    from peer.cli.admin import list_rooms

    start(lambda output: list_rooms(output, url, token=token), json, verbose)


@app.command(rich_help_panel=PANEL)
def create(
    url: Url,
    room: Room,
    capacity: Annotated[int | None, typer.Option(min=1, help="Users at most.")] = None,
    grace: Annotated[float | None, typer.Option(min=0, help="Seconds in which a lost user may come back.")] = None,
    max_age: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Dismiss it that long after its creation.")
    ] = None,
    solo_timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Dismiss it when one was left alone for so long.")
    ] = None,
    duplicate: Annotated[Duplicate | None, typer.Option(help="When a name that is here joins again.")] = None,
    topology: Annotated[
        Topology | None, typer.Option(help="How media pass: from each to each, or by a Janus server.")
    ] = None,
    stay: Annotated[bool, typer.Option("--stay", help="Keep it when the last user has left.")] = False,
    token: Token = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Open a room with settings of its own; what is not given is as the server is set."""
    from peer.cli.admin import create_room
    from signaling.admin.client import Settings

    settings: Settings = {} if not stay else {"close_when_empty": False}
    if capacity is not None:
        settings["capacity"] = capacity
    if grace is not None:
        settings["grace"] = grace
    if max_age is not None:
        settings["max_age"] = max_age
    if solo_timeout is not None:
        settings["solo_timeout"] = solo_timeout
    if duplicate is not None:
        settings["duplicate"] = duplicate
    if topology is not None:
        settings["topology"] = topology
    start(lambda output: create_room(output, url, room, settings, token=token), json, verbose)


@app.command(rich_help_panel=PANEL)
def kick(
    url: Url,
    room: Room,
    users: Annotated[list[str], typer.Argument(metavar="USER", help="The names of those who are to go.")],
    text: Text = None,
    ban: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Keep name and token out of the room for so long.")
    ] = None,
    token: Token = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Remove one or many users from a room."""
    from peer.cli.admin import kick_users

    start(lambda output: kick_users(output, url, room, users, text=text, ban=ban, token=token), json, verbose)


@app.command(rich_help_panel=PANEL)
def dismiss(
    url: Url, room: Room, text: Text = None, token: Token = None, json: Json = False, verbose: Verbose = False
) -> None:
    """Close a room and remove everybody."""
    from peer.cli.admin import dismiss_room

    start(lambda output: dismiss_room(output, url, room, text=text, token=token), json, verbose)


@app.command(rich_help_panel=PANEL)
def mute(
    url: Url,
    room: Room,
    user: User,
    video: Annotated[bool, typer.Option("--video", help="The picture, not the sound.")] = False,
    text: Text = None,
    token: Token = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Have a user send no sound, or no picture, until the user unmutes it."""
    from peer.cli.admin import mute_user

    kind: MediaKind = "video" if video else "audio"
    start(lambda output: mute_user(output, url, room, user, kind, text=text, token=token), json, verbose)


@app.command(rich_help_panel=PANEL)
def message(
    url: Url,
    room: Room,
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="What it is about, in the application's words.")],
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="What is said; or see --data.")] = None,
    data: Annotated[str | None, typer.Option(metavar="JSON", help="Any JSON value, instead of a text.")] = None,
    to: Annotated[str | None, typer.Option(metavar="USER", help="One user; otherwise everybody in the room.")] = None,
    token: Token = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Say something to everybody in a room, or to one user, in the server's name."""
    from peer.cli.admin import read_data, send_message

    content = read_data(text, data)
    start(lambda output: send_message(output, url, room, topic, content, to=to, token=token), json, verbose)


@app.command(rich_help_panel=PANEL)
def move(
    url: Url,
    room: Room,
    user: User,
    to: Annotated[str, typer.Argument(metavar="TO", help="The other room; it need not be there yet.")],
    token: Token = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Take a user to another room, whose devices stay open."""
    from peer.cli.admin import move_user

    start(lambda output: move_user(output, url, room, user, to, token=token), json, verbose)
