"""Draws CPU time against the number of viewers, a line for each publisher. Needs matplotlib."""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from bench.publishing.figures import Row

SIZE, DOTS = (7.5, 4.8), 150  # inches, and dots per inch
COLOURS = {"exeunt": "#c0392b", "gstreamer": "#2471a3", "chromium": "#b7950b", "aiortc": "#7d3c98"}
FLOOR = "floor"


def is_possible() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def draw(rows: Iterable[Row], path: Path) -> None:
    """Write a PNG: filled marks where every frame came, hollow ones where some were lost."""
    from matplotlib.figure import Figure  # half a second that only a plot needs

    measured = [row for row in rows if row.runs]
    figure = Figure(figsize=SIZE, dpi=DOTS, layout="constrained")
    axes = figure.subplots()
    for name in dict.fromkeys(row.publisher for row in measured):
        own = sorted((row for row in measured if row.publisher == name), key=lambda row: row.viewers)
        if name == FLOOR:
            axes.axhline(own[0].cpu, color="grey", linestyle=":", label="source and encoder alone")
            continue
        numbers, colour = [row.viewers for row in own], COLOURS.get(name, "black")
        axes.plot(numbers, [row.cpu for row in own], color=colour, linewidth=1.5, label=name)
        for row in own:
            face = colour if row.full else "white"
            axes.plot(row.viewers, row.cpu, marker="o", color=colour, markerfacecolor=face, markersize=7)
    counts = sorted({row.viewers for row in measured})
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("viewers (hollow: frames were lost)")
    axes.set_ylabel("CPU seconds per second of media")
    axes.set_title(f"1280x720 at 30 fps and a tone, {measured[0].codec}: the publisher's whole process tree")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, format="png")
