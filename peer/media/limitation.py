"""What limits the quality that a viewer gets, in the words of W3C's statistics, and for how long. Pure."""

from enum import StrEnum

from msgspec import Struct


class LimitedBy(StrEnum):
    """A qualityLimitationReason."""

    NONE = "none"
    BANDWIDTH = "bandwidth"  # the viewer's own link
    CPU = "cpu"  # the encoder cannot keep up
    OTHER = "other"  # another viewer's link: they share one encoder


class Limitation(Struct, frozen=True):
    """One viewer's qualityLimitationReason, -Durations (seconds for each reason) and -ResolutionChanges."""

    reason: LimitedBy
    durations: dict[LimitedBy, float]
    resolution_changes: int


class Limits:
    """Adds up how long which reason has been true for one viewer. Times are in seconds."""

    def __init__(self, now: float) -> None:
        self.reason = LimitedBy.NONE
        self._noted_at = now
        self._durations = dict.fromkeys(LimitedBy, 0.0)
        self._resolution_changes = 0

    def note(self, reason: LimitedBy, now: float) -> None:
        """From now on the reason is this one."""
        self._durations[self.reason] += now - self._noted_at
        self.reason, self._noted_at = reason, now

    def resolution_changed(self) -> None:
        """The viewer gets pictures of another size."""
        self._resolution_changes += 1

    def limitation(self, now: float) -> Limitation:
        """Return what is to be said of it now."""
        self.note(self.reason, now)
        return Limitation(self.reason, dict(self._durations), self._resolution_changes)
