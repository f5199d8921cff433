"""How much time a frame stands for and how far an open codec follows a new bitrate. Pure.

Codecs are told a frame rate once, but cameras slow down in the dark and a muted one sends a picture per second. What
counts for the bits of a frame is the time since the one before.
"""

SHORTEST = 1 / 120  # seconds: two frames nearer than that were held up on their way
LONGEST = 0.1  # seconds of the bitrate that one frame may take: it arrives later by as much
MEMORY = 8  # frames
STEP = 2.0  # two intervals in a row that differ by this factor are a new frame rate, not jitter

GROWTH = 4.0  # times the bitrate a codec was opened with: from there on its buffer is too short for one frame
DECLINE = 8.0  # from there on its buffer, counted in seconds, is too long
SMALL_CHANGE = 0.15  # of the bitrate: not worth the key frame that some codecs need


class Pace:
    """The time between frames: of each, and on average."""

    def __init__(self, fps: float) -> None:
        self.average = _limited(1 / fps)  # seconds
        self._nominal = self.average
        self._before: float | None = None
        self._deviation = 0

    def step(self, at: float | None) -> float:
        """Take in the moment of the next frame, in seconds, and return the seconds it stands for."""
        before, self._before = self._before, at
        interval = self._nominal if at is None or before is None else _limited(at - before)
        deviation = (interval > self.average * STEP) - (interval < self.average / STEP)
        if deviation and deviation == self._deviation:
            self.average = interval
        else:
            self.average += (interval - self.average) / MEMORY
        self._deviation = deviation
        return interval


def follows(opened_with: int, bitrate: int) -> bool:
    """Whether a codec that was opened with one bitrate can go over to another while it is open."""
    return opened_with / DECLINE <= bitrate <= opened_with * GROWTH


def is_small_change(before: int, after: int) -> bool:
    """Whether a change of the bitrate is not worth a key frame."""
    return abs(after - before) <= before * SMALL_CHANGE


def _limited(interval: float) -> float:
    return min(max(interval, SHORTEST), LONGEST)
