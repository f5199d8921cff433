"""How good the connection with each user is, as a grade from 1 (excellent) to 6 (down); 0: not known. Pure.

The grades are those of TRTC. A grade is the worst of what loss, round trip and standing still say of it. It changes
only when several looks in a row agree: quickly to the worse, slowly to the better.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

WORSE_LOOKS = 2  # in a row, before a grade gets worse
BETTER_LOOKS = 3  # in a row, before it gets better
LOSS = (0.01, 0.03, 0.08, 0.2, 0.5)  # parts of the packets; from each on, the next grade
ROUND_TRIP = (0.1, 0.2, 0.4, 0.8)  # seconds
FROZEN = (0.001, 0.02, 0.1, 0.3, 0.9)  # parts of the time


class Quality(IntEnum):
    """TRTC's grades of a network's quality."""

    UNKNOWN = 0
    EXCELLENT = 1
    GOOD = 2
    POOR = 3
    BAD = 4
    VERY_BAD = 5
    DOWN = 6


@dataclass(frozen=True, slots=True)
class Sample:
    """What is known of the connection with one user at one look; None: not known."""

    loss: float | None = None  # the part of the packets that does not arrive
    round_trip: float | None = None  # seconds
    frozen: float | None = None  # the part of the time since the last look that the picture stood still
    is_down: bool = False  # they cannot be reached, or there is no connection any more


@dataclass(frozen=True, slots=True)
class Received:
    """What has come from a user so far, in packets, and how long their picture has stood still, in seconds."""

    packets: int
    lost: int
    frozen: float

    def since(self, before: "Received | None", seconds: float) -> tuple[float | None, float | None]:
        """Return the part that was lost and the part of the time that was frozen since then; None: nothing came."""
        if before is None or self.packets <= before.packets:
            return None, None
        lost = max(0, self.lost - before.lost)
        return lost / (lost + self.packets - before.packets), min(1.0, (self.frozen - before.frozen) / seconds)


def grade(sample: Sample) -> Quality:
    """Return the grade of one look."""
    if sample.is_down:
        return Quality.DOWN
    rows = ((sample.loss, LOSS), (sample.round_trip, ROUND_TRIP), (sample.frozen, FROZEN))
    return max((_step(value, steps) for value, steps in rows if value is not None), default=Quality.UNKNOWN)


def _step(value: float, steps: tuple[float, ...]) -> Quality:
    return Quality(1 + sum(value >= step for step in steps))


@dataclass(slots=True)
class _Grade:
    shown: Quality = Quality.UNKNOWN
    candidate: Quality = Quality.UNKNOWN
    looks: int = 0  # in a row that were worse, or better, than what is shown


class Grades:
    """The grade of each user, over many looks."""

    def __init__(self) -> None:
        self._of: dict[str, _Grade] = {}

    def of(self, user: str) -> Quality:
        """Return a user's grade."""
        return self._of[user].shown if user in self._of else Quality.UNKNOWN

    def look(self, samples: Mapping[str, Sample]) -> dict[str, Quality]:
        """Take in a look at everybody who is here; return whose grade has changed. Who is not named is forgotten."""
        self._of = {user: self._of.get(user, _Grade()) for user in samples}
        return {user: self._of[user].shown for user, sample in samples.items() if _turns(self._of[user], grade(sample))}


def _turns(of_user: _Grade, seen: Quality) -> bool:
    """Take in one look at one user; whether the grade changes."""
    if Quality.UNKNOWN in (seen, of_user.shown) or Quality.DOWN in (seen, of_user.shown):
        needed = 1  # there is nothing to weigh
    else:
        needed = WORSE_LOOKS if seen > of_user.shown else BETTER_LOOKS
    is_same_way = (seen > of_user.shown) == (of_user.candidate > of_user.shown)
    of_user.looks = of_user.looks + 1 if is_same_way and seen != of_user.shown else int(seen != of_user.shown)
    of_user.candidate = seen
    if seen == of_user.shown or of_user.looks < needed:
        return False
    of_user.shown, of_user.looks = seen, 0
    return True
