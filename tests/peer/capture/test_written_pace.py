"""When written pictures and sound are due."""

import numpy as np
import pytest

from peer.capture.written_pace import REPEAT, SLIP, PicturePace, SampleQueue

PERIOD = 0.04  # seconds


def test_the_first_picture_is_due_at_once_and_nothing_is_missing_before_it() -> None:
    pace = PicturePace(PERIOD)
    assert not pace.again(50.0)
    assert pace.wait(50.0) == 0
    assert pace.next(100.01, written=100.0) == 100.0
    assert pace.starved == 0


def test_pictures_that_are_there_in_time_keep_the_rhythm_however_late_the_reader_looks() -> None:
    pace = PicturePace(PERIOD)
    pace.next(0.0, written=0.0)
    assert pace.next(0.03, written=0.01) is None
    assert pace.wait(0.03) == pytest.approx(0.01)
    assert pace.next(0.055, written=0.01) == pytest.approx(0.04)
    assert pace.next(0.5, written=0.06) == pytest.approx(0.08)
    assert pace.next(0.5, written=0.12 + SLIP) == pytest.approx(0.12)
    assert pace.starved == 0


def test_the_rhythm_begins_anew_with_a_picture_that_was_written_late() -> None:
    pace = PicturePace(PERIOD)
    pace.next(0.0, written=0.0)
    assert pace.next(0.065, written=0.06) == 0.06
    assert pace.next(0.09, written=0.07) is None
    assert pace.next(0.1, written=0.07) == pytest.approx(0.1)
    assert pace.starved == 0  # less than a beat


def test_a_picture_after_missed_beats_is_due_at_once_and_begins_the_rhythm_anew() -> None:
    pace = PicturePace(PERIOD)
    pace.next(0.0, written=0.0)
    assert pace.next(0.14, written=0.131) == 0.131
    assert pace.starved == pytest.approx(0.08)
    assert pace.next(0.17, written=0.14) is None
    assert pace.next(0.172, written=0.14) == pytest.approx(0.171)


def test_the_last_picture_is_repeated_now_and_then_while_none_is_written() -> None:
    pace = PicturePace(PERIOD)
    pace.next(0.0, written=0.0)
    repeated = [turn / 100 for turn in range(101) if pace.again(turn / 100)]
    assert 8 <= len(repeated) <= 9
    assert np.diff(repeated).min() >= REPEAT - 1e-9
    assert pace.starved == pytest.approx(0.96, abs=0.05)
    assert pace.wait(1.0) == 0


def test_samples_come_out_as_they_went_in_in_pieces_of_any_length() -> None:
    queue = SampleQueue(100)
    written = np.arange(90, dtype=np.int16).reshape(45, 2)
    queue.put(written[:30], 1.0)
    queue.put(written[30:], 1.5)
    assert (len(queue), queue.room) == (45, 55)
    taken = []
    while (piece := queue.take(20, 2.0)) is not None:
        taken.append(piece)
    assert [len(piece) for piece in taken] == [20, 10, 15]
    assert np.array_equal(np.concatenate(taken), written)
    assert queue.room == 100


def test_nothing_comes_out_for_a_moment_before_it_was_written() -> None:
    queue = SampleQueue(100)
    queue.put(np.ones((30, 1), np.int16), 1.0)
    queue.put(np.ones((30, 1), np.int16), 1.5)
    assert queue.take(40, 0.99) is None
    early = queue.take(40, 1.49)
    assert early is not None
    assert len(early) == 30
    assert queue.take(40, 1.49) is None
    assert queue.take(40, 1.5) is not None


def test_what_waits_can_be_forgotten() -> None:
    queue = SampleQueue(100)
    queue.put(np.ones((60, 1), np.int16), 1.0)
    queue.clear()
    assert (len(queue), queue.take(10, 1.0)) == (0, None)


def test_more_than_there_is_room_for_is_a_mistake() -> None:
    with pytest.raises(AssertionError):
        SampleQueue(10).put(np.ones((11, 1), np.int16), 1.0)
