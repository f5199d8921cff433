"""Whoever listens: has a little sound ready, as a sound card does, and notes how old each piece is when it is heard."""

import asyncio
import time

from bench.receiving.sweep import RATE, Samples, delay

READY = 0.08  # seconds


class Player:
    """Plays. `heard` are moments, and how much later than it was due sound was heard then, both in seconds."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, float]] = []
        self._until = 0.0  # there is sound until then

    async def play(self, samples: Samples) -> None:
        """Play `(samples, 2)` at 48 kHz after those before; return when more are needed."""
        now = time.monotonic()
        if self._until < now:  # there was nothing to be played: have some ready before it goes on
            self._until = now + READY
        self._until += len(samples) / RATE
        if (late := delay(samples, self._until)) is not None:
            self.heard.append((self._until, late))
        await asyncio.sleep(max(self._until - READY - now, 0))
