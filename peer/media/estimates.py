"""What one viewer's link can carry, as far as its receiver's reports tell. Pure.

Two things bound it: the receiver's own estimate (REMB, by delay), and our control by loss as Google's congestion
control has it: heavy loss cuts the estimate, little loss lets it grow again, in between it stays. A receiver that never
sends a REMB is bounded by loss alone. A REMB that is not repeated is forgotten slowly: the receiver may have fallen
silent because there was nothing to measure, or because the link is worse than ever.
"""

import math

REMB_AGE = 10.0  # seconds after which a REMB that is not repeated loses its hold
REPORT_AGE = 10.0  # seconds after which a report of loss says nothing about the link any more
GROWTH = 1.05  # times per second: of what loss had cut, and of a REMB that is forgotten
LEAST = 10_000.0  # bits per second that remain, whatever is lost
LONGEST_GROWTH = 5.0  # seconds that one report may stand for
FORGOTTEN = 100.0  # seconds after which it is forgotten: it has grown to 130 times what it was
HEAVY_LOSS = 0.10  # share of packets above which the estimate is cut
LOW_LOSS = 0.02  # share of packets below which it grows
CUT = 0.5  # of the share that was lost
CUT_INTERVAL = 0.3  # seconds; with a round trip, what passes until a cut shows in the reports


class Estimate:
    """One viewer's estimate. Bitrates are in bits per second and include sound, times are in seconds."""

    def __init__(self) -> None:
        self._remb = math.inf
        self._remb_at = 0.0
        self.by_loss = math.inf  # what loss alone allows
        self._cut_at = -math.inf
        self._lost = 0.0
        self._reported_at = -math.inf

    def remb(self, bitrate: float, now: float) -> None:
        """The receiver estimates that it could receive so much in all."""
        self._remb, self._remb_at = bitrate, now

    def report(self, lost: float, now: float, *, round_trip: float, most: float) -> None:
        """The receiver lost this share of packets. A bound above `most` is cut from there."""
        elapsed = min(now - self._reported_at, LONGEST_GROWTH)
        self._lost, self._reported_at = lost, now
        if lost > HEAVY_LOSS and now - self._cut_at >= CUT_INTERVAL + round_trip:
            self.by_loss = max(min(self.by_loss, most) * (1 - CUT * min(lost, 1.0)), LEAST)
            self._cut_at = now
        elif lost < LOW_LOSS:
            self.by_loss *= GROWTH**elapsed

    def bitrate(self, now: float) -> float:
        """Return the estimate; infinite if nothing bounds it."""
        forgetting = max(now - self._remb_at - REMB_AGE, 0.0)
        by_delay = self._remb * GROWTH**forgetting if forgetting < FORGOTTEN else math.inf
        return min(by_delay, self.by_loss)

    def loss(self, now: float) -> float:
        """Return the share of packets lost by the last report; 0 if that is long ago."""
        return self._lost if now - self._reported_at < REPORT_AGE else 0.0

    def forget_loss(self) -> None:
        """What is sent from now on is of another rate: the loss up to now says little of it."""
        self._lost = 0.0
