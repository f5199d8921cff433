"""How often something may happen. A core: time comes in as a number of seconds.

A bucket holds what may happen at once and fills up again at a steady rate.
"""

KEPT = 4096  # keys that are remembered before those are forgotten that have done nothing for long


class Bucket:
    """Of one: `burst` at once, `rate` in a second in the long run. A rate of 0 is no limit."""

    __slots__ = ("_burst", "_rate", "_since", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = max(1.0, burst)
        self._tokens = self._burst
        self._since = now

    def take(self, now: float) -> float:
        """Let it happen once more; return the seconds to wait until it is within the limit, 0 for now."""
        if not self._rate:
            return 0.0
        self._tokens = self._left(now) - 1
        self._since = now
        return max(0.0, -self._tokens / self._rate)

    def may(self, now: float) -> bool:
        """Let it happen once more if that is within the limit; false: it is not, and nothing has happened."""
        if self.is_spent(now):
            return False
        self.take(now)
        return True

    def is_spent(self, now: float) -> bool:
        """Whether it may not happen once more now."""
        return bool(self._rate) and self._left(now) < 1

    def is_full(self, now: float) -> bool:
        """Whether nothing has happened for so long that nothing needs to be remembered."""
        return self._left(now) >= self._burst

    def _left(self, now: float) -> float:
        return min(self._burst, self._tokens + max(0.0, now - self._since) * self._rate)


class Rates:
    """Of many, by key. Remembers only those who have used up something of theirs."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: dict[str, Bucket] = {}
        self._forget_at = KEPT

    def may(self, key: str, now: float) -> bool:
        """Let it happen to this one if that is within the limit."""
        if not self._rate:
            return True
        if key not in self._buckets:
            self._make_room(now)
            self._buckets[key] = Bucket(self._rate, self._burst, now)
        return self._buckets[key].may(now)

    def is_spent(self, key: str, now: float) -> bool:
        """Whether it may not happen to this one once more now."""
        return key in self._buckets and self._buckets[key].is_spent(now)

    def __len__(self) -> int:
        return len(self._buckets)

    def _make_room(self, now: float) -> None:
        if len(self._buckets) < self._forget_at:
            return
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if not bucket.is_full(now)}
        self._forget_at = max(KEPT, 2 * len(self._buckets))  # looked through again when it has doubled
