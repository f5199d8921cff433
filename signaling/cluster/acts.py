"""What a station decided, as values: the shell carries them out in their order."""

import math
from dataclasses import dataclass, field

import msgspec

from signaling.cluster.wire import AnyFrame, Asked
from signaling.effects import Effect


@dataclass(frozen=True, slots=True)
class Do:
    """Carry out what the lobby decided, as far as it concerns sockets of this node."""

    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Say:
    """Say something to clients of this node, for the owner of their room."""

    sessions: tuple[str, ...]
    text: bytes


@dataclass(frozen=True, slots=True)
class TakeSocket:
    """Let the socket that was opened as session `connection` be that of `session`, instead of any it had."""

    connection: str
    session: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close a socket of this node once everything that was said before has been sent."""

    session: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Ask who runs a room, and run it if nobody alive does. Answered by `Station.claimed`."""

    room: str


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """Write down what a room decided and tell it to other nodes, both or, if the room is not ours any more, neither.

    Answered by `Station.committed`. Bytes are those of records, as JSON.
    """

    room: str
    epoch: int
    number: int
    seq: int
    put: dict[str, bytes] = {}  # by session
    cut: tuple[str, ...] = ()
    about: bytes | None = None  # the room itself, if it is to be written: a record without members
    bans: dict[str, float] = {}  # "user NAME" or "token DIGEST" → wall time
    unheard: tuple[
        bytes, ...
    ] = ()  # last words to who was removed and may not have heard them: kept apart from the room
    unheard_for: float = 0.0  # seconds for which they are kept at least
    is_last: bool = False  # nobody is left: the room ceases to be anybody's
    frames: dict[str, list[AnyFrame]] = {}  # by node


@dataclass(frozen=True, slots=True)
class Post:
    """Say something to another node."""

    node: str
    frames: tuple[AnyFrame, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Do what a program asked, and answer it."""

    asked: Asked


@dataclass(frozen=True, slots=True)
class Hear:
    """Another node has answered what a program here asked."""

    id: str
    body: bytes


Act = Do | Say | TakeSocket | HangUp | Claim | Commit | Post | Run | Hear


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who runs a room. For the owner: what is written of it, records by session as JSON."""

    room: str
    owner: str
    epoch: int
    seq: int = 0
    records: dict[str, bytes] = field(default_factory=dict)
    about: bytes | None = None
    bans: dict[str, float] = field(default_factory=dict)
    unheard: tuple[bytes, ...] = ()
    origin: str = ""  # as in a `Beat`
    age: float = math.inf  # seconds since this Redis was first used
    is_lost: bool = False  # nothing was ever written of it: claimed soon after Redis was begun anew


@dataclass(frozen=True, slots=True)
class Beat:
    """This node was seen alive: when that was asked, who else is, and which Redis it was: emptied, it is another."""

    asked_at: float
    nodes: frozenset[str]
    origin: str


@dataclass(frozen=True, slots=True)
class Clock:
    """One moment, on the clock of this machine and on everybody's."""

    now: float  # seconds, monotonic
    wall: float  # seconds since 1970
