"""Sound of many as one. Pure: time is counted in samples that are taken."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]  # (samples, channels)


class Voice:
    """One user's sound on its way into a mix, which takes even pieces at even times.

    It waits until `reserve` samples are there before it is heard, and again whenever it ran out, so that uneven arrival
    is not heard as stutter. Beyond `most` it is behind: it begins again with the newest `reserve`.
    """

    def __init__(self, *, reserve: int, most: int) -> None:
        self.dropped = 0  # samples
        self._reserve, self._most = reserve, most
        self._pieces: list[Samples] = []
        self._count = 0
        self._waits = True

    def push(self, samples: Samples) -> None:
        """Add what the user says next."""
        self._pieces.append(samples)
        self._count += len(samples)
        if self._count > self._most:
            self.dropped += self._count - self._reserve
            self._keep(np.concatenate(self._pieces)[-self._reserve :])

    def take(self, count: int) -> Samples | None:
        """Return the next `count` samples; None while there is nothing to be heard."""
        self._waits = self._count < (max(self._reserve, count) if self._waits else count)
        if self._waits:
            return None
        joined = np.concatenate(self._pieces)
        self._keep(joined[count:])
        return joined[:count]

    def _keep(self, samples: Samples) -> None:
        self._pieces, self._count = [samples], len(samples)


def mix(voices: Iterable[Samples], count: int, channels: int) -> Samples:
    """Return the sum of pieces of `(count, channels)`, clipped; silence if there are none."""
    total = np.zeros((count, channels), np.int32)
    for samples in voices:
        total += samples
    mixed: Samples = total.clip(-32768, 32767).astype(np.int16)
    return mixed
