"""Who is in a room, by session and by user, and what all of them are told. A core: what a `Room` decides upon."""

from collections import deque

from signaling.deadlines import Deadlines
from signaling.effects import Effect, send
from signaling.members import Member, RoomStatus
from signaling.messages import RemoteUserUnreachable, RoomEvent

REMEMBERED = 256  # room events that a resume can be told of


class Roll:
    """The members of one room."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seq = 0  # of the latest that was told
        self._members: dict[str, Member] = {}  # by session
        self._holders: dict[str, Member] = {}  # the same, by user
        self._deadlines = Deadlines()  # by session
        self._events: deque[RoomEvent] = deque(maxlen=REMEMBERED)

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in; who is unreachable is in."""
        return not self._members

    @property
    def members(self) -> tuple[Member, ...]:
        """Everybody who is in, in the order in which they came."""
        return tuple(self._members.values())

    @property
    def events(self) -> tuple[RoomEvent, ...]:
        """The latest room events, which a resume can be told of."""
        return tuple(self._events)

    def status(self) -> RoomStatus:
        """Return who is here, for people and programs that look from outside."""
        return RoomStatus(name=self.name, users=[member.status() for member in self._members.values()])

    def member(self, session: str) -> Member:
        """Return the member that a session is, which must be in."""
        return self._members[session]

    def holder(self, user: str) -> Member | None:
        """Return the member that a user is, if it is in."""
        return self._holders.get(user)

    def others(self, session: str | None) -> tuple[str, ...]:
        """Return the sessions of everybody else who can be told something."""
        return tuple(other.session for other in self._members.values() if other.is_here and other.session != session)

    def next_seq(self) -> int:
        """Return the number of the next thing that the room tells."""
        self.seq += 1
        return self.seq

    def tell(self, event: RoomEvent) -> list[Effect]:
        """Let everybody know who can be reached, but the one whom it is about."""
        self._events.append(event)
        return send(self.others(event.session), event)

    def tell_if_lost(self, member: Member) -> list[Effect]:
        """Let everybody know that a member is unreachable, if it is."""
        if member.is_here:
            return []
        return self.tell(RemoteUserUnreachable(user=member.user, session=member.session, seq=self.next_seq()))

    def put_back(self, member: Member) -> None:
        """Have a member here again whom another process knew, without a word."""
        self._members[member.session] = self._holders[member.user] = member
        self._deadlines.set(member.session, member.deadline)

    def take(self, member: Member) -> None:
        """Have a member here no more, without a word."""
        del self._members[member.session], self._holders[member.user]
        self._deadlines.set(member.session, None)

    def clear(self) -> None:
        """Have nobody here any more, without a word."""
        self._members.clear()
        self._holders.clear()
        self._deadlines = Deadlines()
