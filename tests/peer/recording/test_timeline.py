"""When frames are shown: evenly, in step with the reports, never backwards."""

from itertools import pairwise

from hypothesis import given, settings, strategies as st

from peer.recording.timeline import JUMP, SLEW, TOLERANCE, Timeline

RATE = 90_000
STEP = 3000  # ticks: a thirtieth of a second


def test_frames_follow_each_other_as_the_sender_says_however_late_they_come() -> None:
    line = Timeline(RATE)
    places = [
        line.place(77 + number * STEP, number / 30 + jitter) for number, jitter in enumerate([0, 0.003, -0.003, 0])
    ]
    assert places == [0, 3000, 6000, 9000]


def test_a_report_that_comes_late_shifts_slowly() -> None:
    line = Timeline(RATE)
    places = [line.place(number * STEP, number / 30 + (0.1 if number > 10 else 0.0)) for number in range(100)]
    steps = [late - early for early, late in pairwise(places)]
    assert max(steps) == round(STEP * (1 + SLEW))
    assert abs(places[-1] / RATE - (99 / 30 + 0.1)) <= TOLERANCE + 0.001
    assert set(steps[:10]) == {STEP}
    assert set(steps[-10:]) == {STEP}


def test_a_report_that_shifts_back_never_turns_frames_around() -> None:
    line = Timeline(RATE)
    places = [line.place(number * STEP, number / 30 + 0.3 - (0.1 if number > 10 else 0.0)) for number in range(100)]
    assert min(late - early for early, late in pairwise(places)) == round(STEP * (1 - SLEW))
    assert abs(places[-1] / RATE - (99 / 30 + 0.2)) <= TOLERANCE + 0.001


def test_the_first_frames_are_placed_by_what_is_known_a_moment_later() -> None:
    line = Timeline(RATE)
    line.begin(10 * STEP, 10 / 30 + 0.1)
    line.begin(0, 99.0)
    assert line.place(0, 0.3) == 0.1 * RATE
    assert line.follow(STEP, 0.1 + 1 / 30) == 0.1 * RATE + STEP


def test_time_stamps_that_begin_anew_go_on_where_the_clock_is() -> None:
    line = Timeline(RATE)
    line.place(5_000_000, 0.0)
    assert line.place(17, 4.0) == 4 * RATE
    assert line.place(17 + STEP, 4.0 + 1 / 30) == 4 * RATE + STEP


def test_what_was_captured_before_the_file_began_is_shown_at_its_beginning() -> None:
    line = Timeline(RATE)
    assert [line.place(number * STEP, number / 30 - 1.0) for number in range(3)] == [0, 90, 180]


@settings(deadline=None)  # a busy machine takes its time
@given(st.lists(st.tuples(st.integers(0, 2**33), st.floats(-10, 1000)), max_size=30))
def test_nothing_ever_goes_back(frames: list[tuple[int, float]]) -> None:
    line = Timeline(RATE)
    places = [line.place(timestamp, time) for timestamp, time in frames]
    assert all(late >= early + RATE // 1000 for early, late in pairwise(places))
    assert all(place >= 0 for place in places)
    assert JUMP > TOLERANCE
