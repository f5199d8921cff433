"""When what a program writes is due, and what is sent while it writes nothing. Pure: moments come in, in seconds.

A picture that was written in time keeps the even rhythm; the rhythm begins anew with one that was written late. Sound
is taken block by block: what is missing of a block is silence, and sound that was written late goes out with the next
block. What counts is when something was written, not when a thread came to take it; so pictures and sound that are
written in turns stay together, within a block and `SLIP`.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

REPEAT = (
    0.1  # seconds between the last picture and itself while nothing is written: viewers are not to take it for frozen
)

SLIP = 0.01  # seconds that a picture may be late without the rhythm beginning anew

Samples = NDArray[np.int16]  # (samples, channels)


class PicturePace:
    """The rhythm of written pictures. `starved` is for how many seconds there was none when one was due."""

    def __init__(self, period: float) -> None:
        self.starved = 0.0
        self._period = period
        self._due: float | None = None  # None: nothing was written yet
        self._is_starving = False
        self._sent = 0.0

    def next(self, now: float, written: float) -> float | None:
        """There is a picture, written then: return the moment that it is for, None if it is not due yet."""
        self._count(written)
        if self._due is None or self._is_starving or written > self._due + SLIP:
            moment = written
        elif now >= self._due:
            moment = self._due
        else:
            return None
        self._due, self._sent, self._is_starving = moment + self._period, now, False
        return moment

    def again(self, now: float) -> bool:
        """There is no picture: return whether the last one is to be sent once more."""
        self._count(now)
        if not self._is_starving or now - self._sent < REPEAT:
            return False
        self._sent = now
        return True

    def wait(self, now: float) -> float:
        """Return in how many seconds a picture that is there is due."""
        return 0.0 if self._due is None or self._is_starving else max(self._due - now, 0.0)

    def _count(self, now: float) -> None:
        """Count the beats at which nothing was there."""
        beats = 0 if self._due is None else int((now - self._due) / self._period)
        if self._due is not None and beats > 0:
            self.starved += beats * self._period
            self._due += beats * self._period
            self._is_starving = True


class SampleQueue:
    """Samples that wait to be sent, `capacity` at most."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._pieces: deque[tuple[float, Samples]] = deque()  # and when each was written
        self._length = 0

    def __len__(self) -> int:
        """Return how many samples wait."""
        return self._length

    @property
    def room(self) -> int:
        """How many samples more may wait."""
        return self._capacity - self._length

    def put(self, samples: Samples, now: float) -> None:
        """Add samples, at least one, for which there must be room. They are kept as they are: they must not change."""
        assert 0 < len(samples) <= self.room, (len(samples), self.room)
        self._pieces.append((now, samples))
        self._length += len(samples)

    def take(self, most: int, moment: float) -> Samples | None:
        """Return the next samples, `most` at most, perhaps fewer than there are; None: none was written until then."""
        if not self._pieces or self._pieces[0][0] > moment:
            return None
        written, piece = self._pieces.popleft()
        if len(piece) > most:
            self._pieces.appendleft((written, piece[most:]))
            piece = piece[:most]
        self._length -= len(piece)
        return piece

    def clear(self) -> None:
        """Forget what waits."""
        self._pieces.clear()
        self._length = 0
