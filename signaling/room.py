"""One room: who is in, who is told what, in which order. A core: it decides, and does nothing.

    join ──► here ◄──────── resume ──────── unreachable ── grace over ──► gone
              │                                  ▲
              ├── lose (its socket ended) ───────┘
              ├── leave · kick · dismiss · replaced · token expired ────► gone
              └── move ─────────────────────────────────────────────────► here, in another room

Whoever remains is told of a leave before the leaver gets its `ExitRoom`. Sessions are removed, never users: the late
end of an old session cannot evict the new one of the same user. What members say to each other is in `talk.py`.
"""

from collections.abc import Iterable
from itertools import chain
from typing import TypeVar

import msgspec

from signaling.acknowledgements import Parting
from signaling.calls import RoomSettings
from signaling.config import Duplicate, SignalingConfig
from signaling.effects import (
    Adopt,
    Effect,
    Entered,
    Exited,
    Send,
    Transferred,
    Unheard,
    refuse,
)
from signaling.farewells import Farewells
from signaling.janus.hosting import VideoRoom, words
from signaling.members import MAX_DEPTH, Loss, Member, RoomStatus, fits
from signaling.messages import (
    MAX_EXTRA,
    ErrorCode,
    ExitRoom,
    Join,
    Joined,
    Leave,
    Moved,
    Place,
    Refreshed,
    RemoteUserBack,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUpdate,
    Resume,
    RoomEvent,
    TokenExpiring,
)
from signaling.reasons import Detection, Reason
from signaling.tokens import MEDIA_GRANTS, Admission
from signaling.turn import ice_servers

PlaceT = TypeVar("PlaceT", bound=Place)


class Room(Farewells):
    """Who is in one room. Every method that changes it returns what is to be done, in order."""

    def __init__(self, name: str, config: SignalingConfig, settings: RoomSettings | None = None) -> None:
        super().__init__(name)
        self.settings = settings or RoomSettings.usual(name, config)
        self.video_room: VideoRoom | None = None  # who carries the media, if a Janus does
        self._config = config
        self._closes_at: float | None = None
        self._alone_until: float | None = None
        self._is_kept = False  # although nobody is in

    @property
    def is_over(self) -> bool:
        """Whether nothing is left of the room: no last word that somebody is still to acknowledge, either."""
        return not self.is_there and self._departures.is_empty and self._acknowledgements.is_empty

    @property
    def is_there(self) -> bool:
        """Whether it exists, as far as anybody outside can see."""
        return self._is_kept or not self.is_empty

    def status(self) -> RoomStatus:
        """Return who is here and how the room is run, for people and programs that look from outside."""
        return msgspec.structs.replace(super().status(), settings=self.settings)

    def keep(self, settings: RoomSettings, now: float) -> None:
        """Exist from now on although nobody is in: a program has created the room."""
        self.settings = settings
        self._is_kept = True
        self._begin_to_age(now)

    @property
    def closes_at(self) -> float | None:
        """When the room is dismissed because of its age; `None`: never."""
        return self._closes_at

    @property
    def alone_until(self) -> float | None:
        """When the room is dismissed because one was left alone; `None`: nobody was, or may be."""
        return self._alone_until

    @property
    def is_kept(self) -> bool:
        """Whether it exists although nobody is in."""
        return self._is_kept

    def restore(
        self,
        *,
        seq: int,
        members: Iterable[Member],
        events: Iterable[RoomEvent] = (),
        closes_at: float | None = None,
        alone_until: float | None = None,
        is_kept: bool = False,
    ) -> None:
        """Go on where another process stopped, in a room that is new. Nobody is told: see `snapshot.py`."""
        self.seq, self._closes_at, self._is_kept = seq, closes_at, is_kept
        self._alone_until = alone_until
        self._events.extend(events)
        for member in members:
            self.put_back(member)

    def next_deadline(self) -> float | None:
        """Return when `advance` has something to do, `None` if it never has."""
        waits = (self._acknowledgements.next_deadline(), self._departures.next_deadline())
        dues = (self._deadlines.next(), *waits, self._closes_at, self._alone_until)
        return min((due for due in dues if due is not None), default=None)

    def join(
        self, session: str, secret: str, message: Join, admission: Admission, *, now: float, wall: float
    ) -> list[Effect]:
        """Let a new session in, or refuse it. A session of the same user makes way, if so configured."""
        if (problem := self.problem_with(message.user)) is not None:
            return refuse(session, *problem, message)
        if not fits(message.extra):
            return refuse(session, ErrorCode.TOO_LARGE, TOO_LARGE, message)
        member = Member(session, secret, message.user, message.extra, admission, wall, None)
        member.admit(admission, now=now, wall=wall)
        replaced = self._make_way(member.user, now)
        self._begin_to_age(now)
        return [*replaced, Entered(session, self.name, member.user), *self._let_in(member, Joined, wall)]

    def problem_with(self, user: str) -> tuple[ErrorCode, str] | None:
        """Return why a user cannot come in now, as a code and a sentence; `None`: nothing is in the way."""
        is_here = user in self._holders
        if is_here and self.settings.duplicate == Duplicate.REJECT:
            return ErrorCode.USER_TAKEN, f"{user} is in the room already"
        if len(self._members) - is_here >= self.settings.capacity:
            return ErrorCode.ROOM_FULL, f"the room is full: it holds {self.settings.capacity} users"
        return None

    def resume(
        self, connection: str, message: Join, resume: Resume, admission: Admission, *, now: float, wall: float
    ) -> list[Effect]:
        """Take a session up again on another socket, whether or not its loss was noticed; its `extra` stays."""
        member = self._members.get(resume.session)
        is_known = member is not None and member.user == message.user and member.knows(resume.secret)
        if member is None or not is_known or not member.can_have_heard(resume.seq):
            return refuse(connection, ErrorCode.SESSION_GONE, "there is no such session to resume", message)
        was_lost = not member.is_here
        member.loss = member.knows_until = None
        back = (
            self.tell(RemoteUserBack(user=member.user, session=member.session, seq=self.next_seq())) if was_lost else []
        )
        back += self._admit(member, admission, now=now, wall=wall)
        was_here = message.room == self.name  # or moved while away: its `seq` is another room's
        missed = [e for e in self._events if was_here and e.seq > resume.seq and e.session != member.session]
        joined = msgspec.structs.replace(self._place(member, Joined, wall), resumed=True, missed=missed)
        unsaid: list[Effect] = [Send((member.session,), muted) for muted in member.muted.values()]
        member.muted = {}
        return [Adopt(connection, member.session), Send((member.session,), joined), *unsaid, *back]

    def refresh(self, session: str, admission: Admission, *, now: float, wall: float) -> list[Effect]:
        """Let a newer token count for a session."""
        refreshed = Refreshed(grants=sorted(admission.grants), expires=admission.expires)
        return [Send((session,), refreshed), *self._admit(self._members[session], admission, now=now, wall=wall)]

    def leave(self, session: str, message: Leave, *, now: float) -> list[Effect]:
        """Let a session go that said so, or whose gateway did."""
        if message.silent_for is not None:
            self._members[session].silent_for = message.silent_for
            return self.remove(session, Reason.NETWORK_LOST, Detection.MEDIA, now=now)
        reason = Reason.ERROR if message.failed else Reason.LEFT
        return self.remove(session, reason, Detection.NOTICE, now=now, waits=message.wait)

    def farewell(self, session: str, ticket: str, reason: Reason, *, now: float) -> list[Effect]:
        """Let a session go for which its guard or its watchdog speaks. No effects: that is not its ticket."""
        member = self._members.get(session)
        if member is None or not member.has_ticket(ticket):
            return []
        detected_by = Detection.GUARD if reason is Reason.CRASHED else Detection.NOTICE
        return self.remove(session, reason, detected_by, now=now)

    def remove(
        self,
        session: str,
        reason: Reason,
        detected_by: Detection,
        *,
        now: float,
        text: str | None = None,
        waits: bool = False,
    ) -> list[Effect]:
        """End one session. Removing a session that is already gone does nothing. `waits`: for acknowledgements."""
        member = self._members.get(session)
        if member is None:
            return []
        notice, told = self._take_out(member, reason, detected_by, now=now, text=text, wants_ack=waits)
        if not notice.wants_ack:
            return [*told, *self.let_go(member, reason, detected_by, text, notice.silent_for)]
        parting = Parting(session, ExitRoom(reason=reason, text=text))
        exited = Exited(session, self.name, member.user, reason, detected_by, notice.silent_for, text)
        return [*told, exited, *self.part(parting, notice.seq, self.members, now=now)]

    def expel(self, member: Member, text: str | None, *, now: float) -> list[Effect]:
        """Remove a member because a program says so, and let it know who knows."""
        reason, by = Reason.KICKED, Detection.ADMIN
        notice, told = self._take_out(member, reason, by, now=now, text=text, wants_ack=True)
        awaited, unreached = ([member], []) if member.is_here else ([], [member])
        return [
            *told,
            *self.let_go(member, reason, by, text, notice.silent_for, ack=notice.seq, now=now),
            *self.ask(notice.seq, [*awaited, *self.members], unreached, now=now),
        ]

    def move_out(self, member: Member, *, now: float) -> list[Effect]:
        """Let a member go who will be in another room; tell the others, and let who asked for it know who knows."""
        notice, told = self._take_out(member, Reason.MOVED, Detection.ADMIN, now=now, text=None, wants_ack=True)
        return [*told, *self.ask(notice.seq, self.members, [member], now=now)]

    def move_in(self, member: Member, came_from: str, *, now: float, wall: float) -> list[Effect]:
        """Let a member of another room in, which `problem_with` has nothing against."""
        replaced = self._make_way(member.user, now)
        self._begin_to_age(now)
        transferred = Transferred(member.session, member.user, came_from, self.name)
        return [*replaced, transferred, *self._let_in(member, Moved, wall), *self.tell_if_lost(member)]

    def lose(self, session: str, *, now: float, last_seen: float, detected_by: Detection) -> list[Effect]:
        """Note that a session's socket ended without a word: it is unreachable, and gone after the grace."""
        member = self._members.get(session)
        if member is None or not member.is_here:
            return []
        member.loss = Loss(last_seen, detected_by, until=now + self.settings.grace)
        if self.settings.grace == 0:
            return self.remove(session, Reason.NETWORK_LOST, detected_by, now=now)
        self._deadlines.set(session, member.deadline)
        return self.tell_if_lost(member)

    def close(self, reason: Reason, text: str | None = None) -> list[Effect]:
        """Remove everybody at once: nobody is left to be told of the others, and nobody has to acknowledge it."""
        members = self._empty()
        farewells = chain.from_iterable(self.let_go(m, reason, Detection.ADMIN, text) for m in members)
        return [*self._acknowledgements.close(), *self._departures.close(), *farewells]

    def dismiss(self, text: str | None, *, now: float, by: str | None = None) -> list[Effect]:
        """Remove everybody, and let whoever wanted that know who has acknowledged it.

        `by`: the session of a member, who hears its last word when all others have; `None`: a program.
        """
        reason, admin, seq = Reason.DISMISSED, Detection.ADMIN, self.next_seq()
        ended = self._acknowledgements.close()
        members = self._empty()
        others = [member for member in members if member.session != by]
        here, away = [m for m in others if m.is_here], [m for m in others if not m.is_here]
        gone = [*chain.from_iterable(self.let_go(m, reason, admin, text, ack=seq, now=now) for m in others)]
        if by is None:
            return [*ended, *gone, *self.ask(seq, here, away, now=now)]
        parting = Parting(by, ExitRoom(reason=reason, text=text), tuple(member.user for member in away))
        own = chain.from_iterable(self.let_go(m, reason, admin, text) for m in members if m.session == by)
        outside = (effect for effect in own if isinstance(effect, Exited | Unheard))  # its last word comes later
        return [*ended, *gone, *outside, *self.part(parting, seq, here, now=now)]

    def advance(self, now: float) -> list[Effect]:
        """Remove those whose grace or token is over, and everybody when the room is too old or one is left alone."""
        if self._closes_at is not None and self._closes_at <= now:
            return self.close(Reason.DISMISSED, _TOO_OLD)
        if self._alone_until is not None and self._alone_until <= now:
            return self.close(Reason.DISMISSED, _ALONE)
        due = chain.from_iterable(self._time_out(self._members[session], now) for session in self._deadlines.take(now))
        return [*self._acknowledgements.advance(now), *self._departures.advance(now), *due]

    # -- inside --

    def _admit(self, member: Member, admission: Admission, *, now: float, wall: float) -> list[Effect]:
        """Let what a token says count; whoever sends to a member or is sent something learns if that is otherwise."""
        is_other = bool(MEDIA_GRANTS & (member.admission.grants ^ admission.grants))
        member.admit(admission, now=now, wall=wall)
        self._deadlines.set(member.session, member.deadline)
        if not is_other:
            return []
        may = sorted(MEDIA_GRANTS & admission.grants)
        seq = self.next_seq()
        return self.tell(
            RemoteUserUpdate(user=member.user, session=member.session, seq=seq, extra=member.extra, grants=may)
        )

    def _make_way(self, user: str, now: float) -> list[Effect]:
        holder = self._holders.get(user)
        return [] if holder is None else self.remove(holder.session, Reason.REPLACED, Detection.ADMIN, now=now)

    def _empty(self) -> tuple[Member, ...]:
        """Have nobody in any more; return who was."""
        members = self.members
        self.clear()
        self._is_kept = False
        self._end_if_empty()
        return members

    def _end_if_empty(self) -> None:
        """Forget how the room was run: who comes in while the last words are acknowledged begins it anew."""
        if not self.is_there:
            self.settings = RoomSettings.usual(self.name, self._config)
            self._closes_at = self._alone_until = None

    def _begin_to_age(self, now: float) -> None:
        if self._closes_at is None and self.settings.max_age is not None:
            self._closes_at = now + self.settings.max_age

    def _take_out(
        self,
        member: Member,
        reason: Reason,
        detected_by: Detection,
        *,
        now: float,
        text: str | None,
        wants_ack: bool,
    ) -> tuple[RemoteUserLeave, list[Effect]]:
        """Have a member in no more, and tell those who remain."""
        self.take(member)
        limit = self.settings.solo_timeout
        self._alone_until = now + limit if limit is not None and len(self._members) == 1 else None
        self._end_if_empty()
        notice = RemoteUserLeave(
            user=member.user,
            session=member.session,
            seq=self.next_seq(),
            reason=reason,
            detected_by=detected_by,
            silent_for=member.silence(now),
            text=text,
            extra=member.extra,
            wants_ack=wants_ack and bool(self._members),
        )
        return notice, [*self.tell(notice), *self._acknowledgements.forget(member.session)]

    def _time_out(self, member: Member, now: float) -> list[Effect]:
        end = member.ends_at
        if end is None or end > now:
            return self._warn(member, now)
        if member.loss is not None and member.loss.until == end:
            return self.remove(member.session, Reason.NETWORK_LOST, member.loss.detected_by, now=now)
        return self.remove(member.session, Reason.TOKEN_EXPIRED, Detection.ADMIN, now=now)

    def _warn(self, member: Member, now: float) -> list[Effect]:
        """Say that a token ends; who cannot be reached comes back with one that is looked at anew, or not at all."""
        assert member.expires is not None
        member.warns_at = None
        self._deadlines.set(member.session, member.deadline)
        warning = TokenExpiring(expires_in=member.expires - now)
        return [Send((member.session,), warning)] if member.is_here else []

    def _let_in(self, member: Member, kind: type[Joined] | type[Moved], wall: float) -> list[Effect]:
        """Have a member in, and say so to everybody."""
        self.put_back(member)
        self._alone_until = None
        self._is_kept = self._is_kept and not self.settings.close_when_empty
        event = RemoteUserJoin(user=member.user, session=member.session, seq=self.next_seq(), extra=member.extra)
        told: list[Effect] = [Send((member.session,), self._place(member, kind, wall))] if member.is_here else []
        return [*told, *self.tell(event)]

    def _place(self, member: Member, kind: type[PlaceT], wall: float) -> PlaceT:
        return kind(
            room=self.name,
            user=member.user,
            session=member.session,
            secret=member.secret,
            ticket=member.ticket,
            seq=self.seq,
            grace=self.settings.grace,
            heartbeat=self._config.heartbeat,
            users=[other.line() for other in self._members.values() if other is not member],
            ice_servers=ice_servers(self._config, member.user, wall),
            grants=sorted(member.admission.grants),
            topology=self.settings.topology,
            media=words(self.video_room, member.session, self._config.janus_secret),
        )


TOO_LARGE = f"extra is at most {MAX_EXTRA} bytes as JSON and {MAX_DEPTH} levels deep"
_TOO_OLD = "the room has reached its maximum age"
_ALONE = "nobody else has been in the room for too long"
