"""Whether a picture moves and somebody speaks. A core."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

AVERAGED = 30  # intervals, as in the W3C's definition of `freezeCount` (webrtc-stats, RTCInboundRtpStreamStats)
FROZEN_TIMES, FROZEN_MORE = 3.0, 0.15  # a freeze: three times the average, and at least 150 ms more than it
SPEAKS_FROM, SPEAKS_UNTIL = -40, -50  # dBov
SPEAKS_AFTER, SILENT_AFTER = 0.06, 0.6  # seconds


class Freeze(Enum):
    """What can become of a picture."""

    FIRST = "first"
    FROZEN = "frozen"
    RESUMED = "resumed"


@dataclass(slots=True)
class Flow:
    """One user's pictures, over all streams that they come in; `frozen_for` counts seconds of all freezes."""

    freezes: int = 0
    frozen_for: float = 0.0
    is_frozen: bool = False
    _has_begun: bool = False
    _rests: bool = False
    _is_anew: bool = False  # nothing has come since it rested: what comes first says nothing of the time before
    _last: float | None = None
    _intervals: deque[float] = field(default_factory=lambda: deque(maxlen=AVERAGED))

    def frame(self, now: float) -> Freeze | None:
        """A picture is whole; return what is news of that."""
        last, self._last = self._last, now
        if last is None:
            return Freeze.FIRST
        if not self._is_anew:
            self._count(now - last)
        self._is_anew = self._rests
        told, self.is_frozen = self.is_frozen, False
        return Freeze.RESUMED if told else None

    def rest(self, *, is_resting: bool) -> None:
        """No picture is expected, as they are muted or not sent, so none is missed; or they are expected again."""
        if is_resting is not self._rests:
            self._rests, self._is_anew = is_resting, True

    def begin(self) -> Freeze | None:
        """A packet of sound is whole, of which only the first is news."""
        is_first, self._has_begun = not self._has_begun, True
        return Freeze.FIRST if is_first else None

    def next_deadline(self) -> float | None:
        """Return when the picture is frozen, if nothing comes."""
        if self._last is None or self._is_anew or self.is_frozen or not self._intervals:
            return None
        return self._last + self._limit()

    def advance(self, now: float) -> Freeze | None:
        """Look whether it is frozen now."""
        due = self.next_deadline()
        if due is None or now < due:
            return None
        self.is_frozen = True
        self.freezes += 1
        return Freeze.FROZEN

    def _count(self, interval: float) -> None:
        if self.is_frozen or interval > self._limit():
            self.freezes += not self.is_frozen
            self.frozen_for += interval
        else:
            self._intervals.append(interval)

    def _limit(self) -> float:
        if not self._intervals:
            return float("inf")
        average = sum(self._intervals) / len(self._intervals)
        return max(FROZEN_TIMES * average, average + FROZEN_MORE)


@dataclass(slots=True)
class Speech:
    """Whether somebody speaks, by the level of each packet of sound."""

    is_speaking: bool = False
    _loud_since: float | None = None
    _loud_at: float = 0.0

    def heard(self, level: int, now: float) -> bool | None:
        """Take in a level, dBov; return whether they speak if that is news."""
        if level >= (SPEAKS_UNTIL if self.is_speaking else SPEAKS_FROM):
            self._loud_since = now if self._loud_since is None else self._loud_since
            self._loud_at = now
        elif not self.is_speaking:
            self._loud_since = None
        return self._news(now)

    def next_deadline(self) -> float | None:
        """Return when they are silent, if nothing comes."""
        return self._loud_at + SILENT_AFTER if self.is_speaking else None

    def advance(self, now: float) -> bool | None:
        """Look whether they have been silent for long enough; return that, false, if it is news."""
        return self._news(now)

    def _news(self, now: float) -> bool | None:
        if not self.is_speaking and self._loud_since is not None and now - self._loud_since >= SPEAKS_AFTER:
            self.is_speaking = True
            return True
        if self.is_speaking and now >= self._loud_at + SILENT_AFTER:
            self.is_speaking, self._loud_since = False, None
            return False
        return None
