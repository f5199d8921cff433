import pytest

from peer.media.inbound.flow import AVERAGED, SILENT_AFTER, SPEAKS_AFTER, Flow, Freeze, Speech

EVERY = 0.04  # seconds between pictures
LIMIT = EVERY + 0.15  # seconds until they are frozen: more than three intervals


def flowing(count: int = 10) -> Flow:
    flow = Flow()
    told = [flow.frame(number * EVERY) for number in range(count)]
    assert told == [Freeze.FIRST, *[None] * (count - 1)]
    return flow


def test_a_picture_is_frozen_when_nothing_comes_for_as_long_as_the_w3c_says() -> None:
    flow = flowing()
    assert flow.next_deadline() == pytest.approx(9 * EVERY + LIMIT)
    assert flow.advance(9 * EVERY + LIMIT - 0.01) is None
    assert flow.advance(9 * EVERY + LIMIT + 0.01) is Freeze.FROZEN
    assert (flow.freezes, flow.is_frozen, flow.next_deadline()) == (1, True, None)
    assert flow.advance(100.0) is None
    assert flow.frame(9 * EVERY + 1.0) is Freeze.RESUMED
    assert (flow.freezes, flow.is_frozen) == (1, False)
    assert flow.frozen_for == pytest.approx(1.0)


def test_a_freeze_that_nobody_looked_at_is_counted_once_it_is_over() -> None:
    flow = flowing()
    assert flow.frame(9 * EVERY + 1.0) is None
    assert (flow.freezes, flow.frozen_for) == (1, pytest.approx(1.0))


def test_slow_pictures_are_frozen_after_three_times_their_interval() -> None:
    flow = Flow()
    for number in range(AVERAGED + 5):
        flow.frame(float(number))
    assert flow.next_deadline() == pytest.approx(AVERAGED + 4 + 3.0)


def test_one_picture_alone_is_not_frozen() -> None:
    flow = Flow()
    assert flow.next_deadline() is None
    flow.frame(0.0)
    assert flow.next_deadline() is None
    assert flow.frame(60.0) is None
    assert flow.freezes == 0


def test_pictures_that_are_not_expected_are_not_missed_and_those_that_come_again_are() -> None:
    flow = flowing()
    flow.rest(is_resting=True)
    assert flow.next_deadline() is None
    assert [flow.frame(1.0), flow.frame(2.0)] == [None, None]  # black ones
    flow.rest(is_resting=True)  # it was said before
    flow.rest(is_resting=False)
    assert flow.next_deadline() is None  # the camera may take its time
    assert [flow.frame(60.0), flow.frame(60.0 + EVERY)] == [None, None]
    assert (flow.freezes, flow.frozen_for) == (0, 0.0)
    assert flow.next_deadline() == pytest.approx(60.0 + EVERY + LIMIT)


def test_a_picture_that_was_frozen_before_it_rested_is_so_until_one_comes() -> None:
    flow = flowing()
    assert flow.advance(5.0) is Freeze.FROZEN
    flow.rest(is_resting=True)
    flow.rest(is_resting=False)
    assert flow.frame(60.0) is Freeze.RESUMED
    assert (flow.freezes, flow.frozen_for) == (1, 0.0)


def test_of_sound_only_the_first_is_news() -> None:
    flow = Flow()
    assert [flow.begin(), flow.begin()] == [Freeze.FIRST, None]
    assert flow.next_deadline() is None


def test_speech_begins_when_it_is_loud_for_a_moment_and_ends_when_it_is_silent_for_longer() -> None:
    speech = Speech()
    assert speech.heard(-30, 1.0) is None
    assert speech.heard(-30, 1.0 + SPEAKS_AFTER) is True
    assert speech.heard(-45, 2.0) is None  # softer than what begins it, and still speech
    assert speech.heard(-90, 2.0 + SILENT_AFTER / 2) is None
    assert speech.heard(-90, 2.0 + SILENT_AFTER) is False
    assert not speech.is_speaking


def test_who_speaks_is_silent_when_nothing_comes_any_more() -> None:
    speech = Speech()
    assert speech.next_deadline() is None
    speech.heard(-30, 1.0)
    speech.heard(-30, 1.0 + SPEAKS_AFTER)
    due = speech.next_deadline()
    assert due == 1.0 + SPEAKS_AFTER + SILENT_AFTER
    assert speech.advance(due - 0.01) is None
    assert speech.advance(due) is False
    assert speech.next_deadline() is None


def test_a_click_is_no_speech() -> None:
    speech = Speech()
    assert speech.heard(-10, 1.0) is None
    assert speech.heard(-90, 1.02) is None
    assert speech.heard(-10, 1.0 + SPEAKS_AFTER) is None
    assert not speech.is_speaking
