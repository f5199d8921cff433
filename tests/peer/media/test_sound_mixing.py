"""Sound of many as one."""

import numpy as np
from numpy.typing import NDArray

from peer.media.sound_mixing import Voice, mix


def piece(value: int, count: int = 20) -> NDArray[np.int16]:
    return np.full((count, 1), value, np.int16)


def test_voices_are_added_and_clipped() -> None:
    assert mix([piece(20_000), piece(20_000)], 20, 1).tolist() == [[32767]] * 20
    assert mix([piece(-20_000), piece(-20_000)], 20, 1).tolist() == [[-32768]] * 20
    assert mix([piece(300), piece(-100)], 20, 1).tolist() == [[200]] * 20


def test_a_mix_of_nobody_is_silence() -> None:
    silence = mix([], 20, 2)
    assert silence.shape == (20, 2)
    assert silence.dtype == np.int16
    assert not silence.any()


def test_a_voice_is_heard_once_it_has_a_reserve_and_then_piece_by_piece() -> None:
    voice = Voice(reserve=40, most=200)
    voice.push(piece(1))
    assert voice.take(20) is None
    voice.push(piece(2))
    taken = [voice.take(20), voice.take(20)]
    assert [samples is not None and int(samples[0, 0]) for samples in taken] == [1, 2]


def test_a_voice_that_ran_out_waits_for_its_reserve_again() -> None:
    voice = Voice(reserve=40, most=200)
    voice.push(piece(1, 40))
    voice.take(20)
    voice.take(20)
    assert voice.take(20) is None
    voice.push(piece(2))
    assert voice.take(20) is None
    voice.push(piece(3))
    assert voice.take(20) is not None


def test_a_voice_that_is_far_behind_begins_again_with_the_newest() -> None:
    voice = Voice(reserve=40, most=200)
    for value in range(11):
        voice.push(piece(value))
    assert voice.dropped == 180
    taken = voice.take(20)
    assert taken is not None
    assert taken[0, 0] == 9


def test_pieces_longer_than_the_reserve_are_whole() -> None:
    voice = Voice(reserve=10, most=200)
    voice.push(piece(1, 15))
    assert voice.take(20) is None
    voice.push(piece(1, 15))
    taken = voice.take(20)
    assert taken is not None
    assert len(taken) == 20
