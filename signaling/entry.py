"""One line of an event journal, and every event that can stand in one.

A journal is JSON lines. What may not be written down has no field here: no token, secret or ticket, no session
description or candidate, nothing of a user's `extra`.
"""

from typing import Literal, TypedDict

import msgspec

from signaling.reasons import Detection, Reason

MAX_WORDS = 1000  # characters of any text in an entry; what is longer is cut

ServerEvent = Literal[
    "serverStarted",
    "serverStopping",
    "socketOpened",
    "socketLost",
    "refused",
    "joined",
    "resumed",
    "graceBegan",
    "leave",
    "kickAsked",
    "dismissAsked",
    "banned",
    "farewell",
    "exited",
    "moved",
    "called",
    "turnedAway",
]
PeerEvent = Literal["leaving", "step", "released"]
Happening = ServerEvent | PeerEvent  # beside the messages that are written down by their names on the wire


class Facts(TypedDict, total=False):
    """What can be said of an event, as keyword arguments: the fields of `Entry`."""

    session: str | None
    room: str | None
    user: str | None
    reason: Reason
    text: str | None
    detected_by: Detection
    silent_for: float
    by: str | None
    via: str | None
    code: str
    told: int
    opened_as: str
    until: float
    grace: float
    ban_for: float | None
    lost_for: float
    failed: bool | None
    wait: str | bool | None
    notice: str
    unacknowledged: tuple[str, ...]
    name: str
    took: float
    ended: str
    total: float
    device: str
    outcome: str
    call: str
    to: str
    address: str
    count: int


class Entry(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What happened, when, and who wrote it down. `session`, `room` and `user` say whom it is about."""

    mono: float  # seconds on the monotonic clock of the machine that wrote it
    wall: float  # seconds since 1970
    who: str  # "server" or "peer ROOM/USER"
    event: str
    session: str | None = None
    room: str | None = None
    user: str | None = None
    reason: Reason | None = None
    text: str | None = None
    detected_by: Detection | None = None
    silent_for: float | None = None  # seconds since the last sign of life
    by: str | None = None  # the user who asked for it; absent: nobody in the room did
    via: str | None = None  # how those who are not in the room asked: "api"
    code: str | None = None  # why somebody was refused
    told: int | None = None  # how many others were told
    opened_as: str | None = None  # the session that a socket was opened as before it resumed this one
    until: float | None = None  # seconds since 1970
    grace: float | None = None  # seconds
    ban_for: float | None = None  # seconds
    lost_for: float | None = None  # seconds
    failed: bool | None = None  # the program ended by an exception
    wait: str | bool | None = None  # whose answer a leaver waits for
    notice: str | None = None  # as in the exit report
    unacknowledged: tuple[str, ...] = ()
    name: str | None = None  # of a step of leaving
    took: float | None = None  # seconds
    ended: str | None = None  # "ok", "timed out" or what went wrong
    total: float | None = None  # seconds
    device: str | None = None
    outcome: str | None = None  # "verified", "closed" or "stuck"
    call: str | None = None  # what was asked for by HTTP: an `operationId` of the admin API
    to: str | None = None  # the other room, of who is moved
    address: str | None = None  # where a request or a socket came from: an IPv4 address, or a network of IPv6
    count: int | None = None  # how often it happened within a second

    @property
    def is_by_server(self) -> bool:
        """Whether the server wrote it."""
        return self.who == "server"

    @property
    def subject(self) -> tuple[str, str] | None:
        """The room and the user that it is about, if it says so; a peer that names nobody speaks of itself."""
        room, _, writer = self.who.removeprefix("peer ").partition("/")
        if not writer:
            return (self.room, self.user) if self.room and self.user else None
        return self.room or room, self.user or writer


_FIELDS = frozenset(Entry.__struct_fields__) - {"mono", "wall", "who", "event"}
_encoder = msgspec.json.Encoder(enc_hook=str)
_decoder = msgspec.json.Decoder(Entry)


def facts_of(message: msgspec.Struct) -> Facts:
    """Return what may be written down of a message; what its `report` says counts as its own."""
    report = getattr(message, "report", None)
    return {**(facts_of(report) if report is not None else {}), **_known(message)}  # type: ignore[typeddict-item] # its keys are those of Entry


def _known(message: msgspec.Struct) -> dict[str, object]:
    said = msgspec.structs.asdict(message)
    return {name: value for name, value in said.items() if name in _FIELDS and value}  # as on the wire: no defaults


def encode_entry(mono: float, wall: float, who: str, event: str, facts: Facts) -> bytes:
    """Return the line, with its end. Raises `ValueError` or `TypeError` for what JSON cannot say."""
    words = {name: _bounded(value) for name, value in facts.items()}
    entry = Entry(mono=round(mono, 6), wall=round(wall, 3), who=who, event=event, **words)  # type: ignore[arg-type] # Facts has the types of Entry
    return _encoder.encode(entry) + b"\n"


def _bounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 6)
    return value[:MAX_WORDS] if isinstance(value, str) else value


def decode_entry(line: bytes) -> Entry | None:
    """Read a line; None if it is damaged."""
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
