"""Rooms by HTTP, for people and programs who are in none: list, kick, dismiss; and a sign of life.

    GET  /healthz                                       {"server": "exeunt", "version"}
    GET  /api/rooms                                     {"rooms": [{"name", "users": [...]}]}
    POST /api/rooms/{room}/kick     {"user", "text"?}   {"room", "user"}
    POST /api/rooms/{room}/dismiss  {"text"?}           {"room"}

Whatever cannot be done is answered with {"code", "text"}.
"""

import time
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

import msgspec
from aiohttp import web

from signaling.bodies import answer, forbidden, problem, read
from signaling.config import SignalingConfig
from signaling.members import RoomStatus
from signaling.messages import BanTime, Name, Text
from signaling.origins import is_from_elsewhere
from signaling.tokens import Admission, TokenError, verify


class Rooms(Protocol):
    """What is administered."""

    config: SignalingConfig

    def rooms(self) -> list[RoomStatus]:
        """Return every room and who is in it."""

    def room(self, name: str) -> RoomStatus | None:
        """Return one room, `None` if nobody is in it."""

    async def kick(self, room: str, user: str, text: str | None = None, *, ban_for: float | None = None) -> bool:
        """Remove a user; false if there is no such user."""

    async def dismiss(self, room: str, text: str | None = None) -> bool:
        """Remove everybody; false if there is no such room."""


class KickBody(msgspec.Struct, frozen=True, rename="camel"):
    """What a request to remove a user holds."""

    user: Name
    text: Text | None = None
    ban_for: BanTime | None = None


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
            raise forbidden("this takes a token with the grant moderate or admin")
        return answer({"rooms": [room for room in self._rooms.rooms() if admission.covers(room.name)]})

    async def _kick(self, request: web.Request) -> web.Response:
        room = self._authorize_for_room(request)
        body = await read(request, KickBody)
        self._require_room(room)
        if not await self._rooms.kick(room, body.user, body.text, ban_for=body.ban_for):
            raise problem(web.HTTPNotFound, "no_such_user", f"there is no user {body.user} in the room {room}")
        return answer({"room": room, "user": body.user})

    async def _dismiss(self, request: web.Request) -> web.Response:
        room = self._authorize_for_room(request)
        body = await read(request, DismissBody)
        self._require_room(room)
        await self._rooms.dismiss(room, body.text)
        return answer({"room": room})

    def _require_room(self, room: str) -> None:
        if self._rooms.room(room) is None:
            raise problem(web.HTTPNotFound, "no_such_room", f"there is no room {room}")

    def _authorize_for_room(self, request: web.Request) -> str:
        room = request.match_info["room"]
        admission = self._authorize(request)
        if not admission.can_moderate or not admission.covers(room):
            raise forbidden(f"this takes a token with the grant moderate or admin for the room {room}")
        return room

    def _authorize(self, request: web.Request) -> Admission:
        if is_from_elsewhere(request, self._rooms.config):
            raise forbidden("pages of other sites may not ask this")
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else None
        try:
            return verify(bearer, self._rooms.config.key, None, None, time.time())
        except TokenError as error:
            raise problem(web.HTTPUnauthorized, error.code, error.text, {"WWW-Authenticate": "Bearer"}) from None


async def _health(_request: web.Request) -> web.Response:
    return answer({"server": "exeunt", "version": _VERSION})


def _find_version() -> str:
    try:
        return version("exeunt")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "unknown"


_VERSION = _find_version()
