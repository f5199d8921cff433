"""What one Janus is to be told: VideoRooms as they should be there, and as they are known to be. A core.

What should be changes with every join and leave, at once and without asking Janus; `next` says what to ask of it so
that it comes true. What is asked and what has come of it may lie any time apart, and what is over before it was asked
is never asked for.

    NEW ── Create ──► ASKED ── done ──► KNOWN ── Destroy ──► forgotten
                        │                │ ▲  Allow · Remove
                        │ Janus may have │ │ Check: it is there still
                        │      forgotten ▼ │
                        └────────────► DOUBTED
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from signaling.janus.orders import Allow, Check, Create, Destroy, Expel, Order, Remove, Watch
from signaling.janus.presence import Presence


class State(Enum):
    """What is known of a VideoRoom."""

    NEW = "new"  # it was never asked for
    ASKED = "asked"  # it may be there: no answer has come
    KNOWN = "known"
    DOUBTED = "doubted"  # it was there, and may be no more


@dataclass(slots=True)
class _Hall:
    """One VideoRoom."""

    state: State
    wanted: dict[str, None]  # sessions, in the order in which they came
    places: int
    allowed: set[str] = field(default_factory=set)  # sessions that Janus is known to let in
    silent: frozenset[str] = frozenset()  # sessions that may not publish
    watched: frozenset[str] | None = frozenset()  # those of which we hear when they do; `None`: we may have missed it
    presence: Presence = field(default_factory=Presence)
    intruders: set[int] = field(default_factory=set)  # participants who may not be in, or publish and may not
    is_over: bool = False

    def __post_init__(self) -> None:
        for session in self.wanted:
            self.presence.add(session)

    def order(self, number: int) -> Order | None:
        """Return what is to be asked next, if anything."""
        if self.is_over:
            return Destroy(number)
        if self.state is State.DOUBTED:
            return Check(number, tuple(self.wanted))
        if self.state is not State.KNOWN:
            return Create(number, tuple(self.wanted), self.places)
        if gone := tuple(session for session in self.allowed if session not in self.wanted):
            return Remove(number, tuple(sorted(gone)))
        if new := tuple(session for session in self.wanted if session not in self.allowed):
            return Allow(number, new)
        if self.intruders:
            return Expel(number, tuple(sorted(self.intruders)))
        return Watch(number, self.silent) if self.watched is None or self.silent - self.watched else None


class Care:
    """The VideoRooms of one Janus that are ours to see to."""

    def __init__(self) -> None:
        self._halls: dict[int, _Hall] = {}
        self._due: dict[int, None] = {}  # numbers of those of which something may be to be asked, oldest first
        self._users = 0

    def __contains__(self, number: object) -> bool:
        """Whether a VideoRoom is ours to see to."""
        return number in self._halls

    @property
    def users(self) -> int:
        """How many sessions are to be let in, in all VideoRooms."""
        return self._users

    @property
    def rooms(self) -> int:
        """How many VideoRooms there should be."""
        return sum(not hall.is_over for hall in self._halls.values())

    def begin(self, number: int, sessions: Iterable[str], *, places: int, is_new: bool) -> None:
        """See to a VideoRoom from now on; if it is not new, it may be there already, with anybody in it."""
        state = State.NEW if is_new else State.DOUBTED
        self.let_go(number)
        self._halls[number] = _Hall(state, dict.fromkeys(sessions), places)
        self._users += len(self._halls[number].wanted)
        self._due[number] = None

    def enter(self, number: int, session: str) -> None:
        """Have a session let in."""
        hall = self._halls[number]
        self._users += session not in hall.wanted
        hall.wanted[session] = None
        hall.presence.add(session)
        self._due[number] = None

    def leave(self, number: int, session: str) -> None:
        """Have a session let in no more, and removed."""
        hall = self._halls[number]
        if session in hall.wanted:
            del hall.wanted[session]
            hall.presence.remove(session)
            self._users -= 1
            self._due[number] = None

    def silence(self, number: int, sessions: frozenset[str]) -> None:
        """Have these sessions, and no others, publish nothing."""
        if self._halls[number].silent != sessions:
            self._halls[number].silent = sessions
            self._due[number] = None

    def session(self, number: int, participant: int) -> str | None:
        """Return whose id that is in a VideoRoom; `None`: nobody's who is to be let in."""
        hall = self._halls.get(number)
        return None if hall is None else hall.presence.session(participant)

    def saw(self, number: int, participant: int, stay: int | None, *, publishes: bool) -> None:
        """Note that somebody is in, who is removed if they publish and may not, or are not whose id they have.

        `stay` is the number in their name; `None`: it was not made with the token that goes with the id.
        """
        hall = self._halls.get(number)
        if hall is None:
            return
        is_right = hall.presence.takes(participant, stay)
        if not is_right or (publishes and hall.presence.session(participant) in hall.silent):
            hall.intruders.add(participant)
            self._due[number] = None

    def left(self, number: int, participant: int) -> None:
        """Note that somebody is out."""
        if (hall := self._halls.get(number)) is not None:
            hall.presence.left(participant)
            hall.intruders.discard(participant)

    def missing(self, number: int, present: set[int]) -> set[int]:
        """Return who is thought to be in, but is not among those who are."""
        hall = self._halls.get(number)
        return set() if hall is None else hall.presence.missing(present)

    def end(self, number: int) -> None:
        """Have a VideoRoom no more; one that was never asked for is not asked for any more."""
        hall = self._halls[number]
        if hall.state is State.NEW:
            self.let_go(number)
            return
        self._users -= len(hall.wanted)
        hall.wanted.clear()
        hall.is_over = True
        self._due[number] = None

    def let_go(self, number: int) -> None:
        """See to a VideoRoom no more and leave it as it is: another server does, or it is not there."""
        hall = self._halls.pop(number, None)
        self._users -= 0 if hall is None else len(hall.wanted)
        self._due.pop(number, None)

    def doubt(self) -> None:
        """Janus may have been started anew: what was there may be gone.

        That goes for what was asked for as well: somebody may have been in before we heard that it is there.
        """
        for number, hall in self._halls.items():
            if hall.state is not State.NEW:
                hall.state = State.DOUBTED
            hall.allowed.clear()
            hall.intruders.clear()
            self._due[number] = None

    def look_again(self) -> None:
        """What Janus said may have been lost, and who is in without publishing is not said: look everywhere."""
        for number, hall in self._halls.items():
            hall.watched = None
            self._due[number] = None

    def next(self) -> Order | None:
        """Return what to ask of Janus now; `None`: all is as it should be. Asked again, it says the same."""
        for number in list(self._due):
            hall = self._halls[number]
            if (order := hall.order(number)) is not None:
                hall.state = State.ASKED if isinstance(order, Create) else hall.state
                return order
            del self._due[number]
        return None

    def did(self, order: Order) -> None:
        """Note that Janus has done what it was asked for."""
        hall = self._halls.get(order.number)
        if hall is None:
            return  # it was let go of meanwhile
        match order:
            case Create(sessions=sessions) | Check(sessions=sessions):
                hall.state, hall.allowed, hall.watched = State.KNOWN, set(sessions), frozenset()
            case Allow(sessions=sessions):
                hall.allowed |= set(sessions)
            case Remove(sessions=sessions):
                hall.allowed -= set(sessions)
            case Watch(sessions=sessions):
                hall.watched = sessions
            case Expel(participants=participants):
                hall.intruders -= set(participants)
            case Destroy(number):  # pragma: no branch - mypy checks that nothing is left
                self.let_go(number)
        self._turn(order.number)

    def postpone(self, order: Order) -> None:
        """Note that Janus may or may not have done it: that is looked at when it is this VideoRoom's turn again."""
        hall = self._halls.get(order.number)
        if hall is not None and hall.state is State.KNOWN:
            hall.state = State.DOUBTED
        self._turn(order.number)

    def _turn(self, number: int) -> None:
        if number in self._due:
            del self._due[number]
            self._due[number] = None
