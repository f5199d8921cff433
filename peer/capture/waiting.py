"""How long to wait before asking a device again that has nothing yet. Pure: moments come in, in seconds."""

EARLY = 0.002  # seconds before the expected picture at which we begin to ask
POLL = 0.004  # seconds between questions then
IDLE_AFTER = 1.0  # seconds without a picture after which the device counts as stalled
IDLE_POLL = 0.02  # seconds between questions to a stalled device
AUDIO_POLL = 0.01  # seconds between questions for sound: half a block


class Expectation:
    """Expects the next picture by the rhythm of the last ones: few questions, no delay."""

    def __init__(self, period: float) -> None:
        self._period = period
        self._last: float | None = None

    def arrived(self, now: float) -> None:
        """Note that a picture came."""
        if self._last is not None:
            self._learn(now - self._last)
        self._last = now

    def delay(self, now: float) -> float:
        """Return how long to wait before the next question."""
        if self._last is None:
            return POLL
        elapsed = now - self._last
        if elapsed > IDLE_AFTER:
            return IDLE_POLL
        return max(self._period - elapsed - EARLY, POLL)

    def _learn(self, interval: float) -> None:
        if interval < self._period / 2:  # it had been waiting for us: we come too late
            self._period *= 0.9
        elif interval < self._period * 4:
            self._period += (interval - self._period) / 8
