"""What webhooks tell: rooms that open and close, users who come and go. Messages and `extra` of users are not told.

    {"id": "8fXq2...", "type": "userLeft", "time": 1900000000.125, "room": "lobby", "seq": 7, "user": "ana",
     "session": "Zk3...", "reason": "network_lost", "detectedBy": "heartbeat", "silentFor": 12.1}

`seq` counts a room's events from 1, as long as the room is at one server. A user who is moved to another room has
`userLeft` with the reason `moved` there and `userJoined` here.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import msgspec

from signaling.effects import Adopt, Closed, Created, Departed, Effect, Entered, Exited, Transferred
from signaling.observer import Observer
from signaling.reasons import Detection, Reason
from signaling.webhook_queue import Event

Happening = Literal["roomCreated", "userJoined", "userUnreachable", "userBack", "userLeft", "roomClosed"]


class WebhookEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The body of a request to a webhook's receiver."""

    id: str  # the same when it is sent again: who knows it has heard of this before
    type: Happening
    time: float  # seconds since 1970
    room: str
    seq: int
    user: str | None = None
    session: str | None = None
    reason: Reason | None = None  # of `userLeft`
    detected_by: Detection | None = None  # of `userLeft` and `userUnreachable`
    silent_for: float | None = None  # of `userLeft` and `userUnreachable`: seconds since the last sign of life
    text: str | None = None  # of `userLeft`: what a moderator or a program said


@dataclass(slots=True)
class _Stay:
    room: str
    user: str
    is_away: bool = False


class WebhookEvents(Observer):
    """Translates what happens at a server into events, and knows for that who is where."""

    def __init__(self, put: Callable[[Event], None], *, wall: Callable[[], float] = time.time) -> None:
        self._put = put
        self._wall = wall
        self._seqs: dict[str, int] = {}  # by room
        self._stays: dict[str, _Stay] = {}  # by session

    def restored(self, session: str, room: str, user: str) -> None:
        """Know of somebody who came before this server was started. A receiver heard of them then."""
        self._seqs.setdefault(room, 0)
        self._stays[session] = _Stay(room, user, is_away=True)

    def lost(self, session: str, detected_by: Detection, silent_for: float, grace: float) -> None:
        """Tell that a user cannot be reached."""
        if (stay := self._stays.get(session)) is not None and grace > 0:
            stay.is_away = True
            self._tell("userUnreachable", session, detected_by=detected_by, silent_for=round(silent_for, 3))

    def did(self, effect: Effect) -> None:
        """Tell who came, went, is back, and what became of the room."""
        match effect:
            case Created(room=room):
                self._open(room)
            case Entered(session=session, room=room, user=user):
                self._enter(session, room, user)
            case Transferred(session=session, user=user, to=to):
                self._tell("userLeft", session, reason=Reason.MOVED, detected_by=Detection.ADMIN)
                self._enter(session, to, user)
            case Departed(session=session) if session in self._stays:
                self._tell("userLeft", session, reason=Reason.MOVED, detected_by=Detection.ADMIN)
                del self._stays[session]
            case Adopt(session=session) if session in self._stays and self._stays[session].is_away:
                self._stays[session].is_away = False
                self._tell("userBack", session)
            case Exited(session=session):
                self._exit(effect)
            case Closed(room=room):
                self._say("roomClosed", room)
                self._seqs.pop(room, None)
            case _:
                pass  # nothing that anybody outside has to know

    def _open(self, room: str) -> None:
        if room not in self._seqs:
            self._say("roomCreated", room)

    def _enter(self, session: str, room: str, user: str) -> None:
        self._open(room)
        self._stays[session] = _Stay(room, user)
        self._tell("userJoined", session)

    def _exit(self, exited: Exited) -> None:
        if exited.session in self._stays:
            self._tell(
                "userLeft",
                exited.session,
                reason=exited.reason,
                detected_by=exited.detected_by,
                silent_for=round(exited.silent_for, 3),
                text=exited.text,
            )
            del self._stays[exited.session]

    def _tell(self, event: Happening, session: str, **more: object) -> None:
        stay = self._stays[session]
        self._say(event, stay.room, user=stay.user, session=session, **more)

    def _say(self, event: Happening, room: str, **more: object) -> None:
        self._seqs[room] = seq = self._seqs.get(room, 0) + 1
        wall = round(self._wall(), 3)
        body = WebhookEvent(id=secrets.token_urlsafe(16), type=event, time=wall, room=room, seq=seq, **more)  # type: ignore[arg-type] # its own fields, from the calls above
        self._put(Event(body.id, room, msgspec.json.encode(body)))
