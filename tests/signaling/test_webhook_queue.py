"""Which event is posted when: in order in a room, rooms side by side, and never without an end."""

from collections import deque
from collections.abc import Iterable

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from signaling.webhook_queue import FIRST_DELAY, LONGEST_DELAY, Event, GiveUp, Post, Step, WebhookQueue


def event(name: str, room: str = "42") -> Event:
    return Event(name, room, b"{}")


def posted(steps: Iterable[Step]) -> list[tuple[str, int]]:
    return [(step.event.id, step.attempt) for step in steps if isinstance(step, Post)]


def given_up(steps: Iterable[Step]) -> list[tuple[str, str]]:
    return [(step.event.id, step.why) for step in steps if isinstance(step, GiveUp)]


def test_an_event_is_posted_at_once_and_the_next_of_its_room_after_it() -> None:
    queue = WebhookQueue()
    assert posted(queue.put(event("a"))) == [("a", 1)]
    assert queue.put(event("b")) == []
    assert len(queue) == 2
    assert posted(queue.delivered("42")) == [("b", 1)]
    assert queue.delivered("42") == []
    assert len(queue) == 0


def test_what_failed_is_posted_again_after_growing_delays_and_those_behind_it_wait() -> None:
    queue = WebhookQueue()
    queue.put(event("a"))
    queue.put(event("b"))
    now, delays = 0.0, []
    for attempt in range(2, 11):
        assert queue.failed("42", now, chance=1.0) == []
        due = queue.next_deadline()
        assert due is not None
        assert queue.advance(due - 0.01) == []
        assert posted(queue.advance(due)) == [("a", attempt)]
        delays.append(due - now)
        now = due
    assert delays[:4] == [FIRST_DELAY, 2 * FIRST_DELAY, 4 * FIRST_DELAY, 8 * FIRST_DELAY]
    assert max(delays) == LONGEST_DELAY
    steps = queue.failed("42", now, chance=0.0)
    assert given_up(steps) == [("a", "it failed 10 times")]
    assert posted(steps) == [("b", 1)]


def test_chance_spreads_the_attempts() -> None:
    dues = []
    for chance in (0.0, 0.5):
        queue = WebhookQueue()
        queue.put(event("a"))
        queue.failed("42", 0.0, chance)
        dues.append(queue.next_deadline())
    assert dues == [FIRST_DELAY / 2, FIRST_DELAY * 3 / 4]


def test_a_room_that_fails_does_not_hold_up_the_others() -> None:
    queue = WebhookQueue()
    queue.put(event("a", "sick"))
    queue.failed("sick", 0.0, 0.0)
    assert posted(queue.put(event("b", "well"))) == [("b", 1)]


def test_no_more_are_under_way_than_there_are_places_and_the_longest_waiting_room_comes_next() -> None:
    queue = WebhookQueue(places=1)
    queue.put(event("a1", "a"))
    queue.put(event("b1", "b"))
    queue.put(event("a2", "a"))
    queue.put(event("c1", "c"))
    assert posted(queue.delivered("a")) == [("b1", 1)]
    assert posted(queue.failed("b", 0.0, 0.0)) == [("c1", 1)]
    assert posted(queue.delivered("c")) == [("a2", 1)]
    assert posted(queue.advance(60.0)) == []
    assert posted(queue.delivered("a")) == [("b1", 2)]


def test_what_does_not_fit_is_given_up_at_once() -> None:
    queue = WebhookQueue(room_limit=2, limit=3)
    for name in ("a1", "a2"):
        queue.put(event(name, "a"))
    assert given_up(queue.put(event("a3", "a"))) == [("a3", "too many events wait")]
    queue.put(event("b1", "b"))
    assert given_up(queue.put(event("c1", "c"))) == [("c1", "too many events wait")]
    assert len(queue) == 3


def test_at_the_end_everything_is_given_up() -> None:
    queue = WebhookQueue()
    queue.put(event("a"))
    queue.put(event("b"))
    queue.failed("42", 0.0, 0.0)
    assert [name for name, _ in given_up(queue.abandon())] == ["a", "b"]
    assert (len(queue), queue.next_deadline(), queue.advance(1e9)) == (0, None, [])


class QueueModel(RuleBasedStateMachine):
    """Any order of events, answers and time: order within a room, bounds, and nothing is lost without a word."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = WebhookQueue(places=2, attempts=2, room_limit=4, limit=8)
        self.now = 0.0
        self.count = 0
        self.under_way: dict[str, Event] = {}
        self.open: dict[str, deque[str]] = {}  # by room: neither delivered nor given up

    def follow(self, steps: list[Step]) -> None:
        for step in steps:
            room = self.open[step.event.room]
            if isinstance(step, Post):
                assert step.event.room not in self.under_way
                assert step.event.id == room[0]
                assert step.attempt <= 2
                self.under_way[step.event.room] = step.event
            else:
                room.remove(step.event.id)

    @rule(room=st.sampled_from("abc"))
    def put(self, room: str) -> None:
        self.count += 1
        self.open.setdefault(room, deque()).append(str(self.count))
        self.follow(self.queue.put(event(str(self.count), room)))

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 1), arrives=st.booleans(), chance=st.floats(0, 1))
    def answer(self, which: int, arrives: bool, chance: float) -> None:
        room = sorted(self.under_way)[which % len(self.under_way)]
        del self.under_way[room]
        if arrives:
            self.open[room].popleft()
            self.follow(self.queue.delivered(room))
        else:
            self.follow(self.queue.failed(room, self.now, chance))

    @rule(seconds=st.floats(0, 100))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.follow(self.queue.advance(self.now))

    @invariant()
    def is_within_bounds_and_at_work(self) -> None:
        left = sum(map(len, self.open.values()))
        assert len(self.queue) == left <= 8
        assert len(self.under_way) <= 2
        assert left == 0 or self.under_way or self.queue.next_deadline() is not None


TestQueueModel = QueueModel.TestCase
TestQueueModel.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
