"""The capture clock: what makes time stamps of moments. Pure: moments come in, in seconds.

All sources of a process stamp by one clock, so that pictures and sound of different devices belong together; a device's
own time stamps are never used, they jump when it is opened again.
"""

from fractions import Fraction

VIDEO_RATE = 90_000  # ticks per second
AUDIO_RATE = 48_000  # samples per second
BLOCK = 960  # samples of one audio frame: 20 ms
VIDEO_BASE = Fraction(1, VIDEO_RATE)
AUDIO_BASE = Fraction(1, AUDIO_RATE)
MAX_DRIFT = 0.1  # seconds that counted audio may be off the clock
MAX_LATE = 0.5  # seconds a player may be late before it gives up catching up


class VideoClock:
    """Stamps pictures: strictly rising."""

    def __init__(self) -> None:
        self._last: int | None = None

    def stamp(self, at: float) -> int:
        """Return the time stamp of a picture taken at `at`."""
        ticks = round(at * VIDEO_RATE)
        if self._last is not None and ticks <= self._last:
            ticks = self._last + 1
        self._last = ticks
        return ticks


class AudioClock:
    """Stamps blocks of sound by counting samples, and follows the capture clock when the count is off by too much."""

    def __init__(self) -> None:
        self._next: int | None = None

    def stamp(self, at: float, samples: int = BLOCK) -> int | None:
        """Return the time stamp of a block that begins at `at`; None: the sound runs ahead, drop this block.

        Behind the clock there is a gap (the device paused): the count jumps over it. Ahead of the clock there is a
        backlog (read all at once) or a device that is too fast: a dropped block brings it back.
        """
        ideal = round(at * AUDIO_RATE)
        if self._next is None or ideal - self._next > MAX_DRIFT * AUDIO_RATE:
            self._next = ideal
        elif self._next - ideal > MAX_DRIFT * AUDIO_RATE:
            return None
        stamp = self._next
        self._next += samples
        return stamp


class Playback:
    """Relates the time inside a file to the capture clock."""

    def __init__(self, now: float) -> None:
        self._origin = now

    def position(self, now: float) -> float:
        """Return how far the playback is at `now`, in seconds of the file."""
        return now - self._origin

    def moment(self, position: float) -> float:
        """Return the moment at which `position` is due."""
        return self._origin + position

    def catch_up(self, position: float, now: float) -> None:
        """Begin counting anew if `position`, the next to be played, is hopelessly late (a slow disk, a sleep)."""
        if now - self.moment(position) > MAX_LATE:
            self._origin = now - position


class Metronome:
    """Says which beat of an even rhythm is due; up to `slack` missed beats are made up for, more are skipped."""

    def __init__(self, period: float, origin: float, slack: int = 0) -> None:
        self._period = period
        self._origin = origin
        self._slack = slack
        self._next = 0

    def beat(self, now: float) -> int | None:
        """Return the number of the beat that is due, None if none is."""
        current = int((now - self._origin) / self._period)
        if current < self._next:
            return None
        beat = current if current - self._next > self._slack else self._next
        self._next = beat + 1
        return beat

    def moment(self, beat: int) -> float:
        """Return when a beat is due."""
        return self._origin + beat * self._period

    def next_moment(self) -> float:
        """Return when the next beat is due."""
        return self.moment(self._next)
