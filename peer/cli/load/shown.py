"""What a load test shows: progress on standard error while it runs, a table at its end."""

import sys
from types import TracebackType
from typing import Self

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from peer.cli.load.figures import Delays, Load, Results
from peer.cli.output import PipedConsole

BUSY = 0.9  # of a core: from here on the test itself is what is slow


class Shown:
    """A progress bar for each part of a test, if somebody looks on."""

    def __init__(self, load: Load, *, is_quiet: bool) -> None:
        self._load = load
        self._is_quiet = is_quiet
        is_seen = not is_quiet and sys.stderr.isatty()
        columns = (TextColumn("{task.description:<9}"), BarColumn(), TextColumn("{task.fields[count]}"))
        self._progress = Progress(
            *columns, TimeElapsedColumn(), console=Console(stderr=True), disable=not is_seen, transient=True
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        for name, total in (
            ("joining", self._load.everybody),
            ("speaking", self._load.seconds),
            ("leaving", self._load.everybody),
        ):
            self._tasks[name] = self._progress.add_task(name, total=total, count="")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def advance(self, name: str) -> None:
        """One more user has done that."""
        task = self._tasks[name]
        self._progress.advance(task)
        done = int(self._progress.tasks[task].completed)
        self._progress.update(task, count=f"{done} of {self._load.everybody} users")

    def at(self, name: str, seconds: float) -> None:
        """So much of the time is over."""
        self._progress.update(
            self._tasks[name], completed=seconds, count=f"{seconds:.0f} of {self._load.seconds:g} seconds"
        )

    def results(self, results: Results) -> None:
        """Show the end: for machines as one JSON line, for people as a table."""
        if self._is_quiet:
            print(msgspec.json.encode(results).decode(), flush=True)
            return
        console = PipedConsole(highlight=False)
        console.print(
            f"{self._load.rooms} rooms of {self._load.users} users, each saying {self._load.rate:g} messages a second"
            f" for {self._load.seconds:g} s",
            soft_wrap=True,
        )
        console.print(rates(results))
        console.print()
        console.print(latencies(results))
        for text, count in results.errors.items():
            console.print(f"[red]{count:>7}[/]  {escape(text)}", soft_wrap=True)
        if results.core >= BUSY:
            console.print(
                f"[yellow]This test took {results.core:.1f} cores itself[/]: what it measured may be its own limit."
                " Ask for less, or start several."
            )


def rates(results: Results) -> Table:
    """Return how many there were of what."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    table.add_row("users who came in", f"{results.users:,}")
    table.add_row("joins a second", f"{results.joins_per_second:,.0f}")
    table.add_row("messages said a second", f"{results.sent_per_second:,.0f}")
    table.add_row("messages heard a second", f"{results.heard_per_second:,.0f}")
    table.add_row("messages missing", _counted(results.missing))
    table.add_row("errors", _counted(sum(results.errors.values())))
    return table


def latencies(results: Results) -> Table:
    """Return how long things took."""
    table = Table("", "median", "p95", "p99", "worst", "samples", box=None, pad_edge=False, header_style="dim")
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("message -> heard", *_row(results.messages))
    table.add_row("leave -> notice", *_row(results.notices))
    return table


def _row(delays: Delays) -> tuple[str, ...]:
    values = (delays.median, delays.p95, delays.p99, delays.worst)
    return (*("-" if value is None else f"{value:.1f} ms" for value in values), f"{delays.samples:,}")


def _counted(number: int) -> str:
    return f"[red]{number:,}[/]" if number else "0"
