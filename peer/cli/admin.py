"""`exeunt kick`, `dismiss` and `rooms`: a server's HTTP API, from the command line."""

from collections.abc import Mapping
from urllib.parse import quote

import aiohttp
import msgspec

from peer.checks import check_ban
from peer.cli.arguments import api_url
from peer.cli.output import Output
from peer.errors import ExeuntError, NotAnExeuntServer, ServerUnreachable, UsageError

LIMIT = aiohttp.ClientTimeout(total=10.0)  # seconds


class _User(msgspec.Struct):
    user: str
    unreachable: bool = False


class _Room(msgspec.Struct):
    name: str
    users: list[_User]


class _Rooms(msgspec.Struct):
    rooms: list[_Room]


class _Problem(msgspec.Struct):
    text: str


async def kick_user(
    output: Output, url: str, room: str, user: str, *, text: str | None, ban: float | None, token: str | None
) -> None:
    """Remove a user; raises `ExeuntError` with the server's word if that cannot be."""
    check_ban(ban)
    words = {"user": user, "text": text, "banFor": ban}
    await _call("POST", url, f"api/rooms/{quote(room, safe='')}/kick", token, words)
    output.fact("kicked", f"{user} is out of {room}{'' if ban is None else f', and kept out for {ban:g} s'}")


async def dismiss_room(output: Output, url: str, room: str, *, text: str | None, token: str | None) -> None:
    """Close a room; raises `ExeuntError` with the server's word if that cannot be."""
    await _call("POST", url, f"api/rooms/{quote(room, safe='')}/dismiss", token, {"text": text})
    output.fact("closed", f"room {room} is closed")


async def list_rooms(output: Output, url: str, *, token: str | None) -> None:
    """Show every room with its users."""
    body = await _call("GET", url, "api/rooms", token)
    try:
        rooms = msgspec.json.decode(body, type=_Rooms).rooms
    except msgspec.DecodeError:
        raise NotAnExeuntServer(f"{url} is no Exeunt server: it lists its rooms in another way") from None
    for room in rooms:
        names = (f"{user.user} (unreachable)" if user.unreachable else user.user for user in room.users)
        output.fact(room.name, ", ".join(names))
    if not rooms:
        output.fact("none", "nobody is in any room")


async def _call(
    method: str, url: str, path: str, token: str | None, words: Mapping[str, object] | None = None
) -> bytes:
    """Ask the server; return its answer. Raises `ExeuntError` in one sentence."""
    address = api_url(url, path)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = {name: word for name, word in words.items() if word is not None} if words is not None else None
    try:
        async with (
            aiohttp.ClientSession(timeout=LIMIT) as http,
            http.request(method, address, json=body, headers=headers) as answer,
        ):
            content = await answer.read()
            if answer.status < 400:
                return content
    except aiohttp.InvalidURL:
        raise UsageError(f"{url!r} is no server address: it looks like ws://127.0.0.1:8080/ws") from None
    except TimeoutError:
        raise ServerUnreachable(f"{address} does not answer within {LIMIT.total:g} s") from None
    except (aiohttp.ClientError, OSError) as error:
        raise ServerUnreachable(f"nobody answers at {url}: {error}") from None
    raise _refusal(url, answer.status, content)


def _refusal(url: str, status: int, content: bytes) -> ExeuntError:
    try:
        return ExeuntError(msgspec.json.decode(content, type=_Problem).text)
    except msgspec.DecodeError:
        return NotAnExeuntServer(f"{url} is no Exeunt server (it answers HTTP {status})")
