"""One peer's picture of a room, fed with whatever a bad network makes of the truth, and corrected by whole rosters."""

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from peer.roster import Roster
from signaling import messages as wire
from signaling.reasons import Detection, Reason
from tests.models import games

USERS = ("ana", "bo", "cy")
numbers = st.integers(0, 99)


@dataclass(frozen=True)
class Word:
    """Somebody's own goodbye, on a data channel."""

    user: str
    session: str


class RosterModel(RuleBasedStateMachine):
    """A true room, its events, and a roster that hears of them in any order, any number of times, or not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.roster = Roster()
        self.truth: dict[str, wire.User] = {}  # by user
        self.events: list[wire.RoomEvent] = []  # of the room, in their order
        self.goodbyes: list[Word] = []
        self.departed: set[str] = set()  # sessions whose goodbye was heard while they were known
        self.told: dict[str, list[str]] = {}  # by session: "join", "leave"
        self.sessions = 0

    # -- the truth --

    def happens(self, event: wire.RoomEvent) -> None:
        self.events.append(event)

    @property
    def next_seq(self) -> int:
        return len(self.events) + 1

    @rule(user=st.sampled_from(USERS))
    def join(self, user: str) -> None:
        if user in self.truth:
            self.leave(user)
        self.sessions += 1
        session = f"s{self.sessions}"
        self.truth[user] = wire.User(user=user, session=session)
        self.happens(wire.RemoteUserJoin(user=user, session=session, seq=self.next_seq))

    @rule(user=st.sampled_from(USERS))
    def leave(self, user: str) -> None:
        if gone := self.truth.pop(user, None):
            self.happens(
                wire.RemoteUserLeave(
                    user=user,
                    session=gone.session,
                    seq=self.next_seq,
                    reason=Reason.LEFT,
                    detected_by=Detection.NOTICE,
                    extra=gone.extra,
                    wants_ack=True,
                )
            )

    @rule(user=st.sampled_from(USERS), unreachable=st.booleans())
    def presence(self, user: str, unreachable: bool) -> None:
        known = self.truth.get(user)
        if known is None or known.unreachable == unreachable:
            return
        self.truth[user] = wire.User(user=user, session=known.session, extra=known.extra, unreachable=unreachable)
        event = wire.RemoteUserUnreachable if unreachable else wire.RemoteUserBack
        self.happens(event(user=user, session=known.session, seq=self.next_seq))

    @rule(user=st.sampled_from(USERS), level=st.integers(0, 2))
    def update(self, user: str, level: int) -> None:
        if known := self.truth.get(user):
            extra: wire.Extra = {"level": level}
            self.truth[user] = wire.User(user=user, session=known.session, extra=extra, unreachable=known.unreachable)
            self.happens(wire.RemoteUserUpdate(user=user, session=known.session, seq=self.next_seq, extra=extra))

    @rule(user=st.sampled_from(USERS))
    def says_goodbye(self, user: str) -> None:
        """Straight to us; the server may hear of it at any time after, or never: it then loses them."""
        if known := self.truth.get(user):
            self.goodbyes.append(Word(user, known.session))

    # -- what is heard of it --

    def tell(self, events: list[wire.RoomEvent]) -> None:
        for event in events:
            history = self.told.setdefault(event.session, [])
            if isinstance(event, wire.RemoteUserJoin):
                assert history == []
                history.append("join")
            elif isinstance(event, wire.RemoteUserLeave):
                assert history == ["join"]
                assert not event.wants_ack
                history.append("leave")
            else:
                assert history == ["join"]

    @precondition(lambda self: self.events)
    @rule(back=numbers)
    def hear(self, back: int) -> None:
        self.tell(self.roster.apply(self.events[-1 - back % len(self.events)]))

    @precondition(lambda self: self.roster.seq < len(self.events))
    @rule()
    def hear_the_next(self) -> None:
        self.tell(self.roster.apply(self.events[self.roster.seq]))

    @precondition(lambda self: self.goodbyes)
    @rule(back=numbers)
    def hear_a_goodbye(self, back: int) -> None:
        word = self.goodbyes[-1 - back % len(self.goodbyes)]
        events = self.roster.depart(word.user, word.session, Reason.LEFT, None)
        if events:
            self.departed.add(word.session)
        self.tell(events)

    @rule(remembered=st.sampled_from([0, 1, 2, 256]), overlap=st.integers(0, 3))
    def enter(self, remembered: int, overlap: int) -> None:
        """The server's whole roster, with what we missed as far as it remembers; some of it we know already."""
        since = max(0, self.roster.seq - overlap, len(self.events) - remembered)
        joined = wire.Joined(
            room="r",
            user="me",
            session="mine",
            secret="x",
            ticket="t",
            seq=len(self.events),
            grace=10,
            heartbeat=5,
            users=list(self.truth.values()),
            missed=self.events[since:],
        )
        self.tell(self.roster.enter(joined))
        expected = {user: known for user, known in self.truth.items() if known.session not in self.departed}
        assert self.roster.users == expected
        assert self.roster.enter(joined) == []

    @invariant()
    def whoever_is_known_was_told_as_a_join_and_not_as_a_leave(self) -> None:
        known = {user.session for user in self.roster.users.values()}
        assert known == {session for session, history in self.told.items() if history == ["join"]}


RosterModel.TestCase.settings = games(500)
test_each_session_is_told_as_one_join_and_one_leave_whatever_is_lost_late_or_heard_twice = RosterModel.TestCase
