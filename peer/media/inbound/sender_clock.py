"""When what came in was captured, by our clock: what the sender's reports say of its own (RFC 3550, section 6.4.1).

A core. One `SenderClock` is shared by a user's picture and sound, so that both are put on our clock by the same offset.
"""

from collections import deque
from dataclasses import dataclass, field

REMEMBERED = 16  # reports; the quickest of them says most of how far the clocks are apart
FARTHEST = 10.0  # seconds between capture and arrival: more is a clock that was set
CREEP = 1e-4  # by how much a sender's clock may be slower than ours


class SenderClock:
    """How far a sender's wall clock is from our monotonic one, the quickest way between us included."""

    def __init__(self) -> None:
        self._offsets: deque[float] = deque(maxlen=REMEMBERED)

    @property
    def offset(self) -> float | None:
        """Seconds to add to the sender's clock; None: it has not said."""
        return min(self._offsets, default=None)

    def reported(self, wall: float, now: float) -> None:
        """A report came that was sent at `wall` by the sender's clock, seconds."""
        offset = now - wall
        if self._offsets and abs(offset - self._offsets[-1]) > FARTHEST:
            self._offsets.clear()  # one of the clocks was set
        self._offsets.append(offset)


@dataclass(slots=True)
class Timeline:
    """When frames of one stream were captured."""

    rate: int
    clock: SenderClock = field(default_factory=SenderClock)
    _anchor: tuple[int, float] | None = None  # a timestamp, and the sender's wall clock then
    _base: float | None = None  # our clock at timestamp 0, by arrivals alone
    _seen_at: float = 0.0

    def reported(self, timestamp: int, wall: float, now: float) -> None:
        """A report says that `timestamp` was at `wall` by the sender's clock, seconds."""
        self._anchor = (timestamp, wall)
        self.clock.reported(wall, now)

    def captured(self, timestamp: int, arrived_at: float) -> tuple[float, bool]:
        """Return when a frame was captured, by our clock, and whether that is by the sender's reports."""
        by_arrival = self._by_arrival(timestamp / self.rate, arrived_at)
        offset = self.clock.offset
        if self._anchor is None or offset is None:
            return by_arrival, False
        at, wall = self._anchor
        time = wall + (timestamp - at) / self.rate + offset
        if abs(time - arrived_at) > FARTHEST:
            return by_arrival, False
        return min(time, arrived_at), True

    def _by_arrival(self, media_time: float, arrived_at: float) -> float:
        """Take the quickest packet for one that was not on the way at all."""
        base = arrived_at - media_time
        if self._base is not None and abs(base - self._base) < FARTHEST:
            base = min(base, self._base + CREEP * (arrived_at - self._seen_at))
        self._base, self._seen_at = base, arrived_at
        return base + media_time
