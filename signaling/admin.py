"""Rooms by HTTP, for people and programs who are in none: list, kick, dismiss; and a sign of life.

    GET  /healthz                                       {"server": "exeunt", "version"}
    GET  /api/rooms                                     {"rooms": [{"name", "users": [...]}]}
    POST /api/rooms/{room}/kick     {"user", "text"?}   {"room", "user"}
    POST /api/rooms/{room}/dismiss  {"text"?}           {"room"}

Whatever cannot be done is answered with {"code", "text"}.
"""

import asyncio
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol, TypeVar

import msgspec
from aiohttp import web

from signaling.config import SignalingConfig
from signaling.members import RoomStatus
from signaling.messages import ErrorCode, Name, Text
from signaling.origins import is_from_elsewhere
from signaling.tokens import Admission, TokenError, verify

MAX_BODY = 16 * 1024  # bytes
BODY_TIMEOUT = 10.0  # seconds for a body to arrive

Body = TypeVar("Body", bound=msgspec.Struct)


class Rooms(Protocol):
    """What is administered."""

    config: SignalingConfig

    def rooms(self) -> list[RoomStatus]:
        """Return every room and who is in it."""

    def room(self, name: str) -> RoomStatus | None:
        """Return one room, `None` if nobody is in it."""

    async def kick(self, room: str, user: str, text: str | None = None) -> bool:
        """Remove a user; false if there is no such user."""

    async def dismiss(self, room: str, text: str | None = None) -> bool:
        """Remove everybody; false if there is no such room."""


class KickBody(msgspec.Struct, frozen=True):
    """What a request to remove a user holds."""

    user: Name
    text: Text | None = None


class DismissBody(msgspec.Struct, frozen=True):
    """What a request to close a room holds."""

    text: Text | None = None


class Admin:
    """The handlers of these requests."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add everything that this module's docstring lists."""
        router.add_get("/healthz", _health)
        router.add_get("/api/rooms", self._list)
        router.add_post("/api/rooms/{room}/kick", self._kick)
        router.add_post("/api/rooms/{room}/dismiss", self._dismiss)

    async def _list(self, request: web.Request) -> web.Response:
        admission = self._authorize(request)
        if not admission.can_moderate:
            raise _forbidden("this takes a token with the grant moderate or admin")
        return _answer({"rooms": [room for room in self._rooms.rooms() if admission.covers(room.name)]})

    async def _kick(self, request: web.Request) -> web.Response:
        room = self._authorize_for_room(request)
        body = await _read(request, KickBody)
        self._require_room(room)
        if not await self._rooms.kick(room, body.user, body.text):
            raise _problem(web.HTTPNotFound, "no_such_user", f"there is no user {body.user} in the room {room}")
        return _answer({"room": room, "user": body.user})

    async def _dismiss(self, request: web.Request) -> web.Response:
        room = self._authorize_for_room(request)
        body = await _read(request, DismissBody)
        self._require_room(room)
        await self._rooms.dismiss(room, body.text)
        return _answer({"room": room})

    def _require_room(self, room: str) -> None:
        if self._rooms.room(room) is None:
            raise _problem(web.HTTPNotFound, "no_such_room", f"there is no room {room}")

    def _authorize_for_room(self, request: web.Request) -> str:
        room = request.match_info["room"]
        admission = self._authorize(request)
        if not admission.can_moderate or not admission.covers(room):
            raise _forbidden(f"this takes a token with the grant moderate or admin for the room {room}")
        return room

    def _authorize(self, request: web.Request) -> Admission:
        if is_from_elsewhere(request, self._rooms.config):
            raise _forbidden("pages of other sites may not ask this")
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else None
        try:
            return verify(bearer, self._rooms.config.key, None, None, time.time())
        except TokenError as error:
            raise _problem(web.HTTPUnauthorized, error.code, error.text, {"WWW-Authenticate": "Bearer"}) from None


async def _health(_request: web.Request) -> web.Response:
    return _answer({"server": "exeunt", "version": _VERSION})


async def _read(request: web.Request, kind: type[Body]) -> Body:
    # A form of another site can post text/plain without asking; for JSON its browser asks us first.
    if request.content_type != "application/json":
        raise _problem(web.HTTPUnsupportedMediaType, "unsupported_media_type", "send Content-Type: application/json")
    try:
        return msgspec.json.decode(await _read_bytes(request), type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _problem(web.HTTPBadRequest, ErrorCode.BAD_MESSAGE, str(error)) from None


async def _read_bytes(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            body = await request.content.read(MAX_BODY + 1)
            while len(body) <= MAX_BODY and not request.content.at_eof():
                body += await request.content.read(MAX_BODY + 1)
    except TimeoutError:
        raise _problem(web.HTTPRequestTimeout, "too_slow", "the body did not arrive") from None
    if len(body) > MAX_BODY:
        raise _problem(_TooLarge, ErrorCode.TOO_LARGE, f"a body is at most {MAX_BODY} bytes")
    return body


class _TooLarge(web.HTTPClientError):
    status_code = 413  # aiohttp's own writes its text itself


def _answer(content: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), headers=_HEADERS)


def _forbidden(text: str) -> web.HTTPException:
    return _problem(web.HTTPForbidden, ErrorCode.NOT_ALLOWED, text)


def _problem(
    kind: type[web.HTTPException], code: str, text: str, headers: dict[str, str] | None = None
) -> web.HTTPException:
    problem = msgspec.json.encode({"code": code, "text": text}).decode()
    return kind(text=problem, headers={**_HEADERS, **(headers or {})})


def _find_version() -> str:
    try:
        return version("exeunt")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "unknown"


_VERSION = _find_version()
_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
