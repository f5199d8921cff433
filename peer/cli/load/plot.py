"""Draws a load test as a PNG. Needs matplotlib, which is not installed with Exeunt."""

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from peer.cli.load.figures import Figures, Load
from peer.errors import UsageError

SIZE, DOTS = (9.0, 4.2), 150  # inches, and dots per inch
BLUE, RED = "#2471a3", "#c0392b"
MOST_BINS, BIN = 60, 0.25  # of the time for which was spoken, and seconds of each at least
MILLI = 1000.0


def check_plot(path: Path | None) -> None:
    """Raise `UsageError` before anything begins if it could not be drawn in the end."""
    if path is None:
        return
    if find_spec("matplotlib") is None:
        raise UsageError("--plot needs matplotlib: pip install matplotlib")
    if not path.absolute().parent.is_dir() or path.is_dir():
        raise UsageError(f"no plot can be written to {path}")


def draw(figures: Figures, load: Load, path: Path) -> None:
    """Write the file: messages heard over time, and how long messages and notices took."""
    from matplotlib.figure import Figure  # half a second that only a plot needs

    figure = Figure(figsize=SIZE, dpi=DOTS, layout="constrained")
    left, right = figure.subplots(1, 2)
    middles, rates = per_second(figures.heard_at, figures.speaking)
    left.plot(middles, rates, color=BLUE)
    left.set(xlabel="seconds", ylabel="messages heard a second", ylim=(0, None), xlim=(0, max(figures.speaking, 1)))
    for name, values, colour in (("message", figures.messages, BLUE), ("notice of a leave", figures.notices, RED)):
        if values:
            right.plot(*distribution(values), color=colour, label=name)
            right.legend(frameon=False, loc="lower right")
    right.set(xlabel="milliseconds until it was heard", ylabel="share of all, in percent", ylim=(0, 101), xscale="log")
    right.xaxis.set_major_formatter("{x:g}")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.suptitle(f"{load.rooms} rooms of {load.users} users, each saying {load.rate:g} messages a second")
    figure.savefig(path, format="png")


def per_second(moments: Sequence[float], seconds: float) -> tuple[list[float], list[float]]:
    """Return the middles of equal parts of the time, and how many moments a second lie in each."""
    bins = max(1, min(MOST_BINS, int(seconds / BIN)))
    width = max(seconds, BIN) / bins
    counts = [0] * bins
    for moment in moments:
        if 0 <= moment < width * bins:
            counts[int(moment / width)] += 1
    edges = [number * width for number in range(bins + 1)]
    return [(begin + end) / 2 for begin, end in pairwise(edges)], [count / width for count in counts]


def distribution(seconds: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return milliseconds, and the percent of all that took no longer; few enough points to draw."""
    ordered = sorted(seconds)
    step = max(1, len(ordered) // 1000)
    kept = range(step - 1, len(ordered), step)
    return [ordered[at] * MILLI for at in kept], [100.0 * (at + 1) / len(ordered) for at in kept]
