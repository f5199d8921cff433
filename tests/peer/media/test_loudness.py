"""How loud samples are."""

import numpy as np
import pytest

from peer.media.loudness import SILENCE, dbov, level


@pytest.mark.parametrize(("value", "expected"), [(32_767, 0), (3277, -20), (33, -60), (1, -90), (0, SILENCE)])
def test_the_level_of_samples_is_that_of_their_mean_square(value: int, expected: int) -> None:
    assert level(np.full((960, 2), value, np.int16)) == expected


def test_of_no_samples_the_level_is_that_of_silence() -> None:
    assert level(np.zeros((0, 2), np.int16)) == SILENCE


def test_nothing_is_quieter_than_silence() -> None:
    assert dbov(1e-9) == SILENCE
