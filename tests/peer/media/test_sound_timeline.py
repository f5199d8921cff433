"""A stream of somebody's sound without gaps, whatever the network does, and its pieces."""

import numpy as np
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from peer.media.sound_timeline import FADE, MOST_SILENCE, PATIENCE, RATE, Cutter, Timeline

BLOCK = 960
PERIOD = BLOCK / RATE  # seconds


def block(value: int = 1) -> NDArray[np.int16]:
    return np.full((BLOCK, 1), value, np.int16)


def play(timeline: Timeline, arrivals: list[tuple[float, int]], until: float) -> list[tuple[float, NDArray[np.int16]]]:
    """Let blocks, by number, arrive when they do, and time pass in steps of 10 ms; return what came out, and when."""
    out = []
    waiting = sorted(arrivals)
    for step in range(round(until * 100) + 1):
        now = step / 100
        while waiting and waiting[0][0] <= now:
            _, number = waiting.pop(0)
            out.append((now, timeline.push(number * BLOCK, block(number + 1), now)))
        out.append((now, timeline.idle(now)))
    return out


def stream(out: list[tuple[float, NDArray[np.int16]]]) -> NDArray[np.int16]:
    return np.concatenate([samples for _, samples in out])[:, 0]


def in_time(count: int, first: int = 0, delay: float = 0.0) -> list[tuple[float, int]]:
    return [((number + 1) * PERIOD + delay, number) for number in range(first, count)]


def test_what_comes_in_time_goes_on_at_once_and_as_it_is() -> None:
    timeline = Timeline(1)
    out = play(timeline, in_time(50), 1.0)
    assert np.array_equal(stream(out), np.arange(1, 51).repeat(BLOCK))
    assert (timeline.filled, timeline.dropped) == (0, 0)


def test_what_is_lost_is_silence_of_its_length() -> None:
    timeline = Timeline(2)
    timeline.push(0, np.ones((BLOCK, 2), np.int16), 0.02)
    after = timeline.push(3 * BLOCK, np.ones((BLOCK, 2), np.int16), 0.08)
    assert after.shape == (3 * BLOCK, 2)
    assert not after[FADE : 2 * BLOCK].any()
    assert after[2 * BLOCK + FADE :].all()
    assert timeline.filled == 2 * BLOCK


def tone(number: int, blocks: int = 1) -> NDArray[np.int16]:
    """Return blocks of a tone that is cut at its loudest."""
    moments = np.arange(number * BLOCK, (number + blocks) * BLOCK)
    return (10_000 * np.cos(moments * (2 * np.pi * 150 / RATE))).astype(np.int16).reshape(-1, 1)


def steepest(samples: NDArray[np.int16]) -> int:
    return int(np.abs(np.diff(samples[:, 0].astype(int))).max())


def test_sound_that_breaks_off_fades_out_and_in_again_and_clicks_nowhere() -> None:
    timeline = Timeline(1)
    heard = [timeline.push(0, tone(0, 5), 0.1), timeline.idle(0.1 + PATIENCE + 0.001)]  # too little to fade in
    heard += [timeline.idle(0.2), timeline.idle(0.3), timeline.push(5 * BLOCK, tone(5, 15), 0.4)]
    assert [len(one) > 0 for one in heard] == [True, False, True, True, True]
    joined = np.concatenate(heard)
    assert timeline.filled > FADE
    assert len(joined) == 20 * BLOCK
    assert steepest(joined) < 1.3 * steepest(tone(0, 5))


def test_what_the_decoder_makes_up_takes_the_place_of_silence_and_is_neither_filled_nor_dropped() -> None:
    timeline = Timeline(1)
    timeline.push(0, block(), 0.02)
    made_up = timeline.push(BLOCK, block(5), 0.08, is_made_up=True)
    after = timeline.push(2 * BLOCK, block(6), 0.08)
    assert np.array_equal(np.concatenate([made_up, after])[:, 0], np.array([5, 6]).repeat(BLOCK))
    assert (timeline.concealed, timeline.filled, timeline.dropped) == (BLOCK, 0, 0)


def test_what_is_made_up_where_silence_was_heard_already_is_not_heard_and_says_nothing_of_the_network() -> None:
    timeline, other = Timeline(1), Timeline(1)
    for one in (timeline, other):
        one.push(0, block(), 0.02)
        one.idle(0.02 + PATIENCE + PERIOD + 0.001)
    assert len(timeline.push(BLOCK, block(5), 0.2, is_made_up=True)) == 0
    assert (timeline.concealed, timeline.filled, timeline.dropped) == (0, other.filled, 0)
    assert len(timeline.idle(0.3)) == len(other.idle(0.3)) > 0


def test_silence_goes_on_in_time_while_nothing_comes_and_the_stream_never_drifts() -> None:
    timeline = Timeline(1)
    arrivals = in_time(25) + in_time(150, first=100)
    out = play(timeline, arrivals, 3.0)
    assert len(stream(out)) == 150 * BLOCK
    assert timeline.dropped == 0
    at_one_and_a_half = sum(len(samples) for now, samples in out if now <= 1.5)
    assert abs(at_one_and_a_half / RATE - (1.5 - PATIENCE)) < 0.021


def test_a_burst_after_a_stall_is_late_and_leaves_no_delay_behind() -> None:
    timeline = Timeline(1)
    stalled = [(max(when, 1.5), number) if when > 1.0 else (when, number) for when, number in in_time(150)]
    out = play(timeline, stalled, 3.0)
    assert len(stream(out)) == 150 * BLOCK
    assert stream(out)[-1] == 150
    assert abs(timeline.dropped / RATE - (0.5 - PATIENCE)) < 0.03
    assert timeline.dropped == timeline.filled


def test_a_network_that_is_slower_from_now_on_costs_once() -> None:
    timeline = Timeline(1)
    out = play(timeline, in_time(50) + in_time(300, first=50, delay=0.3), 6.31)
    assert timeline.dropped / RATE < 0.3
    assert np.array_equal(stream(out)[-200 * BLOCK :], np.arange(101, 301).repeat(BLOCK))


def test_a_network_that_is_faster_again_is_trusted_again() -> None:
    timeline = Timeline(1)
    play(timeline, in_time(50, delay=0.5) + in_time(300, first=80), 6.0)
    assert abs(timeline.idle(6.5).shape[0] / RATE - (0.5 - PATIENCE)) < 0.021  # a step and a block


def test_after_an_hour_of_silence_the_clocks_may_differ_and_the_first_word_is_whole() -> None:
    timeline = Timeline(1, fade=0)
    play(timeline, in_time(50), 1.0)
    for second in range(2, 3600):
        timeline.idle(float(second))
    slow = round(3600 * RATE * (1 - 50e-6))  # what a clock of 50 ppm less counts meanwhile
    spoken = timeline.push(slow, block(), 3600.02)
    assert (timeline.dropped, int(spoken[:, 0].sum())) == (0, BLOCK)


def test_another_count_begins_another_stream_and_nothing_is_filled_or_dropped() -> None:
    timeline = Timeline(1)
    timeline.push(0, block(), 0.02)
    for at in (10_000_000, 0):
        assert len(timeline.push(at, block(), 0.04)) == BLOCK
    assert (timeline.filled, timeline.dropped) == (0, 0)


def test_no_more_than_a_second_is_filled_at_once() -> None:
    timeline = Timeline(1)
    assert len(timeline.idle(5.0)) == 0
    timeline.push(0, block(), 0.02)
    assert len(timeline.idle(60.0)) == MOST_SILENCE * RATE
    assert len(timeline.idle(60.0)) == 0


def test_what_comes_twice_is_heard_once() -> None:
    timeline = Timeline(1)
    timeline.push(0, block(), 0.02)
    assert len(timeline.push(0, block(), 0.03)) == 0
    assert timeline.dropped == BLOCK


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 0.3)), min_size=1, max_size=80))
def test_whatever_arrives_the_stream_is_as_long_as_the_time_and_blocks_stay_in_order(
    fates: list[tuple[bool, float]],
) -> None:
    timeline = Timeline(1, fade=0)
    timeline.push(0, block(0), PERIOD)
    arrivals = sorted(
        ((number + 1) * PERIOD + delay, number) for number, (is_lost, delay) in enumerate(fates, 1) if not is_lost
    )
    seconds = max(when for when, _ in [*arrivals, (0.1, 0)]) + 0.01
    out = np.concatenate([block(0)[:, 0], stream(play(timeline, arrivals, seconds))])
    heard = out[out > 0]
    assert np.array_equal(heard, np.sort(heard))
    newest = max((number for _, number in arrivals), default=0)
    assert len(out) >= (newest + 1) * BLOCK
    assert len(out) <= max((newest + 1) * BLOCK, (seconds + 0.1) * RATE)


def test_a_stream_is_cut_into_even_pieces_that_know_when_they_begin() -> None:
    cutter = Cutter(320, 16_000)
    first = np.arange(500, dtype=np.int16).reshape(-1, 1)
    chunks = cutter.push(first, 500 / 16_000)
    chunks += cutter.push(np.arange(500, 1000, dtype=np.int16).reshape(-1, 1), 1000 / 16_000)
    assert cutter.push(np.zeros((0, 1), np.int16), 1000 / 16_000) == []
    assert np.array_equal(np.concatenate([chunk.samples for chunk in chunks])[:, 0], np.arange(960))
    assert [round(chunk.time, 6) for chunk in chunks] == [0.0, 0.02, 0.04]
