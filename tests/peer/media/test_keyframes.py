"""When a key frame is due, for whom, and when one that was sent is answer enough."""

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from peer.media.keyframes import BEGUN_LIMIT, JOIN_INTERVAL, PLI_INTERVAL, ROUND_TRIP, KeyFrames

EXACT = 1e-9  # seconds


def sent_at(now: float) -> KeyFrames:
    keys = KeyFrames()
    keys.sent(now)
    return keys


def test_nobody_needs_a_key_frame_at_first() -> None:
    keys = KeyFrames()
    assert keys.next_deadline() is None
    assert not keys.is_due(1e9)


@pytest.mark.parametrize("wish", ["ask", "joined"])
def test_the_first_request_is_due_at_once(wish: str) -> None:
    keys = KeyFrames()
    getattr(keys, wish)(5.0)
    assert keys.next_deadline() == 5.0
    assert keys.is_due(5.0)


@pytest.mark.parametrize(
    ("wish", "at", "due"),
    [
        ("ask", 10.05, None),  # it could not have seen the key frame yet
        ("ask", 10.1, 10.5),
        ("ask", 10.3, 10.5),
        ("ask", 11.0, 11.0),
        ("joined", 10.0, 10.2),  # it was not sent that one
        ("joined", 10.1, 10.2),
        ("joined", 10.3, 10.3),
    ],
)
def test_a_request_after_a_key_frame(wish: str, at: float, due: float | None) -> None:
    keys = sent_at(10.0)
    getattr(keys, wish)(at)
    assert keys.next_deadline() == due


def test_who_is_far_away_asks_without_having_seen_what_was_sent() -> None:
    keys = sent_at(10.0)
    keys.ask(10.3, round_trip=0.4)
    assert keys.next_deadline() is None
    keys.ask(10.4, round_trip=0.4)
    assert keys.next_deadline() == 10.5


def test_a_newcomer_brings_forward_what_the_others_wait_for_and_they_do_not_delay_it() -> None:
    keys = sent_at(10.0)
    keys.ask(10.15)
    keys.joined(10.16)
    assert keys.next_deadline() == 10.2
    keys.ask(10.17)
    assert keys.next_deadline() == 10.2


def test_one_key_frame_answers_all_who_asked_before_it_was_sent() -> None:
    keys = KeyFrames()
    for number in range(100):
        keys.ask(number / 1000)
        keys.joined(number / 1000)
    keys.sent(0.2)
    assert keys.next_deadline() is None


def test_a_key_frame_under_way_is_not_ordered_twice() -> None:
    keys = KeyFrames()
    keys.ask(1.0)
    keys.begun(1.0)
    keys.joined(1.02)
    assert not keys.is_due(1.03)
    keys.sent(1.04)
    assert keys.next_deadline() is None


def test_a_key_frame_that_never_comes_is_ordered_again() -> None:
    keys = KeyFrames()
    keys.ask(1.0)
    keys.begun(1.0)
    assert keys.next_deadline() == 1.0 + BEGUN_LIMIT
    assert keys.is_due(1.0 + BEGUN_LIMIT)


def test_a_hundred_viewers_who_ask_for_ever_get_two_key_frames_per_second() -> None:
    keys = sent_at(0.0)
    sent = []
    for tick in range(1, 1001):  # of 10 ms
        for _ in range(100):
            keys.ask(tick / 100)
        if keys.is_due(tick / 100):
            keys.sent(tick / 100)
            sent.append(tick / 100)
    assert 19 <= len(sent) <= 20


steps = st.lists(st.tuples(st.sampled_from(["ask", "joined", "picture"]), st.floats(0.0, 0.3)), max_size=60)


def play(script: list[tuple[str, float]]) -> tuple[list[float], list[tuple[str, float]]]:
    """Play requests to an encoder that makes a key frame when one is due; return when it did, and the requests."""
    keys, now, sent, asked = KeyFrames(), 0.0, [], []
    for what, pause in [*script, ("picture", PLI_INTERVAL), ("picture", PLI_INTERVAL)]:
        now += pause
        due = keys.next_deadline()
        if due is not None and due <= now:
            keys.sent(due)
            sent.append(due)
        if what != "picture":
            getattr(keys, what)(now)
            asked.append((what, now))
    return sent, asked


@given(steps)
def test_key_frames_keep_their_distance_and_come_in_time(script: list[tuple[str, float]]) -> None:
    sent, asked = play(script)
    assert all(after - before >= JOIN_INTERVAL - EXACT for before, after in pairwise(sent))
    for what, at in asked:
        limit = PLI_INTERVAL if what == "ask" else JOIN_INTERVAL
        since = at - ROUND_TRIP if what == "ask" else at
        assert any(since - EXACT <= one <= at + limit + EXACT for one in sent), (what, at)


@given(steps)
def test_who_has_a_picture_never_gets_more_than_two_key_frames_per_second(script: list[tuple[str, float]]) -> None:
    sent, _ = play([(what.replace("joined", "ask"), pause) for what, pause in script])
    assert all(after - before >= PLI_INTERVAL - EXACT for before, after in pairwise(sent))
