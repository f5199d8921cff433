"""Prints what was measured, as a table or as JSON lines."""

import json
import statistics
import sys
from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from bench.rooming.servers import OURS

Figures = dict[str, object]
Cells = dict[str, dict[str, list[Figures]]]  # task → kind of server → figures of its runs


class Line(NamedTuple):
    """One line of the table: a figure of a task, and how it is written."""

    task: str
    figure: str
    label: str
    form: str
    scale: float = 1.0


LINES = (
    Line("joins", "per_second", "joins a second", "{:,.0f}"),
    Line("joins", "per_cpu", "joins per CPU-second", "{:,.0f}"),
    Line("relay", "messages_per_cpu", "messages relayed per CPU-second, room of 2", "{:,.0f}"),
    Line("fan 50, 16 at a time", "deliveries_per_cpu", "deliveries per CPU-second, room of 50", "{:,.0f}"),
    Line("fan 50, one at a time", "deliveries_per_cpu", "  the same, one message at a time", "{:,.0f}"),
    *(
        Line(f"leave {size}", "seconds", f"leave -> last notice, room of {size}", "{:.2f} ms", 1000)
        for size in (2, 10, 50, 200)
    ),
    Line("idle", "kib_per_user", "memory of an idle user", "{:.1f} KiB"),
    Line("3 nodes: fan 50, 16 at a time", "deliveries_per_cpu", "three nodes: deliveries per CPU-second", "{:,.0f}"),
    Line("notice", "seconds", "leave -> notice to one other", "{:.2f} ms", 1000),
    Line("3 nodes: notice", "seconds", "three nodes: leave -> notice at another node", "{:.2f} ms", 1000),
    Line("notice, any core", "seconds", "any core: leave -> notice to one other", "{:.2f} ms", 1000),
    Line("3 nodes: notice, any core", "seconds", "  the same, three nodes, at another node", "{:.2f} ms", 1000),
    Line("3 nodes: leave 50", "seconds", "three nodes: leave -> last notice, room of 50", "{:.2f} ms", 1000),
)


def progress(run: int, task: str, kind: str, figures: Figures, *, as_json: bool) -> None:
    """Print figures as soon as they are there: as JSON, or as a sign of life where somebody looks on."""
    if as_json:
        print(json.dumps({"bench": "rooms", "run": run, "task": task, "server": kind, **_rounded(figures)}), flush=True)
    elif sys.stderr.isatty():
        print(f"  run {run + 1}, {task}: {kind}", file=sys.stderr)


def show(cells: Cells, kinds: Sequence[str], notes: Sequence[str], *, as_json: bool) -> None:
    """Print the medians of all runs, and the ratios of ours to the others'."""
    lines = [line for line in LINES if line.task in cells]
    if as_json:
        for line in lines:
            medians = {kind: median(cells[line.task][kind], line.figure) for kind in kinds}
            print(json.dumps({"bench": "rooms", "what": "median", "figure": line.label.strip(), **_rounded(medians)}))
        for note in notes:
            print(json.dumps({"bench": "rooms", "note": note}))
        return
    others = [kind for kind in kinds if kind != OURS]
    table = Table("", *kinds, *(f"ours : {kind}" for kind in others), box=None, pad_edge=False)
    for column in table.columns:
        column.justify, column.no_wrap = ("right" if column.header else "left"), True
    for line in lines:
        table.add_row(line.label, *_row(line, cells[line.task], kinds, others))
    console = Console(width=140, highlight=False, markup=False)
    console.print("rooms on one core: medians of all runs")
    console.print(table)
    for note in notes:
        console.print(note)


def median(runs: Sequence[Figures], name: str) -> float:
    """Return the median of one figure over all runs, of all samples where a run has several."""
    values: list[float] = []
    for figures in runs:
        value = figures[name]
        values += [float(one) for one in value] if isinstance(value, list) else [float(str(value))]
    return statistics.median(values)


def _row(line: Line, runs: dict[str, list[Figures]], kinds: Sequence[str], others: Sequence[str]) -> list[str]:
    medians = {kind: median(runs[kind], line.figure) * line.scale for kind in kinds}
    return [
        *(line.form.format(medians[kind]) for kind in kinds),
        *(f"{medians[OURS] / medians[kind]:.2f}" for kind in others),
    ]


def _rounded(figures: dict[str, object] | dict[str, float]) -> dict[str, object]:
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}
