"""Prints what was measured, as tables or as JSON lines."""

import json
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from bench.publishing.figures import OURS, Cell, Row, summary
from bench.publishing.footage import FPS, HEIGHT, WIDTH
from bench.publishing.latency import Delays
from bench.publishing.loss import DELAY, LOSS, VIEWERS, Freezes
from bench.publishing.stage import SIZE

COST = ("to", "", "cpu s/s", "ours:its", "fps", "worst", "kbit/s", "MiB", "start", "others")
LATENCY = ("", "runs", "median", "p95", "fps")
FREEZING = ("", "runs", "frozen", "longest", "as Chromium counts", "fps", "lost", "asked again")

Measured = TypeVar("Measured", Delays, Freezes)


def progress(cell: Cell, *, as_json: bool) -> None:
    """Print a cell as soon as it is there: as JSON, or as a sign of life where somebody looks on."""
    if as_json:
        _line("cost", asdict(cell))
    elif sys.stderr.isatty():
        print(f"  {cell.publisher}, {cell.viewers} viewers: {cell.error or f'{cell.cpu:.3f}'}", file=sys.stderr)


def show_cost(cells: list[Cell], *, as_json: bool) -> None:
    """Print the medians of all runs."""
    rows = summary(cells, FPS)
    if as_json:
        for row in rows:
            _line("summary", asdict(row))
        return
    picture = f"one {WIDTH}x{HEIGHT} picture at {FPS} fps ({cells[0].codec}) and a tone, to so many viewers"
    errors = [f"{row.publisher}, {row.viewers} viewers: {row.error}" for row in rows if row.error]
    notes = "cpu: of the publisher's whole process tree; *: frames were lost; others: cores busy elsewhere"
    _show(f"{picture}: medians", COST, [_cost(row) for row in rows], [*errors, notes])


def _cost(row: Row) -> tuple[str, ...]:
    if not row.runs:
        return (str(row.viewers), row.publisher, "none")
    return (
        str(row.viewers),
        row.publisher,
        f"{row.cpu:.3f}{'' if row.full else '*'}",
        "" if row.ratio is None else f"{row.ratio:.2f}",
        f"{row.frames:.1f}",
        f"{row.worst:.1f}",
        f"{row.kilobits:.0f}",
        f"{row.memory:.0f}" if row.memory else "",
        f"{row.start:.2f} s" if row.start else "",
        f"{row.others:.2f}",
    )


def show_latency(measured: list[Delays], *, as_json: bool) -> None:
    """Print how old a picture is when it is presented, and our ratio to the others."""
    if as_json:
        for one in measured:
            _line("latency", asdict(one))
        return
    rows = [
        (
            name,
            str(len(runs)),
            f"{_median(runs, lambda one: one.median):.1f} ms",
            f"{_median(runs, lambda one: one.p95):.1f} ms",
            f"{_median(runs, lambda one: one.fps):.1f}",
        )
        for name, runs in _by_publisher(measured).items()
    ]
    title = f"glass to glass, {SIZE} at {FPS} fps, one viewer in Chromium: medians of the runs"
    _show(title, LATENCY, rows, _errors(measured))


def show_loss(measured: list[Freezes], *, as_json: bool) -> None:
    """Print for how long pictures stood still, and our ratio to aiortc."""
    if as_json:
        for one in measured:
            _line("loss", asdict(one))
        return
    groups = _by_publisher(measured)
    rows = [
        (
            name,
            str(len(runs)),
            f"{_median(runs, lambda one: one.frozen):.2f} s",
            f"{_median(runs, lambda one: one.longest):.2f} s",
            f"{_median(runs, lambda one: one.freezes):.2f} s",
            f"{_median(runs, lambda one: one.fps):.1f}",
            f"{_median(runs, lambda one: one.lost):.0f}",
            f"{_median(runs, lambda one: one.asked):.0f}",
        )
        for name, runs in groups.items()
    ]
    title = f"{LOSS} % loss and {DELAY} ms each way, {SIZE}, {measured[0].seconds:g} s to {VIEWERS} viewers in Chromium"
    theirs = sum(_median(runs, lambda one: one.frozen) for name, runs in groups.items() if name != OURS)
    notes = [f"ours : aiortc {_median(groups[OURS], lambda one: one.frozen) / theirs:.2f}"] if theirs else []
    _show(title, FREEZING, rows, [*_errors(measured), *notes])


def _by_publisher(measured: Iterable[Measured]) -> dict[str, list[Measured]]:
    groups: dict[str, list[Measured]] = {}
    for one in measured:
        groups.setdefault(one.publisher, []).extend([] if one.error else [one])
    return groups


def _median(runs: Sequence[Measured], value: Callable[[Measured], float]) -> float:
    return statistics.median(map(value, runs)) if runs else float("nan")


def _errors(measured: Iterable[Measured]) -> list[str]:
    return [f"{one.publisher}, run {one.run}: {one.error}" for one in measured if one.error]


def _show(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], notes: Iterable[str]) -> None:
    table = Table(*columns, box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify, column.no_wrap = "right", True
    for row in rows:
        table.add_row(*row)
    console = Console(width=110, highlight=False, markup=False)
    console.print(title)
    console.print(table)
    for note in dict.fromkeys(notes):
        console.print(note)


def _line(what: str, words: dict[str, object]) -> None:
    rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in words.items()}
    print(json.dumps({"bench": "publish", "what": what, **rounded}), flush=True)
