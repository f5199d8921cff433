"""What a load test finds out, as numbers. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

MOST_KINDS = 20  # different errors that are told apart


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is asked for."""

    rooms: int
    users: int  # in each room
    rate: float  # messages a second of each user
    seconds: float  # for which they speak

    @property
    def everybody(self) -> int:
        """How many users there are in all."""
        return self.rooms * self.users


class Delays(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds. Of no samples there is nothing to say."""

    median: float | None = None
    p95: float | None = None
    p99: float | None = None
    worst: float | None = None
    samples: int = 0


class Results(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="type", tag="results"):
    """The end of a load test."""

    users: int  # who came in
    joins_per_second: float
    sent_per_second: float
    heard_per_second: float
    missing: int  # messages that should have been heard
    messages: Delays
    notices: Delays
    errors: dict[str, int]
    core: float  # of this machine that the test itself took


@dataclass
class Figures:
    """Everything that was measured. Times are seconds."""

    joined: int = 0
    joining: float = 0.0
    sent: int = 0
    expected: int = 0  # messages to be heard
    speaking: float = 0.0
    core: float = 0.0
    heard_at: list[float] = field(default_factory=list)  # since the first was said
    messages: list[float] = field(default_factory=list)  # from saying to hearing, in the same order
    notices: list[float] = field(default_factory=list)  # from a leave to its notice
    errors: Counter[str] = field(default_factory=Counter)

    def failed(self, text: str) -> None:
        """Count an error by its sentence."""
        is_known = text in self.errors or len(self.errors) < MOST_KINDS
        self.errors[text if is_known else "others"] += 1

    def results(self) -> Results:
        """Sum up."""
        return Results(
            users=self.joined,
            joins_per_second=_per(self.joined, self.joining),
            sent_per_second=_per(self.sent, self.speaking),
            heard_per_second=_per(len(self.messages), self.speaking),
            missing=max(0, self.expected - len(self.messages)),
            messages=delays(self.messages),
            notices=delays(self.notices),
            errors=dict(self.errors.most_common()),
            core=round(self.core, 2),
        )


def delays(seconds: Sequence[float]) -> Delays:
    """Return the percentiles."""
    if not seconds:
        return Delays()
    ordered = sorted(seconds)
    return Delays(
        median=_percentile(ordered, 0.5),
        p95=_percentile(ordered, 0.95),
        p99=_percentile(ordered, 0.99),
        worst=_percentile(ordered, 1.0),
        samples=len(ordered),
    )


def _percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value, in milliseconds, that this share of all does not exceed."""
    at = max(0, -int(-share * len(ordered) // 1) - 1)
    return round(ordered[at] * 1000, 2)


def _per(count: int, seconds: float) -> float:
    return round(count / seconds, 1) if seconds > 0 else 0.0
