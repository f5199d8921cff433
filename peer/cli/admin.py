"""`exeunt rooms`, `kick`, `dismiss`, `mute`, `message`, `move`, `create`: a server's admin API, on the command line."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aiohttp
import msgspec

from peer.checks import check_ban
from peer.cli.arguments import api_url
from peer.cli.output import Output
from peer.errors import ExeuntError, NotAnExeuntServer, ServerUnreachable, UsageError
from signaling.admin.client import LIMIT, AdminClient, AdminError, Settings
from signaling.admin.wire import Reached, Removed
from signaling.messages import MediaKind


async def list_rooms(output: Output, url: str, *, token: str | None) -> None:
    """Show every room with its users."""
    async with _asking(url, token) as admin:
        found = await admin.listing()
    for room in found.rooms:
        names = (f"{user.user} (unreachable)" if user.unreachable else user.user for user in room.users)
        output.fact(room.name, ", ".join(names))
    if not found.rooms:
        output.fact("none", "nobody is in any room")
    for node in found.unanswered:
        output.fact("unanswered", f"the server {node} does not answer: its rooms are missing here")


async def create_room(output: Output, url: str, room: str, settings: Settings, *, token: str | None) -> None:
    """Open a room; raises `ExeuntError` with the server's word if that cannot be, as does every other command here."""
    async with _asking(url, token) as admin:
        opened = await admin.create(room, **settings)
    output.fact("open", f"room {room} is open for {opened.capacity} users")


async def kick_users(
    output: Output, url: str, room: str, users: list[str], *, text: str | None, ban: float | None, token: str | None
) -> None:
    """Remove users from a room."""
    check_ban(ban)
    async with _asking(url, token) as admin:
        answer = await admin.kick(room, users, text, ban_for=ban)
    out = "" if ban is None else f", and kept out for {ban:g} s"
    for kicked in answer.kicked:
        output.fact("kicked", f"{kicked.user} is out of {room}{out}")
        _show_reached(output, kicked, but=kicked.user)
    for user in answer.missing:
        output.fact("missing", f"{user} was not in {room}")


async def dismiss_room(output: Output, url: str, room: str, *, text: str | None, token: str | None) -> None:
    """Close a room."""
    async with _asking(url, token) as admin:
        reached = await admin.dismiss(room, text)
    output.fact("closed", f"room {room} is closed")
    _show_reached(output, reached)


async def mute_user(
    output: Output, url: str, room: str, user: str, kind: MediaKind, *, text: str | None, token: str | None
) -> None:
    """Have a user send no sound or no picture."""
    async with _asking(url, token) as admin:
        reached = await admin.mute(room, user, kind, text)
    output.fact("muted", f"{user} was asked to send no {kind}")
    _show_reached(output, reached)


async def send_message(
    output: Output, url: str, room: str, topic: str, data: object, *, to: str | None, token: str | None
) -> None:
    """Say something to everybody in a room, or to one user."""
    async with _asking(url, token) as admin:
        reached = await admin.send_message(room, topic, data, to=to)
    output.fact("sent", f"{topic} to {to or f'everybody in {room}'}")
    _show_reached(output, reached)


async def move_user(output: Output, url: str, room: str, user: str, to: str, *, token: str | None) -> None:
    """Take a user to another room."""
    async with _asking(url, token) as admin:
        reached = await admin.move(room, user, to)
    output.fact("moved", f"{user} is in {to} now")
    _show_reached(output, reached, but=user)


def read_data(text: str | None, json: str | None) -> object:
    """Return what a message carries: a text, or any JSON value. Raises `UsageError`."""
    if json is None:
        return text
    if text is not None:
        raise UsageError("give either a text or --data, not both")
    try:
        return msgspec.json.decode(json)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UsageError(f"--data is not JSON: {error}") from None


def _show_reached(output: Output, reached: Reached | Removed, but: str | None = None) -> None:
    """Show who was told of it, and who did not acknowledge it, but for the one whom it was done to."""
    for name, users in (("told", reached.told), ("unacknowledged", reached.unacknowledged)):
        if others := _others(users, but):
            output.fact(name, ", ".join(others))


def _others(users: Iterable[str], but: str | None) -> list[str]:
    return sorted(user for user in users if user != but)


@asynccontextmanager
async def _asking(url: str, token: str | None) -> AsyncIterator[AdminClient]:
    """Ask the server inside the block. Raises `ExeuntError` in one sentence."""
    address = api_url(url, "").rstrip("/")
    try:
        async with AdminClient(address, token) as admin:
            yield admin
    except AdminError as error:
        raise (ExeuntError(str(error)) if error.code else NotAnExeuntServer(f"{url} is {error}")) from None
    except aiohttp.InvalidURL:
        raise UsageError(f"{url!r} is no server address: it looks like ws://127.0.0.1:8080/ws") from None
    except TimeoutError:
        raise ServerUnreachable(f"{url} does not answer within {LIMIT:g} s") from None
    except (aiohttp.ClientError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise ServerUnreachable(f"nobody answers at {url}: {reason or error}") from None
