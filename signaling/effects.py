"""What a room or the lobby decided, as values: the shell carries them out in their order, which is the wire's order."""

from collections.abc import Iterable
from dataclasses import dataclass

from signaling.messages import ClientMessage, Error, ErrorCode, ExitRoom, ServerMessage
from signaling.reasons import Detection, Reason


@dataclass(frozen=True, slots=True)
class Send:
    """Say something to these sessions, to all the same."""

    to: tuple[str, ...]
    message: ServerMessage


@dataclass(frozen=True, slots=True)
class Hangup:
    """Close the socket of a session once everything that was said before has been sent."""

    session: str


@dataclass(frozen=True, slots=True)
class Adopt:
    """Let the socket that was opened as session `connection` be the one of `session`, instead of any it had."""

    connection: str
    session: str


@dataclass(frozen=True, slots=True)
class Entered:
    """A session is in a room (for the journal and for whoever keeps count)."""

    session: str
    room: str
    user: str


@dataclass(frozen=True, slots=True)
class Exited:
    """A session is in no room any more (for the journal and for whoever keeps count)."""

    session: str
    room: str
    user: str
    reason: Reason
    detected_by: Detection
    silent_for: float = 0.0  # seconds since the last sign of life
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """A room that was there is there no more: nobody is in (for whoever keeps count)."""

    room: str


@dataclass(frozen=True, slots=True)
class Transferred:
    """A session is in another room, without having been out: no `Exited` nor `Entered` goes with it."""

    session: str
    user: str
    room: str
    to: str


@dataclass(frozen=True, slots=True)
class Departed:
    """A session is on its way to another room, which another node may run: no `Exited` goes with it.

    `record` is its member's, as JSON: as what it comes in there, which is an `Entered`. `epoch`: in which the owner of
    the other room agreed, if anybody was in it.
    """

    session: str
    secret: str
    user: str
    room: str
    to: str
    record: bytes
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Created:
    """A room exists because a program asked for it; nobody is in."""

    room: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A program in no room has asked for something, and `Settled` will say what came of it."""

    about: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What a program asked for is done, and known to those whom it concerns, or the time for that is over.

    `told`: the users to whom it was said. `unacknowledged`: those of all concerned who did not say in time that they
    know, and those who could not be reached.
    """

    about: str
    told: tuple[str, ...]
    unacknowledged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unheard:
    """A session was removed and may not have heard of it: its last message waits, should it try to come back."""

    session: str
    secret: str
    message: ExitRoom


@dataclass(frozen=True, slots=True)
class Ban:
    """A user, and the token it came with (its digest), are kept out of a room."""

    room: str
    user: str
    token: str | None
    until: float


Effect = (
    Send
    | Hangup
    | Adopt
    | Entered
    | Exited
    | Closed
    | Transferred
    | Departed
    | Created
    | Asked
    | Settled
    | Unheard
    | Ban
)


def complain(session: str, code: ErrorCode, text: str, about: ClientMessage) -> list[Effect]:
    """Tell a session that what it said cannot be done. It stays."""
    return [Send((session,), Error(code=code, text=text, about=str(about.__struct_config__.tag)))]


def refuse(session: str, code: ErrorCode, text: str, about: ClientMessage) -> list[Effect]:
    """Tell a session that it is not let in, and hang up."""
    return [*complain(session, code, text, about), Hangup(session)]


def send(to: Iterable[str], message: ServerMessage) -> list[Effect]:
    """Say something to whoever is in `to`, if anybody."""
    sessions = tuple(to)
    return [Send(sessions, message)] if sessions else []
