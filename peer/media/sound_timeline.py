"""Turns what arrives of somebody's sound into a stream without gaps, and a stream into even pieces. Pure.

The stream follows the sender's own count of samples: what was lost is silence of the same length, so that it never
drifts, but for what the decoder made up. What arrives is passed on at once, however unevenly; only when nothing comes
for longer than the network is known to hold things up, silence takes its place. What comes after that is late: its
place is taken, and it is dropped, so that a burst does not leave the listener behind for good. Sound that breaks off
fades out, and after silence it fades in: no click is heard.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 48_000  # samples per second: of Opus, and of all sound that is decoded
PATIENCE = 0.06  # seconds beyond the usual lateness before silence takes the place of what does not come
WINDOW = 3.0  # seconds for which a lateness counts as usual
MOST_SILENCE = 1.0  # seconds that are filled at once
DRIFT = 1e-4  # seconds per second that two clocks may differ: in a long pause, silence is that much behind
RESTART = 5.0  # seconds by which the sender's count has to jump to be another count
FADE = 240  # samples: 5 ms

Samples = NDArray[np.int16]  # (samples, channels)


class Timeline:
    """One user's sound as a stream. Times of arrival are in seconds, all else counts samples of the sender's clock."""

    def __init__(self, channels: int, *, fade: int = FADE) -> None:
        self.filled = 0  # samples of silence in the place of what did not come
        self.concealed = 0  # samples that were made up in the place of what was lost
        self.dropped = 0  # samples that came too late
        self._seam = Seam(channels, fade)
        self._end: int | None = None  # the sender's count at the end of the stream so far
        self._late = 0.0  # samples between what is usual and the best there can be: between two clocks, so any number
        self._late_at = 0.0
        self._came_at = 0.0

    def push(self, at: int, samples: Samples, now: float, *, is_made_up: bool = False) -> Samples:
        """Take in samples of which the first is number `at`; return what the stream goes on with.

        `is_made_up`: by the decoder, once what comes next was here, so that their time says nothing of the network.
        """
        end = at + len(samples)
        if self._end is None or abs(at - self._end) > RESTART * RATE:
            self._end = at
            self._late, self._late_at = now * RATE - end, now
        if not is_made_up:
            self._note_lateness(now * RATE - end, now)
        missing = at - self._end
        late = min(max(-missing, 0), len(samples))
        self._end = max(self._end, end)
        self._count(late, len(samples) - late, is_made_up=is_made_up)
        silence = self._silence(max(missing, 0))
        return np.concatenate([silence, self._seam.sound(samples[late:])])

    def idle(self, now: float) -> Samples:
        """Return the silence that is due because nothing came; none is before something came for the first time."""
        if self._end is None:
            return self._silence(0)
        patience = PATIENCE + DRIFT * (now - self._came_at)
        overdue = int((now - patience) * RATE - self._late) - self._end
        if overdue <= self._seam.fade:
            return self._silence(0)
        self._end += overdue
        return self._silence(overdue)

    def _note_lateness(self, late: float, now: float) -> None:
        self._came_at = now
        if late >= self._late or now - self._late_at > WINDOW:
            self._late, self._late_at = late, now

    def _count(self, late: int, used: int, *, is_made_up: bool) -> None:
        if is_made_up:
            self.concealed += used
        else:
            self.dropped += late

    def _silence(self, count: int) -> Samples:
        count = min(count, round(MOST_SILENCE * RATE))
        self.filled += count
        return self._seam.silence(count)


class Seam:
    """Joins sound and the silence that takes its place, without a click. `fade`: samples that this takes."""

    def __init__(self, channels: int, fade: int) -> None:
        self.fade = fade
        self._last = np.zeros(channels)  # what was played last
        self._is_silent = False

    def silence(self, count: int) -> Samples:
        """Return so much silence; where sound breaks off, its last sample fades out in it."""
        silence = np.zeros((count, len(self._last)), np.int16)
        if count:
            fading = min(count, self.fade)
            silence[:fading] = np.outer(np.linspace(1, 0, fading), self._last)
            self._last, self._is_silent = np.zeros(len(self._last)), True
        return silence

    def sound(self, samples: Samples) -> Samples:
        """Return the sound; after silence it fades in, as its beginning may be lost."""
        if not len(samples):
            return samples
        if self._is_silent:
            fading = min(len(samples), self.fade)
            samples = samples.copy()
            samples[:fading] = samples[:fading] * np.linspace(0, 1, fading)[:, None]
        self._last, self._is_silent = samples[-1].astype(float), False
        return samples


@dataclass(frozen=True, slots=True)
class Chunk:
    """An even piece of a stream, and when it begins, in seconds."""

    samples: Samples
    time: float


class Cutter:
    """Cuts a stream into pieces of `length` samples each."""

    def __init__(self, length: int, rate: int) -> None:
        self._length, self._rate = length, rate
        self._pending: list[Samples] = []
        self._count = 0

    def push(self, samples: Samples, ends_at: float) -> list[Chunk]:
        """Add samples of which the last one ends at `ends_at`, in seconds; return the pieces that are complete."""
        self._pending.append(samples)
        self._count += len(samples)
        if self._count < self._length:
            return []
        joined = np.concatenate(self._pending)
        whole = self._count // self._length * self._length
        begin = ends_at - self._count / self._rate
        self._pending, self._count = [joined[whole:]], self._count - whole
        return [
            Chunk(joined[first : first + self._length], begin + first / self._rate)
            for first in range(0, whole, self._length)
        ]
