"""When a viewer goes to a lower tier, and when it tries a higher one: quickly down, slowly up. Pure.

    settling ──GRACE──► settled ──below the floor for BELOW_LIMIT──────► down
       └───────┬──────────┴───────loses more than LOSS_BOUND for LOSS_LIMIT──► down
               └──good for as long as the wait──► up: settling again

A receiver's estimate begins small and needs some seconds until it knows the link, at the start as well as after a step
up. Until it has settled only heavy loss counts, and a step down does not settle it. A try that fails doubles the wait
before the next.
"""

import math
from enum import IntEnum

GRACE = 8.0  # seconds from the first packets of a tier: estimators take 5 to begin, and then grow by 8 % per second
BELOW_LIMIT = 1.0  # seconds that an estimate may be below the floor
LOSS_BOUND = 0.20  # share of packets, above which the link cannot carry the tier
LOSS_LIMIT = 2.0  # seconds of such loss
FIRST_WAIT = 5.0  # seconds that a link has to be good before the first try; doubles
LONGEST_WAIT = 60.0  # seconds
TRIAL = 20.0  # seconds after which a try has succeeded


class Step(IntEnum):
    """Where a viewer goes on the ladder of tiers."""

    DOWN = -1
    STAY = 0
    UP = 1


class Standing:
    """How long one viewer's link has been too bad for its tier, or good enough for the next. Times are in seconds."""

    def __init__(self, now: float) -> None:
        self._settles_at = now + GRACE
        self._tried_at: float | None = None  # when the try began that neither failed nor succeeded yet
        self._wait = FIRST_WAIT
        self._below_since = self._lossy_since = self._good_since = math.inf

    def is_settled(self, now: float) -> bool:
        """Return whether the receiver's estimate says something about the link."""
        return now >= self._settles_at

    def step(self, now: float, *, is_below: bool, is_lossy: bool, is_good: bool) -> Step:
        """Return what is to be done, given how the link is now. `moved` is to be called if it is done."""
        self._below_since = _since(self._below_since, is_below and self.is_settled(now), now)
        self._lossy_since = _since(self._lossy_since, is_lossy, now)
        self._good_since = _since(self._good_since, is_good and self.is_settled(now), now)
        if now - self._below_since >= BELOW_LIMIT or now - self._lossy_since >= LOSS_LIMIT:
            return Step.DOWN
        return Step.UP if now - self._good_since >= self._wait else Step.STAY

    def moved(self, step: Step, now: float) -> None:
        """The viewer gets another tier from now on."""
        self._begin_anew()
        if step is Step.UP:
            self._tried_at, self._settles_at = now, now + GRACE
            return
        if self._tried_at is not None:
            has_failed = now - self._tried_at < TRIAL
            self._wait = min(2 * self._wait, LONGEST_WAIT) if has_failed else FIRST_WAIT
            self._tried_at = None

    def _begin_anew(self) -> None:
        self._below_since = self._lossy_since = self._good_since = math.inf


def _since(since: float, holds: bool, now: float) -> float:
    return min(since, now) if holds else math.inf
