"""Draws what an audience costs the publisher, in a mesh and by Janus. Needs matplotlib."""

import statistics
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from bench.watching.figures import Cell

SIZE, DOTS = (9.0, 4.2), 150  # inches, and dots per inch
COLOURS = {"mesh": "#c0392b", "janus": "#2471a3"}


def is_possible() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def draw(cells: Sequence[Cell], path: Path) -> None:
    """Write a PNG of the medians of all runs: hollow marks where frames were lost in any."""
    from matplotlib.figure import Figure  # half a second that only a plot needs

    figure = Figure(figsize=SIZE, dpi=DOTS, layout="constrained")
    left, right = figure.subplots(1, 2)
    for topology, colour in COLOURS.items():
        own: dict[int, list[Cell]] = {}
        for cell in sorted(cells, key=lambda one: one.viewers):
            if cell.topology == topology and not cell.error:
                own.setdefault(cell.viewers, []).append(cell)
        cpu = [statistics.median(one.cpu for one in runs) for runs in own.values()]
        uplink = [statistics.median(one.uplink / 1000 for one in runs) for runs in own.values()]
        for axes, values in ((left, cpu), (right, uplink)):
            axes.plot(list(own), values, color=colour, linewidth=1.5, label=topology)
            for (number, runs), value in zip(own.items(), values, strict=True):
                face = colour if all(one.is_full for one in runs) else "white"
                axes.plot(number, value, marker="o", color=colour, markerfacecolor=face, markersize=7)
        if any(one.janus for runs in own.values() for one in runs):
            both = [statistics.median(one.cpu + one.janus for one in runs) for runs in own.values()]
            left.plot(list(own), both, color=colour, linewidth=1.0, linestyle="--", label="the same, and Janus itself")
    for axes, label in ((left, "CPU seconds per second, publisher"), (right, "Mbit/s that leave the publisher")):
        axes.set_xscale("log")
        counts = sorted({one.viewers for one in cells})
        axes.set_xticks(counts, [str(count) for count in counts])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.set_xlabel("viewers (hollow: frames were lost)")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    figure.savefig(path, format="png")
