"""The admin API from Python.

async with AdminClient("http://127.0.0.1:8080", key) as admin:
    for room in await admin.rooms():
        print(room.name, [user.user for user in room.users])
    kicked = await admin.kick("lobby", "ana", "too loud", ban_for=60)
    print(kicked.kicked[0].told, kicked.kicked[0].unacknowledged)
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Literal, Self, TypedDict, TypeVar, Unpack
from urllib.parse import quote

import aiohttp
import msgspec

from signaling.admin.wire import (
    Body,
    CreateBody,
    DismissBody,
    ExtraBody,
    KickBody,
    Kicked,
    MessageBody,
    MoveBody,
    Moved,
    MuteBody,
    Problem,
    Reached,
    RoomKept,
    RoomList,
    UserReached,
)
from signaling.calls import RoomSettings
from signaling.config import Duplicate
from signaling.members import RoomStatus, UserStatus
from signaling.messages import Extra, Topology

LIMIT = 10.0  # seconds for an answer

T = TypeVar("T", bound=msgspec.Struct)


class Settings(TypedDict, total=False):
    """The settings of a room; for what is missing, the server's own options apply."""

    capacity: int
    duplicate: Duplicate
    grace: float
    max_age: float | None
    close_when_empty: bool
    solo_timeout: float | None
    topology: Topology


class AdminError(Exception):
    """The server said no: `status` of HTTP, `code` for programs, and the text is a sentence for people."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class AdminClient:
    """One server's rooms and users. `key` is its admin key, or a token with the grant `admin` or `moderate`.

    Every method raises `AdminError` if the server refuses it, and what aiohttp raises (`TimeoutError`,
    `aiohttp.ClientError`) if it cannot be asked. What is answered says whom it reached: `told`, `unacknowledged`.
    """

    def __init__(self, url: str, key: str | None = None, *, limit: float = LIMIT) -> None:
        self._base = f"{url.rstrip('/')}/api/rooms"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._limit = aiohttp.ClientTimeout(total=limit)
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(headers=self._headers, timeout=self._limit)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()

    async def rooms(self) -> list[RoomStatus]:
        """Return every room that the key is for, and who is in it, as far as is known: see `listing`."""
        return (await self.listing()).rooms

    async def listing(self) -> RoomList:
        """Return the rooms that the key is for, and which nodes of a cluster did not say theirs in time."""
        return await self._ask(RoomList, "GET", "")

    async def room(self, room: str) -> RoomStatus:
        """Return one room and who is in it."""
        return await self._ask(RoomStatus, "GET", _path(room))

    async def user(self, room: str, user: str) -> UserStatus:
        """Return one user of a room."""
        return await self._ask(UserStatus, "GET", _path(room, "users", user))

    async def create(self, room: str, **settings: Unpack[Settings]) -> RoomSettings:
        """Have a room be there with these settings; if it is there with others, that is refused."""
        return (await self._ask(RoomKept, "PUT", _path(room), CreateBody(**settings))).settings

    async def kick(
        self, room: str, user: str | Sequence[str], text: str | None = None, *, ban_for: float | None = None
    ) -> Kicked:
        """Remove one or many users, and keep them out for `ban_for` seconds."""
        users = user if isinstance(user, str) else list(user)
        return await self._ask(Kicked, "POST", _path(room, "kick"), KickBody(user=users, text=text, ban_for=ban_for))

    async def dismiss(self, room: str, text: str | None = None) -> Reached:
        """Close a room and remove everybody."""
        return await self._ask(Reached, "POST", _path(room, "dismiss"), DismissBody(text=text))

    async def mute(self, room: str, user: str, kind: Literal["audio", "video"], text: str | None = None) -> UserReached:
        """Have a user send no sound or no picture, until the user unmutes it."""
        return await self._ask(UserReached, "POST", _path(room, "users", user, "mute"), MuteBody(kind=kind, text=text))

    async def send_message(self, room: str, topic: str, data: object = None, *, to: str | None = None) -> Reached:
        """Say something to everybody in a room, or to one user, in the server's name."""
        return await self._ask(Reached, "POST", _path(room, "messages"), MessageBody(topic=topic, data=data, to=to))

    async def update_extra(self, room: str, user: str, extra: Extra) -> UserReached:
        """Replace what the application wants the others to know of a user."""
        return await self._ask(UserReached, "PUT", _path(room, "users", user, "extra"), ExtraBody(extra=extra))

    async def move(self, room: str, user: str, to: str) -> Moved:
        """Take a user to another room, whose devices stay open."""
        return await self._ask(Moved, "POST", _path(room, "users", user, "move"), MoveBody(to=to))

    async def _ask(self, kind: type[T], method: str, path: str, body: Body | None = None) -> T:
        assert self._http is not None, "use it in an `async with` block"
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        async with self._http.request(method, f"{self._base}{path}", data=content, headers=headers) as answer:
            said = await answer.read()
        try:
            if answer.status < 400:
                return msgspec.json.decode(said, type=kind)
            problem = msgspec.json.decode(said, type=Problem)
        except msgspec.DecodeError:
            raise AdminError(answer.status, "", f"no Exeunt server: it answers HTTP {answer.status}") from None
        raise AdminError(answer.status, problem.code, problem.text)


def _path(*parts: str) -> str:
    return "".join(f"/{quote(part, safe='')}" for part in parts)
