"""Places the frames of a track on the clock of a file. Pure.

Frames follow each other as the sender's own time stamps say, so that nothing jitters; where on the clock they are is
what the sender's reports tell. What is told anew is followed slowly, a twentieth faster or slower than the media go:
nobody hears or sees it, and no frame ever goes back. Time stamps that begin anew (a new connection) are placed anew.
"""

SLEW = 0.05  # seconds of correction per second of media
TOLERANCE = 0.004  # seconds that are not worth a correction
JUMP = 0.5  # seconds: more than that is no correction, but another stream


class Timeline:
    """One track, at `rate` ticks per second."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._offset: float | None = None  # seconds from the sender's time stamps to the clock of the file
        self._media = 0.0  # seconds: the last time stamp
        self._last: int | None = None  # ticks: the last place
        self._least = rate // 1000  # ticks from one frame to the next at least: containers count milliseconds

    def begin(self, timestamp: int, time: float) -> None:
        """Take this frame's word for the first place: of a few that have come, the last knows best. Later, nothing."""
        if self._offset is None:
            self._media = timestamp / self._rate
            self._offset = time - self._media

    def follow(self, timestamp: int, time: float) -> int:
        """Return where a frame lies, in ticks of the file's clock; below 0 it was captured before the file began.

        `timestamp`: the sender's, in ticks; `time`: when it was captured as far as we know, in seconds since the file
        began.
        """
        media = timestamp / self._rate
        wanted = time - media
        if self._offset is None or abs(wanted - self._offset) > JUMP:
            self._offset = wanted
        elif abs(wanted - self._offset) > TOLERANCE:
            step = SLEW * max(media - self._media, 0.0)
            self._offset += min(max(wanted - self._offset, -step), step)
        self._media = media
        return round((media + self._offset) * self._rate)

    def place(self, timestamp: int, time: float) -> int:
        """Return when a frame is shown: where it lies, but after the one before, and not before the file begins."""
        first = 0 if self._last is None else self._last + self._least
        self._last = max(self.follow(timestamp, time), first)
        return self._last
