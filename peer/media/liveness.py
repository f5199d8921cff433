"""When a connection of which something should come every few seconds is lost. Pure; times in seconds.

Silence counts only while somebody listens: who looks far too late, as his process was stopped, his machine slept or his
loop was blocked, listens for the whole limit once more.
"""

SILENCE_LIMIT = 15.0  # two of ICE's checks, which are 4 to 6 s apart, may get lost (RFC 7675, section 5.1)
LATE = 1.0  # after its deadline: nobody listened


class Liveness:
    """What is known of the other end of one connection."""

    def __init__(self, now: float, limit: float = SILENCE_LIMIT) -> None:
        self._limit = limit
        self._heard_at = now
        self._listens_since = now

    def heard(self, at: float) -> None:
        """It gave a sign of life at that moment."""
        self._heard_at = max(self._heard_at, at)

    def silent_for(self, now: float) -> float:
        """Return for how long nothing was heard."""
        return now - self._heard_at

    def next_deadline(self) -> float:
        """Return when to call `is_lost`."""
        return max(self._heard_at, self._listens_since) + self._limit

    def is_lost(self, now: float) -> bool:
        """Time has passed: return whether it was silent for the limit, and somebody listened."""
        late = now - self.next_deadline()
        if late > LATE:
            self._listens_since = now
        return 0 <= late <= LATE
