"""Pieces of sound that wait for whoever reads them. Pure.

Who plays sound takes it as it comes, and no faster: what has once begun to wait, as after a burst, would wait for ever,
and all that follows would be late. So pieces that were not needed for a while are left out.
"""

from collections import deque
from dataclasses import replace

import numpy as np

from peer.media.sound_timeline import Chunk

WATCHED = 1.5  # seconds of sound: pieces that wait all that time are not needed
FADE = 0.005  # seconds in which sound leads over what is left out


class Waiting:
    """At most `limit` pieces; `seconds`: of each. The oldest go first if there are more."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.skipped = 0  # pieces that nobody got
        self._limit, self._seconds = limit, seconds
        self._window = max(round(WATCHED / seconds), 1)  # pieces
        self._pieces: deque[Chunk] = deque()
        self._left_out: Chunk | None = None  # the first, if some were just now
        self._fewest, self._taken = limit, 0  # that waited, and pieces taken, since we began to watch

    def begin_anew(self) -> None:
        """Forget what waits: another reader begins."""
        self._pieces.clear()
        self._left_out = None
        self._watch()

    def put(self, chunk: Chunk) -> None:
        """Add a piece."""
        if len(self._pieces) >= self._limit:
            self._pieces.popleft()
            self.skipped += 1
        self._pieces.append(chunk)

    def take(self) -> Chunk | None:
        """Return the next piece, None if none waits."""
        if not self._pieces:
            return None
        chunk = self._led_over(self._pieces.popleft())
        self._fewest = min(self._fewest, len(self._pieces))
        self._taken += 1
        if self._taken >= self._window:
            self._leave_out(self._fewest)
            self._watch()
        return chunk

    def _watch(self) -> None:
        self._fewest, self._taken = self._limit, 0

    def _leave_out(self, count: int) -> None:
        """Leave out so many of the pieces that come next."""
        if count:
            self._left_out, *_ = [self._pieces.popleft() for _ in range(count)]
            self.skipped += count

    def _led_over(self, chunk: Chunk) -> Chunk:
        """Have a piece begin as the one would that was left out before it."""
        if self._left_out is None:
            return chunk
        expected, self._left_out = self._left_out.samples, None
        length = min(round(FADE / self._seconds * len(expected)), len(expected))
        share = np.linspace(0, 1, length)[:, None]
        samples = chunk.samples.copy()
        samples[:length] = expected[:length] * (1 - share) + samples[:length] * share
        return replace(chunk, samples=samples)
