"""Time stamps of another machine, put on the capture clock. Pure.

The distances between them stay as the sender made them, so that nothing jitters and sound has no seams. Where they run
away from when things were captured, as far as that is known (a sender's report came, the sender began to count anew),
they are put right at once: of sound that would be heard twice then, packets are left out, while a picture that others
need is never left out.
"""

MAX_DRIFT = 0.1  # seconds that a time stamp may be off


class RelayedClock:
    """Stamps one stream, of `rate` ticks per second. `is_gapless`: of pictures, each gets a stamp."""

    def __init__(self, rate: int, *, is_gapless: bool) -> None:
        self._rate = rate
        self._is_gapless = is_gapless
        self._offset: int | None = None
        self._last: int | None = None

    def stamp(self, timestamp: int, at: float) -> int | None:
        """Return the stamp of what the sender stamped so, and captured at `at` (seconds of the capture clock).

        None: it is to be left out.
        """
        ideal = round(at * self._rate)
        if self._offset is None or abs(timestamp + self._offset - ideal) > MAX_DRIFT * self._rate:
            self._offset = ideal - timestamp
        stamp = timestamp + self._offset
        if self._last is not None and stamp <= self._last:
            if not self._is_gapless:
                return None
            stamp = self._last + 1
        self._last = stamp
        return stamp
