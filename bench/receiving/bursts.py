"""How late sound is after its link stood still. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

NEAR = 0.04  # seconds more than before that count as back
LASTING = 0.5  # seconds for which it has to be, and of which the figures are
MOST = 20  # pieces, of which the latest is no measure: sound that was made up tells no time


@dataclass(frozen=True, slots=True)
class Recovery:
    """How late sound was before, at worst and at the end, in seconds; after how many it was back, None: never.

    "At worst" leaves out one piece of `MOST`.
    """

    before: float
    worst: float
    after: float
    back: float | None


def recovery(delays: Sequence[tuple[float, float]], held: float, freed: float) -> Recovery:
    """Say how late sound was, of moments and delays, if the link stood still from one moment to another."""
    before = statistics.median(late for at, late in delays if held - LASTING <= at < held)
    since = [(at, late) for at, late in delays if at >= freed]
    last = [late for at, late in since if at >= since[-1][0] - LASTING]
    worst = statistics.quantiles((late for _, late in since), n=MOST)[-1]
    return Recovery(before, worst, statistics.median(last), _back(since, freed, before + NEAR))


def _back(since: Sequence[tuple[float, float]], freed: float, most: float) -> float | None:
    """Return how long after the end of the stand-still sound was no later than that, for a while."""
    begun: float | None = None
    for at, late in since:
        if late > most:
            begun = None
            continue
        begun = at if begun is None else begun
        if at - begun >= LASTING:
            return begun - freed
    return None
