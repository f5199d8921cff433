"""All rooms, and the sessions outside of them. A core: messages, losses and time come in, effects go out.

    open ──► outside ── join ──► inside a room ──► gone
                │                                   ▲
                └── refused, or its socket ended ───┘

A room exists while somebody is in it, or if a program has created it: see `RoomSettings`. What a session says that is
already gone is not heard.
"""

import math
from collections.abc import Callable, Collection
from hmac import compare_digest
from itertools import chain

from signaling.bans import Bans
from signaling.calls import Refusal, RoomSettings
from signaling.config import SignalingConfig
from signaling.deadlines import Deadlines
from signaling.effects import (
    Adopt,
    Asked,
    Ban,
    Closed,
    Created,
    Departed,
    Effect,
    Entered,
    Exited,
    Hangup,
    Send,
    Settled,
    Transferred,
    Unheard,
    complain,
    refuse,
)
from signaling.forms import is_name, is_room_name as is_room_name
from signaling.janus.placing import Placing
from signaling.members import RoomStatus
from signaling.messages import (
    Ack,
    ClientMessage,
    Error,
    ErrorCode,
    ExitRoom,
    Extra,
    Farewell,
    Join,
    MediaKind,
    Refresh,
    Resume,
)
from signaling.reasons import Detection, Reason
from signaling.room import Room
from signaling.snapshot import RoomRecord, room_of, room_record
from signaling.talk import announce, describe, expel, hear, silence
from signaling.tokens import TokenError, verify

REMEMBERED = 256  # last messages to sessions that were removed while they could not be reached


class Lobby:
    """Everybody who is connected. Every method that changes something returns what is to be done, in order."""

    def __init__(self, config: SignalingConfig, salt: str = "") -> None:
        self._config = config
        self.placing = Placing(config.janus, config.janus_secret or "", salt)
        self.counts_from: Callable[[str], int] = lambda _: 0  # room → after what the events of a new one are numbered
        self._rooms: dict[str, Room] = {}
        self._outside: dict[str, str] = {}  # session → secret
        self._inside: dict[str, Room] = {}  # session → its room
        self._leaving: dict[str, Room] = {}  # sessions that are out and are to acknowledge that → the room they were in
        self._deadlines = Deadlines()  # of the rooms that have one: thousands of idle users cost nothing
        self._unheard: dict[str, Unheard] = {}  # by session
        self.bans = Bans()
        self._is_shut = False

    def open(self, session: str, secret: str) -> None:
        """Note that a socket has connected, with an unguessable session id and secret."""
        self._outside[session] = secret

    def lost(self, session: str, now: float, last_seen: float, detected_by: Detection) -> list[Effect]:
        """Note that a session's socket has ended, by whatever cause."""
        self._outside.pop(session, None)
        if (left := self._leaving.get(session)) is not None:
            return self._follow(left, left.despair(session), now)
        room = self._inside.get(session)
        if room is None:
            return []
        return self._follow(room, room.lose(session, now=now, last_seen=last_seen, detected_by=detected_by), now)

    def handle(self, session: str, message: ClientMessage, now: float, wall: float) -> list[Effect]:
        """Decide what follows from what a client said; `wall` is seconds since 1970, for tokens."""
        room = self._inside.get(session)
        if room is not None:
            if isinstance(message, Refresh):
                return self._follow(room, self._refresh(room, session, message, now, wall), now)
            return self._follow(room, hear(room, session, message, now=now), now)
        if (left := self._leaving.get(session)) is not None and isinstance(message, Ack):
            return self._follow(left, left.acknowledge(session, message), now)
        if session not in self._outside:
            return []
        if isinstance(message, Join):
            return self._join(session, message, now, wall)
        return complain(session, ErrorCode.WRONG_STATE, "join a room first", message)

    def kick(self, room: str, user: str, text: str | None, now: float, ban_for: float | None = None) -> list[Effect]:
        """Remove a user from a room. No effects: no such user is there."""
        found = self._there(room)
        return [] if found is None else self._follow(found, expel(found, user, text, now=now, ban_for=ban_for), now)

    def farewell(self, message: Farewell, now: float) -> list[Effect]:
        """Remove a session in whose name its guard or watchdog speaks. No effects: there is no such session."""
        room = self._inside.get(message.session)
        if room is None:
            return []
        reason = Reason(message.reason)
        return self._follow(room, room.farewell(message.session, message.ticket, reason, now=now), now)

    def dismiss(self, room: str, text: str | None, now: float) -> list[Effect]:
        """Remove everybody from a room. No effects: there is no such room."""
        found = self._there(room)
        return [] if found is None else self._follow(found, found.dismiss(text, now=now), now)

    def create(self, settings: RoomSettings, now: float) -> list[Effect]:
        """Have a room exist. No effects: it exists with these settings. Raises `Refusal` if that cannot be."""
        found = self._there(settings.name)
        if found is not None and found.settings != settings:
            raise Refusal(ErrorCode.WRONG_STATE, f"the room {settings.name} exists, with other settings")
        if found is not None:
            return []
        self._check_name(settings.name)
        self.placing.check(settings.topology)
        room = self.room_called(settings.name)
        room.keep(settings, now)
        return self._follow(room, [Created(settings.name)], now)

    def mute(self, room: str, user: str, kind: MediaKind, text: str | None, now: float) -> list[Effect]:
        """Have a user send nothing of a kind. No effects: no such user is there."""
        found = self._rooms.get(room)
        return [] if found is None else self._follow(found, silence(found, user, kind, text, now=now), now)

    def broadcast(self, room: str, topic: str, data: object, now: float, to: str | None = None) -> list[Effect]:
        """Say something to everybody in a room, or to one. No effects: nobody of that name is there.

        Raises `Refusal` if it is too large.
        """
        found = self._there(room)
        return [] if found is None else self._follow(found, announce(found, topic, data, to, now=now), now)

    def update(self, room: str, user: str, extra: Extra, now: float) -> list[Effect]:
        """Replace a user's `extra`. No effects: no such user is there. Raises `Refusal` if it is too large."""
        found = self._rooms.get(room)
        return [] if found is None else self._follow(found, describe(found, user, extra, now=now), now)

    def move(self, room: str, user: str, to_room: str, now: float, wall: float) -> list[Effect]:
        """Take a user to another room, in the same session. No effects: no such user is there.

        Raises `Refusal` if the other room does not take the user in.
        """
        old = self._rooms.get(room)
        member = None if old is None else old.holder(user)
        if old is None or member is None:
            return []
        new = self.room_for(user, room, to_room)
        left = self._follow(old, old.move_out(member, now=now), now)
        came = self._follow(new, new.move_in(member, room, now=now, wall=wall), now)
        return sorted([*left, *came], key=lambda effect: isinstance(effect, Closed))  # only now is the old room over

    def grace_of(self, session: str) -> float:
        """Return for how many seconds a session may be lost and come back."""
        room = self._inside.get(session)
        return self._config.grace if room is None else room.settings.grace

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
        return list(chain.from_iterable(effects for _, effects in self.advance_each(now)))

    def advance_each(self, now: float, frozen: Collection[str] = ()) -> list[tuple[str, list[Effect]]]:
        """Do what is due; return it room by room. In `frozen` rooms nothing happens until `follow` is called."""
        due = [self._rooms[name] for name in self._deadlines.take(now) if name not in frozen]
        return [(room.name, self._follow(room, room.advance(now), now)) for room in due]

    def next_deadline(self) -> float | None:
        """Return when `advance` has something to do, `None` if it never has."""
        return self._deadlines.next()

    @property
    def size(self) -> int:
        """How many rooms there are."""
        return len(self._rooms)

    def count(self) -> tuple[int, int]:
        """Return how many users are here, and how many are unreachable."""
        here = sum(member.is_here for room in self._rooms.values() for member in room.members)
        return here, len(self._inside) - here

    def rooms(self) -> list[RoomStatus]:
        """Return every room and who is in it, sorted by name."""
        return [self._rooms[name].status() for name in sorted(self._rooms) if self._rooms[name].is_there]

    def room(self, name: str) -> RoomStatus | None:
        """Return one room and who is in it, `None` if nobody is."""
        room = self._there(name)
        return None if room is None else room.status()

    def records(self, *, now: float, wall: float) -> list[RoomRecord]:
        """Write down every room, for another process to go on with."""
        return [room_record(room, now=now, wall=wall) for room in self._rooms.values() if room.is_there]

    def restore(self, record: RoomRecord, *, now: float, wall: float) -> Room:
        """Go on with a room that another process wrote down: everybody is unreachable, and nobody is told."""
        room = room_of(record, self._config, now=now, wall=wall)
        self._inside.update((member.session, room) for member in room.members)
        self._follow(room, [], now)
        return room

    def find(self, name: str) -> Room | None:
        """Return a room that is run here."""
        return self._rooms.get(name)

    def all(self) -> tuple[Room, ...]:
        """Return every room that is run here."""
        return tuple(self._rooms.values())

    def room_called(self, name: str) -> Room:
        """Return a room that is run here, or a new one that nobody knows yet, with a place for its media."""
        room = self._rooms.get(name)
        if room is None:
            room = Room(name, self._config)
            room.seq = self.counts_from(name)
        return self.placing.place(room)

    def room_of(self, session: str) -> Room | None:
        """Return the room that a session is in."""
        return self._inside.get(session)

    def room_left(self, session: str) -> Room | None:
        """Return the room that a session is out of, if it has still to acknowledge that, or waits for those who do."""
        return self._leaving.get(session)

    def knows(self, session: str) -> bool:
        """Whether a session is in a room, or could come into one."""
        return session in self._inside or session in self._outside

    def follow(self, room: Room, effects: list[Effect], now: float) -> list[Effect]:
        """Keep our own books by what was decided of a room elsewhere than in here."""
        return self._follow(room, effects, now)

    @property
    def unheard(self) -> tuple[Unheard, ...]:
        """The last messages to sessions that may not have heard them, oldest first."""
        return tuple(self._unheard.values())

    def remember(self, last: Unheard) -> None:
        """Have a last message ready, should its session try to come back; too many, and the oldest is forgotten."""
        self._unheard[last.session] = last
        while len(self._unheard) > REMEMBERED:
            del self._unheard[next(iter(self._unheard))]

    def forget(self, name: str) -> Room | None:
        """Go on with a room no more, because somebody else does: nobody is told of anything."""
        room = self._rooms.pop(name, None)
        self._leaving = {session: left for session, left in self._leaving.items() if left is not room}
        self._deadlines.set(name, None)
        for member in () if room is None else room.members:
            del self._inside[member.session]
        return room

    def _there(self, name: str) -> Room | None:
        """Return a room that exists as far as anybody outside can see."""
        room = self._rooms.get(name)
        return room if room is not None and room.is_there else None

    def _join(self, session: str, message: Join, now: float, wall: float) -> list[Effect]:
        if message.resume is not None and (parting := self._parting(message.resume)) is not None:
            del self._outside[session]
            return [Send((session,), parting), Hangup(session)]
        if self._is_shut:
            return self._turn_away(session, ErrorCode.SERVER_SHUTDOWN, _SHUT, message)
        if not is_room_name(message.room):
            return self._turn_away(session, ErrorCode.BAD_NAME, f"no room can be called {message.room!r}", message)
        if not is_name(message.user):
            return self._turn_away(session, ErrorCode.BAD_NAME, f"no user can be called {message.user!r}", message)
        try:
            admission = verify(message.token, self._config.all_keys, self._room_of_token(message), message.user, wall)
        except TokenError as error:
            return self._turn_away(session, error.code, error.text, message)
        room = self.room_called(message.room)
        if message.resume is not None:
            room = self._inside.get(message.resume.session) or room
            resumed = room.resume(session, message, message.resume, admission, now=now, wall=wall)
            return self._follow(room, resumed, now)
        if left := self.bans.left(message.room, message.user, admission.digest, now):
            text = f"{message.user} is kept out of {message.room} for {math.ceil(left)} more seconds"
            return self._turn_away(session, ErrorCode.BANNED, text, message)
        if self._has_no_space_for(message.room):
            return self._turn_away(session, ErrorCode.SERVER_FULL, self._full(), message)
        secret = self._outside[session]
        return self._follow(room, room.join(session, secret, message, admission, now=now, wall=wall), now)

    def _room_of_token(self, join: Join) -> str:
        """Return the room that a token has to be for: who was moved has one for the room where they came in."""
        if join.resume is None or (room := self._inside.get(join.resume.session)) is None:
            return join.room
        return room.member(join.resume.session).admission.room or join.room

    def _refresh(self, room: Room, session: str, message: Refresh, now: float, wall: float) -> list[Effect]:
        member = room.member(session)
        try:
            admission = verify(message.token, self._config.all_keys, member.admission.room, member.user, wall)
        except TokenError as error:
            return complain(session, error.code, error.text, message)
        return room.refresh(session, admission, now=now, wall=wall)

    def room_for(self, user: str, room: str, to_room: str) -> Room:
        """Return the room that a user of another is to be in. Raises `Refusal` if it cannot be."""
        if to_room == room:
            raise Refusal(ErrorCode.WRONG_STATE, f"{user} is in {room} already")
        self._check_name(to_room)
        new = self.room_called(to_room)
        if (problem := new.problem_with(user)) is not None:
            raise Refusal(*problem)
        return new

    def _check_name(self, room: str) -> None:
        if not is_room_name(room):
            raise Refusal(ErrorCode.BAD_NAME, f"no room can be called {room!r}")
        if self._has_no_space_for(room):
            raise Refusal(ErrorCode.SERVER_FULL, self._full())

    def _has_no_space_for(self, room: str) -> bool:
        return room not in self._rooms and 0 < self._config.max_rooms <= len(self._rooms)

    def _full(self) -> str:
        return f"the server holds {self._config.max_rooms} rooms and takes no more"

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
                    if room.awaits(session):
                        self._leaving[session] = room
                case Adopt(connection=session) | Hangup(session=session):
                    self._outside.pop(session, None)
                    self._leaving.pop(session, None)
                case Unheard():
                    self.remember(effect)
                case Ban(room=name, user=user, token=token, until=until):
                    self.bans.add(name, user, token, until, now)
                case Departed(session=session):
                    del self._inside[session]
                case Transferred(session=session):
                    self._inside[session] = room
                case Created() | Asked() | Settled() | Closed() | Send():  # pragma: no branch - that is all there is
                    pass
        self._deadlines.set(room.name, None if room.is_over else room.next_deadline())
        if not room.is_over:
            self._rooms[room.name] = room
            return effects
        was_there = self._rooms.pop(room.name, None) is not None
        return [*effects, Closed(room.name)] if was_there else effects


_SHUT = "the server is shutting down"
