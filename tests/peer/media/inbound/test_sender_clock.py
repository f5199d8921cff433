import pytest
from hypothesis import given, settings, strategies as st

from peer.media.inbound.packet import Unwrapper
from peer.media.inbound.sender_clock import FARTHEST, SenderClock, Timeline

WALL = 3.9e9  # seconds, as NTP counts them


@settings(deadline=None)
@given(st.lists(st.integers(-30_000, 30_000), max_size=200), st.integers(0, 65_535))
def test_numbers_that_wrap_are_counted_on(steps: list[int], first: int) -> None:
    unwrapper = Unwrapper(16)
    begin = greatest = unwrapper.unwrap(first)
    assert begin == first + 65_536
    for step in steps:
        number = greatest + step
        assert unwrapper.near(number % 65_536) == number
        assert unwrapper.unwrap(number % 65_536) == number
        greatest = max(greatest, number)


def test_a_number_before_the_first_is_counted_from_it_too() -> None:
    assert Unwrapper(16).near(5) == 65_541


def test_picture_and_sound_of_one_sender_are_put_on_one_clock() -> None:
    clock = SenderClock()
    picture, sound = Timeline(90_000, clock), Timeline(48_000, clock)
    picture.reported(90_000, WALL, 100.02)
    sound.reported(4_800_000, WALL + 0.5, 100.51)
    seen, is_mapped = picture.captured(90_000 + 45_000, 100.7)
    heard, _ = sound.captured(4_800_000, 100.55)
    assert is_mapped
    assert seen == pytest.approx(100.51)  # half a second after the first report; the quickest way was 10 ms
    assert heard == pytest.approx(seen)


def test_without_reports_the_quickest_packet_says_when_the_others_were_captured() -> None:
    line = Timeline(90_000)
    assert line.captured(0, 10.05) == (10.05, False)
    assert line.captured(9_000, 10.10) == (pytest.approx(10.10), False)
    assert line.captured(18_000, 10.30)[0] == pytest.approx(10.20, abs=1e-3)


def test_timestamps_that_begin_anew_begin_anew() -> None:
    line = Timeline(90_000)
    line.captured(0, 10.0)
    assert line.captured(90_000 * 1_000, 10.1) == (pytest.approx(10.1), False)


def test_a_report_of_a_clock_that_was_set_replaces_those_before() -> None:
    clock = SenderClock()
    clock.reported(WALL, 100.0)
    clock.reported(WALL + 3600, 101.0)
    assert clock.offset == pytest.approx(101.0 - WALL - 3600)


def test_what_a_report_says_that_cannot_be_is_not_believed() -> None:
    line = Timeline(90_000)
    line.reported(0, WALL, 100.0)
    assert line.captured(round(90_000 * 2 * FARTHEST), 100.0) == (100.0, False)


def test_nothing_is_captured_after_it_came() -> None:
    line = Timeline(90_000)
    line.reported(0, WALL, 100.0)
    assert line.captured(45_000, 100.2) == (100.2, True)
