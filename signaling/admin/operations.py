"""What can be asked by HTTP, each with all that its route, its check and its description need. A core.

An operation is a function of a `Call` and, if it takes one, of a body. Its annotations say what it takes and answers,
its docstring says what for, its name is its `operationId`: there is nothing beside it that could say otherwise.
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, get_args, get_type_hints

import msgspec

from signaling.admin.wire import Answer, Body
from signaling.calls import RoomSettings, Told
from signaling.config import SignalingConfig
from signaling.members import Listing, RoomStatus
from signaling.messages import Extra, MediaKind
from signaling.tokens import Admission, Grant


class Rooms(Protocol):
    """What is administered. What cannot be raises `signaling.calls.Refusal`; `None`: no such room or user."""

    config: SignalingConfig

    async def rooms(self) -> Listing:
        """Return every room and who is in it, and which nodes of a cluster did not say."""

    async def room(self, name: str) -> RoomStatus | None:
        """Return one room."""

    def banned_for(self, room: str, admission: Admission) -> float:
        """Return for how many more seconds who was admitted so is kept out of a room; 0: is not."""

    async def create(self, settings: RoomSettings) -> bool:
        """Open a room; false if one with these settings is there already."""

    async def kick(self, room: str, user: str, text: str | None = None, *, ban_for: float | None = None) -> Told | None:
        """Remove a user."""

    async def dismiss(self, room: str, text: str | None = None) -> Told | None:
        """Remove everybody."""

    async def mute(self, room: str, user: str, kind: MediaKind, text: str | None = None) -> Told | None:
        """Have a user send nothing of a kind."""

    async def broadcast(self, room: str, topic: str, data: object, to: str | None = None) -> Told | None:
        """Say something to everybody in a room, or to one user."""

    async def update(self, room: str, user: str, extra: Extra) -> Told | None:
        """Replace what is known of a user."""

    async def move(self, room: str, user: str, to_room: str) -> Told | None:
        """Take a user to another room."""


@dataclass(frozen=True)
class Call:
    """Where something is asked, and by whose leave."""

    rooms: Rooms
    admission: Admission
    room: str = ""
    user: str = ""

    def may_see(self, room: str) -> bool:
        """Whether a room is any business of theirs."""
        return self.admission.covers(room) and not self.rooms.banned_for(room, self.admission)


Handler = Callable[..., Awaitable[msgspec.Struct]]


@dataclass(frozen=True)
class Operation:
    """One of them."""

    method: str
    path: str
    takes: Grant  # `MODERATE`: or `ADMIN`
    refusals: tuple[int, ...]  # statuses of HTTP with which it may be refused, beside those that all have
    handle: Handler
    body: type[Body] | None
    answers: tuple[type[msgspec.Struct], ...]

    @property
    def name(self) -> str:
        """What programs call it."""
        words = self.handle.__name__.split("_")
        return words[0] + "".join(word.capitalize() for word in words[1:])

    @property
    def summary(self) -> str:
        """What it does, in one sentence."""
        return inspect.getdoc(self.handle).partition("\n")[0]  # type: ignore[union-attr] # `operation` asks for one

    @property
    def description(self) -> str:
        """What else is to be known of it."""
        return inspect.getdoc(self.handle).partition("\n")[2].strip()  # type: ignore[union-attr] # as above

    def may(self, admission: Admission) -> bool:
        """Whether a token allows it, in the rooms that it is for."""
        return self.takes in admission.grants or Grant.ADMIN in admission.grants


def operation(
    method: str, path: str, *, takes: Grant = Grant.MODERATE, refusals: tuple[int, ...] = ()
) -> Callable[[Handler], Operation]:
    """Make an operation of a function."""

    def make(handle: Handler) -> Operation:
        assert handle.__doc__, handle
        hints = get_type_hints(handle)
        answer = hints["return"]
        return Operation(method, path, takes, refusals, handle, hints.get("body"), get_args(answer) or (answer,))

    return make


def status_of(kind: type[msgspec.Struct]) -> int:
    """Return the status of HTTP that goes with an answer."""
    return kind.status if issubclass(kind, Answer) else 200
