"""What the runs add up to: medians, and our ratio to each of the others in the same run. Pure."""

import itertools
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

OURS = "exeunt"
FREEZE = 0.15  # seconds
ALL_FRAMES = 0.97  # of the source's rate, at the worst viewer: the edges of the time that is measured take the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One publisher and so many viewers, measured once."""

    publisher: str
    codec: str
    viewers: int
    run: int
    cpu: float  # seconds per second of media, of the publisher's whole process tree
    frames: float  # per second, whole, at the median viewer
    worst: float  # the same at the worst viewer
    kilobits: float  # per second and viewer, of video on the wire
    memory: float  # MiB, of the tree
    start: float  # seconds from the start of the process to the first whole frame at a viewer
    others: float  # cores that everything else on the machine kept busy meanwhile
    viewers_cpu: float  # cores that the viewers' process used
    said: str = ""  # what the publisher told of itself
    error: str = ""  # why there are no figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """All runs of one publisher with so many viewers, in medians. `ratio` is our CPU time over this publisher's."""

    publisher: str
    codec: str
    viewers: int
    runs: int
    cpu: float
    frames: float
    worst: float
    kilobits: float
    memory: float
    start: float
    others: float
    full: bool  # every frame came, in the median of the runs
    ratio: float | None
    error: str = ""


def summary(cells: Iterable[Cell], fps: float) -> list[Row]:
    """Return a row for each publisher and number of viewers, in the order in which they were first measured."""
    groups: dict[tuple[str, int, str], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.codec, cell.viewers, cell.publisher), []).append(cell)
    ours = {key[:2]: group for key, group in groups.items() if key[2] == OURS}
    return [_row(group, ours.get(key[:2], []), fps) for key, group in groups.items()]


def _row(group: list[Cell], ours: list[Cell], fps: float) -> Row:
    good = [cell for cell in group if not cell.error]

    def median(value: Callable[[Cell], float]) -> float:
        return statistics.median(map(value, good)) if good else 0.0

    worst = median(lambda cell: cell.worst)
    return Row(
        publisher=group[0].publisher,
        codec=group[0].codec,
        viewers=group[0].viewers,
        runs=len(good),
        cpu=median(lambda cell: cell.cpu),
        frames=median(lambda cell: cell.frames),
        worst=worst,
        kilobits=median(lambda cell: cell.kilobits),
        memory=median(lambda cell: cell.memory),
        start=median(lambda cell: cell.start),
        others=median(lambda cell: cell.others),
        full=worst >= ALL_FRAMES * fps,
        ratio=ratio(ours, good) if group[0].publisher != OURS else None,
        error=next((cell.error for cell in group if cell.error), ""),
    )


def ratio(ours: Iterable[Cell], theirs: Iterable[Cell]) -> float | None:
    """Return the median of our CPU time over theirs, run by run; None without a run of both."""
    by_run = {cell.run: cell.cpu for cell in theirs if not cell.error and cell.cpu}
    found = [cell.cpu / by_run[cell.run] for cell in ours if cell.run in by_run and not cell.error]
    return statistics.median(found) if found else None


def percentile(values: Iterable[float], part: float) -> float:
    """Return the value below which this part of the values is, the nearest that there is; nan of none."""
    ordered = sorted(values)
    return ordered[min(round(part * (len(ordered) - 1)), len(ordered) - 1)] if ordered else float("nan")


def frozen(presented: Sequence[float], began: float, ended: float, period: float) -> float:
    """Return for how long the picture stood still: what is beyond the period, where it is more than `FREEZE` beyond.

    All in seconds; `presented` are the moments of the frames between beginning and end.
    """
    moments = [began, *presented, ended]
    beyond = [later - earlier - period for earlier, later in itertools.pairwise(moments)]
    return sum((one for one in beyond if one > FREEZE), 0.0)


def delay(now: float, code: int) -> float:
    """Return for how long a time code has been on its way, in milliseconds; it counts modulo 2**32."""
    return (now - code + 2**31) % 2**32 - 2**31
