"""Whether a viewer is sent every packet of the picture twice. Pure.

    ONCE ──loses packets, and is not short of bitrate──► TWICE
      ▲                                                    │
      └──loses none any more, or is short of bitrate───────┘

A link that loses packets by chance (radio, a bad cable) costs a round trip for each that is asked for again, and
several where the question or the answer is lost, too. With every packet sent twice, 5 % of loss is a quarter of a
percent. A link that loses packets because it is full would only become worse: where the receiver's estimate limits
what we send, nothing is sent twice, and the more often that came of it the longer.
"""

LOSSY, CALM = 0.015, 0.004  # shares of packets: from where on, and until where
HOPELESS = 0.25  # share of packets beyond which chance is not the cause
WEIGHT = 0.2  # of a new report, which is about few packets
FIRST_WAIT, LONGEST_WAIT = 30.0, 960.0  # seconds


class Repeating:
    """One viewer. Times are in seconds."""

    def __init__(self) -> None:
        self.is_on = False
        self.loss = 0.0  # share of packets, smoothed
        self._wait = 0.0
        self._barred_until = 0.0

    def report(self, lost: float, now: float, *, is_limited: bool) -> bool:
        """Take in what share of packets was lost; `is_limited`: by bandwidth. Return whether all is sent twice."""
        self.loss += WEIGHT * (lost - self.loss)
        if self.is_on and is_limited:
            self._wait = min(max(2 * self._wait, FIRST_WAIT), LONGEST_WAIT)
            self._barred_until = now + self._wait
        self.is_on = not is_limited and now >= self._barred_until and self._is_in_range()
        return self.is_on

    def _is_in_range(self) -> bool:
        return (CALM if self.is_on else LOSSY) <= self.loss <= HOPELESS
