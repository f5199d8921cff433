"""One camera (1280x720 at 30 per second, and a tone) to so many viewers who send nothing: in our mesh, and by Janus.

    python -m bench audience --audience 1,10,50,200 --seconds 8 --json

Measured are the CPU time of the publisher, what it sends, and how long it takes until all have heard of a leave; for
Janus, its own CPU time as well. The viewers are in one other process and count the frames of which every packet came.
Every cell has a limit: one that does not get as far says so, and one in which frames were lost is marked.
"""

import argparse
import asyncio
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.publishing import footage, processes
from bench.publishing.figures import percentile
from bench.publishing.programs import Program, program
from bench.watching import plot
from bench.watching.audience import ROOM
from bench.watching.figures import Cell
from signaling.server import SignalingServer
from tests.devices.janus import janus_server

AUDIENCES, SECONDS, RUNS = (1, 10, 50, 200), 8.0, 1
MOST = 256
BITRATE = 1_500_000  # bits per second of video
WARM = 3.0  # seconds
START_LIMIT, START_LIMIT_EACH = 30.0, 0.6  # seconds for all viewers to see frames; and more for each of them
ANSWER_LIMIT = 15.0  # seconds for a program to say what it has
FEW = 3  # frames that a viewer must have seen
LEAVES = 5  # that are timed
USER = "publisher"
SECRET = "what bench and Janus share"
COLUMNS = ("to", "by", "publisher", "Janus", "uplink", "fps", "worst", "notice", "others")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark, beside `--seconds`, `--runs` and `--json`."""
    group = parser.add_argument_group("audience")
    group.add_argument("--audience", type=_numbers, default=AUDIENCES, help="how many (default: 1,10,50,200)")
    group.add_argument("--audience-plot", type=Path, metavar="FILE", help="draw CPU time and uplink, as a PNG")


async def run(options: argparse.Namespace) -> None:
    """Measure and print everything."""
    if shutil.which("janus") is None:
        sys.exit("bench audience needs Janus: install Debian's janus")
    if options.audience_plot is not None and not plot.is_possible():
        sys.exit("--audience-plot needs matplotlib, which is in the extra `dev`")
    cells = []
    with tempfile.TemporaryDirectory(prefix="exeunt-bench-") as name:
        folder = Path(name)
        film = footage.write(folder)
        for number in range(options.runs or RUNS):
            for viewers in options.audience:
                for topology in ("mesh", "janus"):
                    cells.append(await _measure(topology, viewers, number, options.seconds, film, folder))
                    _progress(cells[-1], as_json=options.json)
    if not options.json:
        _show(cells)
    if options.audience_plot is not None:
        plot.draw(cells, options.audience_plot)


async def _measure(
    topology: str, viewers: int, number: int, seconds: float, film: footage.Footage, folder: Path
) -> Cell:
    about: dict[str, Any] = {"topology": topology, "viewers": viewers, "run": number}
    try:
        async with _scene(topology, viewers, film, folder) as (audience, publisher, janus):
            await _until_seen(viewers, audience, publisher)
            await asyncio.sleep(min(WARM, seconds))
            first = await _look(audience, publisher, janus)
            await asyncio.sleep(seconds)
            last = await _look(audience, publisher, janus)
            notices = [await _ask(audience, "leave") for _ in range(min(LEAVES, viewers - 1))]
    except (TimeoutError, EOFError, AssertionError) as error:
        return Cell(**about, error=str(error) or "it did not start in time")
    return Cell(**about, **_difference(first, last), notice=_median(one["notice"] for one in notices))


@asynccontextmanager
async def _scene(
    topology: str, viewers: int, film: footage.Footage, folder: Path
) -> AsyncIterator[tuple[Program, Program, processes.Tree | None]]:
    """Have the viewers in a room, then the publisher; yield both, and the Janus between them if there is one."""
    async with AsyncExitStack() as stack:
        options: dict[str, Any] = {"capacity": viewers + 1, "join_rate": 0, "connections_per_address": 0}
        tree = None
        if topology == "janus":
            janus = await stack.enter_async_context(janus_server(admin_key=SECRET))
            options |= {"topology": "janus", "janus": (janus.url,), "janus_secret": SECRET}
            tree = processes.Tree(janus.pid)
        site = await stack.enter_async_context(SignalingServer(**options).listen())
        remb = 3 * BITRATE  # nobody is to hold the publisher back
        command = _module("audience", viewers, site.ws_url, USER, remb)
        audience = await stack.enter_async_context(program(*command, errors=folder / "audience.log", talks=True))
        await audience.line(START_LIMIT + START_LIMIT_EACH * viewers)
        command = _module("publisher", site.ws_url, ROOM, USER, BITRATE, film.video, film.audio)
        publisher = await stack.enter_async_context(program(*command, errors=folder / "publisher.log", talks=True))
        yield audience, publisher, tree


async def _until_seen(viewers: int, audience: Program, publisher: Program) -> None:
    """Return when every viewer has seen a few frames. Raises `TimeoutError` that says how many have, after a time."""
    deadline = time.monotonic() + START_LIMIT + START_LIMIT_EACH * viewers
    while True:
        seen = sum(one["frames"] >= FEW for one in (await _ask(audience, "count"))["viewers"])
        if seen == viewers:
            return
        if publisher.running.returncode is not None:
            raise EOFError(publisher.last_words())
        if time.monotonic() > deadline:
            raise TimeoutError(f"only {seen} of {viewers} viewers saw anything in time")
        await asyncio.sleep(0.2)


async def _look(audience: Program, publisher: Program, janus: processes.Tree | None) -> dict[str, Any]:
    return {
        "at": time.monotonic(),
        "publisher": publisher.tree.cpu(),
        "janus": 0.0 if janus is None else janus.cpu(),
        "busy": processes.busy(),
        "sent": (await publisher.ask(ANSWER_LIMIT))["sent"],
        "counts": await _ask(audience, "count"),
    }


def _difference(first: dict[str, Any], last: dict[str, Any]) -> dict[str, Any]:
    took = last["at"] - first["at"]
    before, after = first["counts"], last["counts"]
    pairs = zip(before["viewers"], after["viewers"], strict=True)
    frames = [(later["frames"] - earlier["frames"]) / (after["at"] - before["at"]) for earlier, later in pairs]
    cpu, janus, busy = ((last[who] - first[who]) / took for who in ("publisher", "janus", "busy"))
    return {
        "cpu": cpu,
        "janus": janus,
        "uplink": (last["sent"] - first["sent"]) * 8 / 1000 / took,
        "frames": percentile(frames, 0.5),
        "worst": min(frames),
        "others": max(busy - cpu - janus, 0.0),
    }


async def _ask(audience: Program, word: str) -> dict[str, Any]:
    assert audience.running.stdin is not None
    audience.running.stdin.write(f"{word}\n".encode())
    answer: dict[str, Any] = json.loads(await audience.line(ANSWER_LIMIT))
    return answer


def _median(notices: Iterable[float | None]) -> float | None:
    heard = [one * 1000 for one in notices if one is not None]
    return statistics.median(heard) if heard else None


def _module(name: str, *arguments: object) -> tuple[str, ...]:
    return (sys.executable, "-m", f"bench.watching.{name}", *map(str, arguments))


def _progress(cell: Cell, *, as_json: bool) -> None:
    if as_json:
        words = {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(cell).items()}
        print(json.dumps({"bench": "audience", **words, "full": cell.is_full}), flush=True)
    elif sys.stderr.isatty():
        print(f"  {cell.topology}, {cell.viewers} viewers: {cell.error or f'{cell.cpu:.3f}'}", file=sys.stderr)


def _show(cells: list[Cell]) -> None:
    table = Table(*COLUMNS, box=None, pad_edge=False)
    for cell in sorted(cells, key=lambda one: (one.viewers, one.topology, one.run)):
        table.add_row(str(cell.viewers), cell.topology, *_row(cell))
    console = Console(width=110, highlight=False, markup=False)
    console.print(f"one {footage.WIDTH}x{footage.HEIGHT} picture at {footage.FPS} fps and a tone, to so many viewers")
    console.print(table)
    console.print("publisher, Janus: CPU seconds per second; *: frames were lost; others: cores busy elsewhere")


def _row(cell: Cell) -> tuple[str, ...]:
    if cell.error:
        return (cell.error,)
    return (
        f"{cell.cpu:.3f}{'' if cell.is_full else '*'}",
        f"{cell.janus:.3f}" if cell.janus else "",
        f"{cell.uplink / 1000:.2f} Mbit/s",
        f"{cell.frames:.1f}",
        f"{cell.worst:.1f}",
        "" if cell.notice is None else f"{cell.notice:.1f} ms",
        f"{cell.others:.2f}",
    )


def _numbers(text: str) -> tuple[int, ...]:
    numbers = tuple(int(word) for word in text.split(","))
    if not all(0 < number <= MOST for number in numbers):
        raise argparse.ArgumentTypeError(f"from 1 to {MOST}")
    return numbers
