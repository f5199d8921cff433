"""How long the picture stands still behind a bad cable: 5 % loss and 30 ms, each way, between publisher and viewers.

The viewers are in a page of a headless Chromium, the publisher is in a network of its own behind the cable: Exeunt's
test pattern and aiortc's, in turns, for the same time. The picture stands still where no new frame is presented for 150
ms beyond its time.
"""

import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.publishing import figures
from bench.publishing.footage import FPS
from bench.publishing.programs import Program, last_line, made, module, program
from bench.publishing.stage import START_LIMIT, Seen, Stage, browser, command, watched

DELAY, LOSS = 30, 5  # milliseconds, percent
VIEWERS = 2
HOST = "10.78.0.1"  # this end of the cable
LOG = "publisher.log"
PUBLISHERS = ("exeunt", "aiortc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Freezes:
    """One publisher, watched once: means over the viewers, in seconds, and totals of all of them."""

    publisher: str
    run: int
    seconds: float
    frozen: float = float("nan")
    longest: float = float("nan")
    fps: float = 0.0
    freezes: float = 0.0  # seconds, as the browser counts them
    lost: float = 0.0  # packets that never came
    asked: float = 0.0  # requests for packets (NACK)
    error: str = ""


async def measure(publisher: str, run: int, codec: str, seconds: float, folder: Path) -> Freezes:
    """Watch one publisher for so long."""
    here = made(folder / f"loss-{publisher}-{run}")
    try:
        async with _stage(here, codec) as (stage, cable):
            behind = ("nsenter", f"--net=/proc/{cable.running.pid}/ns/net", *command(publisher, stage, codec))
            async with program(*behind, errors=here / LOG):
                return _figures(publisher, run, seconds, await watched(stage, VIEWERS, seconds))
    except (TimeoutError, EOFError) as error:
        return Freezes(
            publisher=publisher,
            run=run,
            seconds=seconds,
            error=str(error) or f"no picture in time {last_line(here / LOG)}",
        )


def _figures(publisher: str, run: int, seconds: float, seen: Seen) -> Freezes:
    moments = [[now / 1000 for now, _ in shown] for shown in seen.frames.values()]
    began, ended = seen.began / 1000, seen.ended / 1000
    gaps = [b - a for shown in moments for a, b in zip([began, *shown], [*shown, ended], strict=True)]
    return Freezes(
        publisher=publisher,
        run=run,
        seconds=seconds,
        frozen=statistics.mean(figures.frozen(shown, began, ended, 1 / FPS) for shown in moments),
        longest=max(gaps),
        fps=sum(map(len, moments)) / VIEWERS / seconds,
        freezes=seen.stats["freezes"] / VIEWERS,
        lost=seen.stats["lost"],
        asked=seen.stats["asked"],
    )


@asynccontextmanager
async def _stage(folder: Path, codec: str) -> AsyncIterator[tuple[Stage, Program]]:
    """Have viewers in a room, and a cable to where the publisher will be."""
    stage = Stage()
    async with program(*module("wire", DELAY, LOSS), errors=folder / "wire.log", talks=True) as cable:
        await cable.line(START_LIMIT)
        async with (
            stage.open(HOST),
            browser(f"{stage.url}/viewer?count={VIEWERS}&codec={codec}", folder, "viewer"),
        ):
            await stage.until_told()
            yield stage, cable
