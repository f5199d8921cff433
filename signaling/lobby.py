"""All rooms, and the sessions outside of them. A core: messages, losses and time come in, effects go out.

    open ──► outside ── join ──► inside a room ──► gone
                │                                   ▲
                └── refused, or its socket ended ───┘

A room exists while somebody is in it. What a session says that is already gone is not heard.
"""

import math
import re
from hmac import compare_digest
from itertools import chain

from signaling.bans import Bans
from signaling.config import SignalingConfig
from signaling.deadlines import Deadlines
from signaling.effects import Adopt, Ban, Effect, Entered, Exited, Hangup, Send, Unheard, complain, refuse
from signaling.members import RoomStatus
from signaling.messages import (
    NAME_PATTERN,
    RESERVED_ROOMS,
    Ack,
    Answer,
    Candidate,
    ClientMessage,
    Dismiss,
    Error,
    ErrorCode,
    ExitRoom,
    Farewell,
    Join,
    Kick,
    Leave,
    NeedOffer,
    Offer,
    Resume,
    UpdateExtra,
)
from signaling.reasons import Detection, Reason
from signaling.room import Room
from signaling.tokens import TokenError, verify

REMEMBERED = 256  # last messages to sessions that were removed while they could not be reached


class Lobby:
    """Everybody who is connected. Every method that changes something returns what is to be done, in order."""

    def __init__(self, config: SignalingConfig) -> None:
        self._config = config
        self._rooms: dict[str, Room] = {}
        self._outside: dict[str, str] = {}  # session → secret
        self._inside: dict[str, Room] = {}  # session → its room
        self._deadlines = Deadlines()  # of the rooms that have one: thousands of idle users cost nothing
        self._unheard: dict[str, Unheard] = {}  # by session
        self._bans = Bans()
        self._is_shut = False

    def open(self, session: str, secret: str) -> None:
        """Note that a socket has connected, with an unguessable session id and secret."""
        self._outside[session] = secret

    def lost(self, session: str, now: float, last_seen: float, detected_by: Detection) -> list[Effect]:
        """Note that a session's socket has ended, by whatever cause."""
        self._outside.pop(session, None)
        room = self._inside.get(session)
        if room is None:
            return []
        return self._follow(room, room.lose(session, now=now, last_seen=last_seen, detected_by=detected_by), now)

    def handle(self, session: str, message: ClientMessage, now: float, wall: float) -> list[Effect]:
        """Decide what follows from what a client said; `wall` is seconds since 1970, for tokens."""
        room = self._inside.get(session)
        if room is not None:
            return self._follow(room, _said_inside(room, session, message, now), now)
        if session not in self._outside:
            return []
        if isinstance(message, Join):
            return self._join(session, message, now, wall)
        return complain(session, ErrorCode.WRONG_STATE, "join a room first", message)

    def kick(self, room: str, user: str, text: str | None, now: float, ban_for: float | None = None) -> list[Effect]:
        """Remove a user from a room. No effects: no such user is there."""
        found = self._rooms.get(room)
        return [] if found is None else self._follow(found, found.expel(user, text, now=now, ban_for=ban_for), now)

    def farewell(self, message: Farewell, now: float) -> list[Effect]:
        """Remove a session in whose name its guard or watchdog speaks. No effects: there is no such session."""
        room = self._inside.get(message.session)
        if room is None:
            return []
        reason = Reason(message.reason)
        return self._follow(room, room.farewell(message.session, message.ticket, reason, now=now), now)

    def dismiss(self, room: str, text: str | None, now: float) -> list[Effect]:
        """Remove everybody from a room. No effects: there is no such room."""
        found = self._rooms.get(room)
        return [] if found is None else self._follow(found, found.close(Reason.DISMISSED, text), now)

    def shutdown(self, now: float) -> list[Effect]:
        """Remove everybody from everywhere, and let nobody in any more."""
        self._is_shut = True
        effects: list[Effect] = []
        for room in list(self._rooms.values()):
            effects += self._follow(room, room.close(Reason.SERVER_SHUTDOWN), now)
        for session in self._outside:
            error = Error(code=ErrorCode.SERVER_SHUTDOWN, text=_SHUT)
            effects += [Send((session,), error), Hangup(session)]
        self._outside.clear()
        return effects

    def advance(self, now: float) -> list[Effect]:
        """Do what is due: graces and tokens that are over."""
        due = [self._rooms[name] for name in self._deadlines.take(now)]
        return list(chain.from_iterable(self._follow(room, room.advance(now), now) for room in due))

    def next_deadline(self) -> float | None:
        """Return when `advance` has something to do, `None` if it never has."""
        return self._deadlines.next()

    def rooms(self) -> list[RoomStatus]:
        """Return every room and who is in it, sorted by name."""
        return [self._rooms[name].status() for name in sorted(self._rooms)]

    def room(self, name: str) -> RoomStatus | None:
        """Return one room and who is in it, `None` if nobody is."""
        room = self._rooms.get(name)
        return None if room is None else room.status()

    def _join(self, session: str, message: Join, now: float, wall: float) -> list[Effect]:
        if message.resume is not None and (parting := self._parting(message.resume)) is not None:
            del self._outside[session]
            return [Send((session,), parting), Hangup(session)]
        if self._is_shut:
            return self._turn_away(session, ErrorCode.SERVER_SHUTDOWN, _SHUT, message)
        if not is_room_name(message.room):
            return self._turn_away(session, ErrorCode.BAD_NAME, f"no room can be called {message.room!r}", message)
        if not _is_name(message.user):
            return self._turn_away(session, ErrorCode.BAD_NAME, f"no user can be called {message.user!r}", message)
        try:
            admission = verify(message.token, self._config.key, message.room, message.user, wall)
        except TokenError as error:
            return self._turn_away(session, error.code, error.text, message)
        room = self._rooms.get(message.room) or Room(message.room, self._config)
        if message.resume is not None:
            resumed = room.resume(session, message, message.resume, admission, now=now, wall=wall)
            return self._follow(room, resumed, now)
        if left := self._bans.left(message.room, message.user, admission.digest, now):
            text = f"{message.user} is kept out of {message.room} for {math.ceil(left)} more seconds"
            return self._turn_away(session, ErrorCode.BANNED, text, message)
        secret = self._outside[session]
        return self._follow(room, room.join(session, secret, message, admission, now=now, wall=wall), now)

    def _parting(self, resume: Resume) -> ExitRoom | None:
        """Return what a session was to be told when it was removed, if it could not be told then."""
        unheard = self._unheard.get(resume.session)
        if unheard is None or not compare_digest(unheard.secret.encode(), resume.secret.encode()):
            return None
        return unheard.message

    def _turn_away(self, session: str, code: ErrorCode, text: str, message: Join) -> list[Effect]:
        del self._outside[session]
        return refuse(session, code, text, message)

    def _follow(self, room: Room, effects: list[Effect], now: float) -> list[Effect]:
        """Keep our own books by what a room decided."""
        for effect in effects:
            match effect:
                case Entered(session=session):
                    del self._outside[session]
                    self._inside[session] = room
                case Exited(session=session):
                    del self._inside[session]
                case Adopt(connection=session) | Hangup(session=session):
                    self._outside.pop(session, None)
                case Unheard(session=session):
                    self._unheard[session] = effect
                    while len(self._unheard) > REMEMBERED:
                        del self._unheard[next(iter(self._unheard))]
                case Ban(room=name, user=user, token=token, until=until):
                    self._bans.add(name, user, token, until, now)
                case Send():  # pragma: no branch - mypy checks that nothing is left
                    pass
        if room.is_empty:
            self._rooms.pop(room.name, None)
        else:
            self._rooms[room.name] = room
        self._deadlines.set(room.name, None if room.is_empty else room.next_deadline())
        return effects


_SHUT = "the server is shutting down"


def is_room_name(name: str) -> bool:
    """Whether a room can have this name."""
    return _is_name(name) and name not in RESERVED_ROOMS


def _is_name(name: str) -> bool:
    # In full: the decoder searches, and so lets a name end in a line feed.
    return re.fullmatch(NAME_PATTERN, name) is not None


def _said_inside(room: Room, session: str, message: ClientMessage, now: float) -> list[Effect]:
    match message:
        case Join():
            return complain(session, ErrorCode.WRONG_STATE, f"this session is in {room.name} already", message)
        case Leave():
            return room.leave(session, message, now=now)
        case Offer() | Answer() | Candidate() | NeedOffer():
            return room.relay(session, message)
        case Ack():
            return room.acknowledge(session, message)
        case UpdateExtra():
            return room.update(session, message)
        case Kick():
            return room.kick(session, message, now=now)
        case Dismiss():  # pragma: no branch - mypy checks that nothing is left
            return room.dismiss(session, message)
