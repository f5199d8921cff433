"""One room: who is in, who is told what, in which order. A core: it decides, and does nothing.

    join ──► here ◄──────── resume ──────── unreachable ── grace over ──► gone
              │                                  ▲
              ├── lose (its socket ended) ───────┘
              └── leave · kick · dismiss · replaced · token expired ────► gone

Whoever remains is told of a leave before the leaver gets its `ExitRoom`. Sessions are removed, never users: the late
end of an old session cannot evict the new one of the same user.
"""

from collections import deque
from itertools import chain

import msgspec

from signaling.config import Duplicate, SignalingConfig
from signaling.deadlines import Deadlines
from signaling.effects import Adopt, Ban, Effect, Entered, Exited, Hangup, Send, Unheard, complain, refuse, send
from signaling.members import MAX_DEPTH, Loss, Member, RoomStatus, fits
from signaling.messages import (
    ACK_LIMIT,
    MAX_EXTRA,
    Ack,
    Dismiss,
    ErrorCode,
    ExitRoom,
    Join,
    Joined,
    Kick,
    Leave,
    Relay,
    RemoteUserBack,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUnreachable,
    RemoteUserUpdate,
    Resume,
    RoomEvent,
    UpdateExtra,
)
from signaling.partings import Partings
from signaling.reasons import Detection, Reason
from signaling.tokens import Admission

REMEMBERED = 256  # room events that a resume can be told of


class Room:
    """Who is in one room. Every method that changes it returns what is to be done, in order."""

    def __init__(self, name: str, config: SignalingConfig) -> None:
        self.name = name
        self.seq = 0  # of the latest room event
        self._config = config
        self._members: dict[str, Member] = {}  # by session
        self._holders: dict[str, Member] = {}  # the same, by user
        self._events: deque[RoomEvent] = deque(maxlen=REMEMBERED)
        self._deadlines = Deadlines()  # by session
        self._partings = Partings()
        self._closes_at: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in; who is unreachable is in."""
        return not self._members

    def next_deadline(self) -> float | None:
        """Return when `advance` has something to do, `None` if it never has."""
        dues = (self._deadlines.next(), self._partings.next_deadline(), self._closes_at)
        return min((due for due in dues if due is not None), default=None)

    def status(self) -> RoomStatus:
        """Return who is here, for people and programs that look from outside."""
        return RoomStatus(name=self.name, users=[member.status() for member in self._members.values()])

    def join(
        self, session: str, secret: str, message: Join, admission: Admission, *, now: float, wall: float
    ) -> list[Effect]:
        """Let a new session in, or refuse it. A session of the same user makes way, if so configured."""
        holder = self._holders.get(message.user)
        if holder is not None and self._config.duplicate == Duplicate.REJECT:
            return refuse(session, ErrorCode.USER_TAKEN, f"{message.user} is in the room already", message)
        if len(self._members) - (holder is not None) >= self._config.capacity:
            text = f"the room is full: it holds {self._config.capacity} users"
            return refuse(session, ErrorCode.ROOM_FULL, text, message)
        if not fits(message.extra):
            return refuse(session, ErrorCode.TOO_LARGE, _TOO_LARGE, message)
        expires = _on_our_clock(admission, now=now, wall=wall)
        member = Member(session, secret, message.user, message.extra, admission, wall, expires)
        replaced = self.remove(holder.session, Reason.REPLACED, Detection.ADMIN, now=now) if holder else []
        if self._closes_at is None and self._config.max_age is not None:
            self._closes_at = now + self._config.max_age
        return [*replaced, *self._let_in(member)]

    def resume(
        self, connection: str, message: Join, resume: Resume, admission: Admission, *, now: float, wall: float
    ) -> list[Effect]:
        """Take a session up again on another socket, whether or not its loss was noticed; its `extra` stays."""
        member = self._members.get(resume.session)
        if member is None or member.user != message.user or not member.knows(resume.secret):
            return refuse(connection, ErrorCode.SESSION_GONE, "there is no such session to resume", message)
        was_lost = not member.is_here
        member.loss = None
        member.admission = admission
        member.expires = _on_our_clock(admission, now=now, wall=wall)
        self._deadlines.set(member.session, member.deadline)
        back = (
            self._tell(RemoteUserBack(user=member.user, session=member.session, seq=self._next())) if was_lost else []
        )
        missed = [e for e in self._events if e.seq > resume.seq and e.session != member.session]
        joined = msgspec.structs.replace(self._joined(member), resumed=True, missed=missed)
        return [Adopt(connection, member.session), Send((member.session,), joined), *back]

    def leave(self, session: str, message: Leave, *, now: float) -> list[Effect]:
        """Let a session go that said so."""
        reason = Reason.ERROR if message.failed else Reason.LEFT
        return self.remove(session, reason, Detection.NOTICE, now=now, waits=message.wait)

    def acknowledge(self, session: str, message: Ack) -> list[Effect]:
        """Note that a session knows of somebody's leave, for whom it may have been the last to."""
        return self._partings.acknowledge(session, message.seq)

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
        member = self._members.pop(session, None)
        if member is None:
            return []
        del self._holders[member.user]
        self._deadlines.set(session, None)
        notice = RemoteUserLeave(
            user=member.user,
            session=session,
            seq=self._next(),
            reason=reason,
            detected_by=detected_by,
            silent_for=member.silence(now),
            text=text,
            extra=member.extra,
            wants_ack=waits and bool(self._members),
        )
        told = [*self._tell(notice), *self._partings.forget(session)]
        if not notice.wants_ack:
            return [*told, *self._farewell(member, reason, detected_by, text)]
        awaited = {other.session: other.user for other in self._members.values()}
        last = ExitRoom(reason=reason, text=text)
        self._partings.begin(notice.seq, session, last, awaited, until=now + ACK_LIMIT)
        return [*told, Exited(session, self.name, member.user, reason, detected_by)]

    def lose(self, session: str, *, now: float, last_seen: float, detected_by: Detection) -> list[Effect]:
        """Note that a session's socket ended without a word: it is unreachable, and gone after the grace."""
        member = self._members.get(session)
        if member is None or not member.is_here:
            return []
        member.loss = Loss(last_seen, detected_by, until=now + self._config.grace)
        if self._config.grace == 0:
            return self.remove(session, Reason.NETWORK_LOST, detected_by, now=now)
        self._deadlines.set(session, member.deadline)
        return self._tell(RemoteUserUnreachable(user=member.user, session=session, seq=self._next()))

    def relay(self, session: str, message: Relay) -> list[Effect]:
        """Pass something on to the user named, who then reads the sender's name in its place."""
        addressee = self._holders.get(message.user)
        if addressee is None:
            return complain(session, ErrorCode.NO_SUCH_USER, f"{message.user} is not in the room", message)
        if not addressee.is_here:
            return []  # it would be stale when they are back: the peers then offer anew
        sender = self._members[session].user
        return [Send((addressee.session,), msgspec.structs.replace(message, user=sender))]

    def update(self, session: str, message: UpdateExtra) -> list[Effect]:
        """Replace what the application wants the others to know of a user. What they know already is not told again."""
        if not fits(message.extra):
            return complain(session, ErrorCode.TOO_LARGE, _TOO_LARGE, message)
        member = self._members[session]
        if message.extra == member.extra:
            return []
        member.extra = message.extra
        event = RemoteUserUpdate(user=member.user, session=session, seq=self._next(), extra=message.extra)
        return self._tell(event)

    def kick(self, session: str, message: Kick, *, now: float) -> list[Effect]:
        """Remove a user because somebody in the room says so."""
        if not self._members[session].admission.can_moderate:
            return complain(session, ErrorCode.NOT_ALLOWED, _NOT_ALLOWED, message)
        if message.user not in self._holders:
            return complain(session, ErrorCode.NO_SUCH_USER, f"{message.user} is not in the room", message)
        return self.expel(message.user, message.text, now=now, ban_for=message.ban_for)

    def expel(self, user: str, text: str | None, *, now: float, ban_for: float | None = None) -> list[Effect]:
        """Remove a user because the server says so. If the user is not here, nothing is to be done."""
        holder = self._holders.get(user)
        if holder is None:
            return []
        removed = self.remove(holder.session, Reason.KICKED, Detection.ADMIN, now=now, text=text)
        ban = [] if ban_for is None else [Ban(self.name, user, holder.admission.digest, until=now + ban_for)]
        return [*ban, *removed]

    def dismiss(self, session: str, message: Dismiss) -> list[Effect]:
        """Close the room because somebody in it says so."""
        if not self._members[session].admission.can_moderate:
            return complain(session, ErrorCode.NOT_ALLOWED, _NOT_ALLOWED, message)
        return self.close(Reason.DISMISSED, message.text)

    def close(self, reason: Reason, text: str | None = None) -> list[Effect]:
        """Remove everybody at once: nobody is left to be told of the others."""
        members = list(self._members.values())
        self._members.clear()
        self._holders.clear()
        self._deadlines = Deadlines()
        self._closes_at = None
        farewells = chain.from_iterable(self._farewell(m, reason, Detection.ADMIN, text) for m in members)
        return [*self._partings.close(), *farewells]

    def advance(self, now: float) -> list[Effect]:
        """Remove those whose grace or token is over, and everybody when the room is too old."""
        if self._closes_at is not None and self._closes_at <= now:
            return self.close(Reason.DISMISSED, _TOO_OLD)
        timed_out = chain.from_iterable(self._time_out(session, now) for session in self._deadlines.take(now))
        return [*self._partings.advance(now), *timed_out]

    def _time_out(self, session: str, now: float) -> list[Effect]:
        member = self._members[session]
        if member.loss is not None and member.loss.until == member.deadline:
            return self.remove(session, Reason.NETWORK_LOST, member.loss.detected_by, now=now)
        return self.remove(session, Reason.TOKEN_EXPIRED, Detection.ADMIN, now=now)

    def _let_in(self, member: Member) -> list[Effect]:
        self._members[member.session] = self._holders[member.user] = member
        self._deadlines.set(member.session, member.deadline)
        event = RemoteUserJoin(user=member.user, session=member.session, seq=self._next(), extra=member.extra)
        return [
            Entered(member.session, self.name, member.user),
            Send((member.session,), self._joined(member)),
            *self._tell(event),
        ]

    def _joined(self, member: Member) -> Joined:
        return Joined(
            room=self.name,
            user=member.user,
            session=member.session,
            secret=member.secret,
            ticket=member.ticket,
            seq=self.seq,
            grace=self._config.grace,
            heartbeat=self._config.heartbeat,
            users=[other.line() for other in self._members.values() if other is not member],
            ice_servers=list(self._config.ice_servers),
            grants=sorted(member.admission.grants),
        )

    def _next(self) -> int:
        self.seq += 1
        return self.seq

    def _tell(self, event: RoomEvent) -> list[Effect]:
        """Let everybody know who can be reached, but the one whom it is about."""
        self._events.append(event)
        return send((s for s, other in self._members.items() if other.is_here and s != event.session), event)

    def _farewell(self, member: Member, reason: Reason, detected_by: Detection, text: str | None) -> list[Effect]:
        exited = Exited(member.session, self.name, member.user, reason, detected_by)
        last = ExitRoom(reason=reason, text=text)
        # Who is here may be so no more: a cut that nobody has noticed yet. Their own word they know themselves.
        unheard = [] if detected_by is Detection.NOTICE else [Unheard(member.session, member.secret, last)]
        if not member.is_here:
            return [exited, *unheard]
        return [exited, *unheard, Send((member.session,), last), Hangup(member.session)]


_TOO_LARGE = f"extra is at most {MAX_EXTRA} bytes as JSON and {MAX_DEPTH} levels deep"
_TOO_OLD = "the room has reached its maximum age"
_NOT_ALLOWED = "only who was granted moderate may do that"


def _on_our_clock(admission: Admission, *, now: float, wall: float) -> float | None:
    return None if admission.expires is None else now + (admission.expires - wall)
