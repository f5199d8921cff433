"""Everybody's sound in one: pieces are laid where they belong, and taken out block by block."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

BLOCK = 960  # samples: 20 ms at 48 kHz
CHANNELS = 2
LONGEST = 10 * 50  # blocks that are kept ahead: what is later than that is nonsense
_LOUDEST = 32_767

Samples = NDArray[np.int16]  # (samples, channels)


class Mixer:
    """Sums up. Positions are samples since the beginning."""

    def __init__(self) -> None:
        self._next = 0  # block
        self._blocks: dict[int, NDArray[np.int32]] = {}

    def add(self, position: int, samples: Samples) -> None:
        """Lay somebody's sound from a position on. What was taken out already is too late for it."""
        begin, end = max(position, self._next * BLOCK), min(position + len(samples), (self._next + LONGEST) * BLOCK)
        while begin < end:
            number, within = divmod(begin, BLOCK)
            length = min(BLOCK - within, end - begin)
            block = self._blocks.setdefault(number, np.zeros((BLOCK, CHANNELS), np.int32))
            block[within : within + length] += samples[begin - position : begin - position + length]
            begin += length

    def take(self, until: int) -> Iterator[tuple[int, Samples]]:
        """Give all whole blocks before a position, each with its own; silence where nobody says anything."""
        while (self._next + 1) * BLOCK <= until:
            block = self._blocks.pop(self._next, None)
            self._next += 1
            yield (self._next - 1) * BLOCK, _clipped(block)


def _clipped(block: NDArray[np.int32] | None) -> Samples:
    if block is None:
        return np.zeros((BLOCK, CHANNELS), np.int16)
    return block.clip(-_LOUDEST - 1, _LOUDEST).astype(np.int16)
