"""Who else is in the room, as far as we have been told. Pure.

A user is known by name and session: what is said of a session that is not (or no more) here changes nothing, so each
session's leave is told exactly once, whichever way it is heard first: from the server, or from the leaver straight.
"""

from collections import deque

from msgspec.structs import replace

from signaling.messages import (
    Joined,
    Place,
    RemoteUserBack,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUnreachable,
    RemoteUserUpdate,
    RoomEvent,
    User,
)
from signaling.reasons import Detection, Reason

REMEMBERED = 256  # sessions that left by their own word: more than can be in a room while the server does not know


class Roster:
    """The others in the room, by name; `seq` is the last room event that was seen."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.seq = 0
        self._departed: deque[str] = deque(maxlen=REMEMBERED)  # sessions that said so before the server did

    def enter(self, joined: Joined) -> list[RoomEvent]:
        """We are in, or in again: return what that tells us of the others, in order."""
        known = [event for missed in joined.missed for event in self.apply(missed)]
        self.seq = joined.seq
        return known + self._correct(joined)

    def begin_anew(self, place: Place) -> list[RoomEvent]:
        """We are in another room: return what tells us of those who are there. The others are forgotten."""
        self.users, self.seq = {}, place.seq
        return self._correct(place)

    def apply(self, event: RoomEvent) -> list[RoomEvent]:
        """Take in one room event; return it if it is news, else nothing."""
        if event.seq <= self.seq:
            return []
        self.seq = event.seq
        if isinstance(event, RemoteUserJoin):
            return self._replace(event)
        user = self.users.get(event.user)
        if user is None or user.session != event.session:
            return []
        match event:
            case RemoteUserUpdate(extra=extra):
                self.users[event.user] = replace(user, extra=extra)
            case RemoteUserUnreachable():
                self.users[event.user] = replace(user, unreachable=True)
            case RemoteUserBack():
                self.users[event.user] = replace(user, unreachable=False)
            case RemoteUserLeave():  # pragma: no branch - mypy checks that nothing is left
                del self.users[event.user]
                return [replace(event, wants_ack=False)]  # that is between us and the server
        return [event]

    def depart(self, user: str, session: str, reason: Reason, text: str | None) -> list[RoomEvent]:
        """Take in somebody's own word that they leave; what the server says of that session later is no news."""
        known = self.users.get(user)
        if known is None or known.session != session:
            return []
        del self.users[user]
        self._departed.append(session)
        leave = RemoteUserLeave(
            user=user,
            session=session,
            seq=self.seq,
            reason=reason,
            detected_by=Detection.NOTICE,
            text=text,
            extra=known.extra,
        )
        return [leave]

    def _replace(self, event: RemoteUserJoin) -> list[RoomEvent]:
        old = self.users.get(event.user)
        if event.session in self._departed or (old is not None and old.session == event.session):
            return []
        self.users[event.user] = User(user=event.user, session=event.session, extra=event.extra)
        return [event] if old is None else [self._lost(old), event]

    def _correct(self, joined: Place) -> list[RoomEvent]:
        """Compare with the server's whole roster: what no event told us is told now."""
        present = {user.session for user in joined.users}
        gone = [user for user in self.users.values() if user.session not in present]
        for user in gone:
            del self.users[user.user]
        here = [user for user in joined.users if user.session not in self._departed]
        return [*map(self._lost, gone), *(event for user in here for event in self._update(user))]

    def _update(self, new: User) -> list[RoomEvent]:
        """Return the events that lead from what we knew of one user to `new`."""
        old = self.users.get(new.user, User(user=new.user, session=""))
        self.users[new.user] = new
        events: list[RoomEvent] = []
        if old.session != new.session:
            events.append(RemoteUserJoin(user=new.user, session=new.session, seq=self.seq, extra=new.extra))
        elif old.extra != new.extra:
            events.append(RemoteUserUpdate(user=new.user, session=new.session, seq=self.seq, extra=new.extra))
        if new.unreachable and not old.unreachable:
            events.append(RemoteUserUnreachable(user=new.user, session=new.session, seq=self.seq))
        if old.unreachable and not new.unreachable:
            events.append(RemoteUserBack(user=new.user, session=new.session, seq=self.seq))
        return events

    def _lost(self, user: User) -> RemoteUserLeave:
        """Describe the leave of a user of whom no leave was ever heard."""
        return RemoteUserLeave(
            user=user.user,
            session=user.session,
            seq=self.seq,
            reason=Reason.NETWORK_LOST,
            detected_by=Detection.SOCKET_CLOSED,
            extra=user.extra,
        )
