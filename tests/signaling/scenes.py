"""Rooms as tests need them, and what each session is told there, in the order of the wire.

Sessions are called by their users' names, with a digit if there are several.
"""

from collections.abc import Iterable

from signaling.config import SignalingConfig
from signaling.effects import Effect, Hangup, Send
from signaling.messages import (
    Error,
    Extra,
    Join,
    Joined,
    Message,
    Resume,
)
from signaling.reasons import Detection
from signaling.room import Room
from signaling.tokens import Admission

WALL = 1_800_000_000.0  # seconds since 1970


def told(effects: Iterable[Effect], session: str) -> list[Message]:
    """Return what is said to one session, in order."""
    return [effect.message for effect in effects if isinstance(effect, Send) and session in effect.to]


def order(effects: Iterable[Effect]) -> list[tuple[str, str]]:
    """Return who hears what, as (session, name of the message or "hangup")."""
    heard: list[tuple[str, str]] = []
    for effect in effects:
        if isinstance(effect, Send):
            heard += [(session, type(effect.message).__name__) for session in effect.to]
        elif isinstance(effect, Hangup):
            heard.append((effect.session, "hangup"))
    return heard


def come(
    room: Room,
    session: str,
    *,
    user: str | None = None,
    extra: Extra | None = None,
    expires: float | None = None,
    grants: frozenset[str] = frozenset(),
    now: float = 0.0,
) -> list[Effect]:
    user = user or session
    message = Join(room=room.name, user=user, extra=extra or {})
    admission = Admission(user, room.name, expires, grants)
    return room.join(session, f"secret of {session}", message, admission, now=now, wall=WALL)


def come_back(
    room: Room,
    session: str,
    *,
    user: str | None = None,
    secret: str | None = None,
    seq: int = 0,
    expires: float | None = None,
    now: float = 0.0,
) -> list[Effect]:
    resume = Resume(session=session, secret=secret or f"secret of {session}", seq=seq)
    message = Join(room=room.name, user=user or session, resume=resume)
    admission = Admission(message.user, room.name, expires, frozenset())
    return room.resume("new", message, resume, admission, now=now, wall=WALL)


def drop(
    room: Room, session: str, *, now: float = 0.0, detected_by: Detection = Detection.SOCKET_CLOSED
) -> list[Effect]:
    return room.lose(session, now=now, last_seen=now, detected_by=detected_by)


def full_room(*users: str, config: SignalingConfig | None = None) -> Room:
    room = Room("42", config or SignalingConfig())
    for user in users:
        come(room, user)
    return room


def joined(effects: list[Effect], session: str) -> Joined:
    (message,) = [m for m in told(effects, session) if isinstance(m, Joined)]
    return message


def error(effects: list[Effect], session: str) -> Error:
    (message,) = told(effects, session)
    assert isinstance(message, Error)
    return message
