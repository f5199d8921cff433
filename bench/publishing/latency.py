"""Glass to glass: from the time code that is drawn into a picture to the page that presents it.

One viewer, a page of a headless Chromium; the publisher is another process on the same machine and takes turns with
the others: Exeunt's test pattern, a canvas of another headless Chromium, and a track of one's own with aiortc. Without
sound, which would have the browser hold back pictures for its sake.
"""

import statistics
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.publishing import figures
from bench.publishing.programs import Program, last_line, made, program
from bench.publishing.stage import Stage, browser, command, watched

LOG = "publisher.log"
PUBLISHERS = ("exeunt", "chromium", "aiortc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """One publisher, watched once; milliseconds."""

    publisher: str
    run: int
    median: float = float("nan")
    p95: float = float("nan")
    fps: float = 0.0
    width: float = 0.0  # of the picture that came
    error: str = ""


async def measure(publisher: str, run: int, codec: str, seconds: float, folder: Path) -> Delays:
    """Watch one publisher for so long."""
    here = made(folder / f"latency-{publisher}-{run}")
    try:
        async with _stage(here, codec) as stage, _publisher(publisher, stage, codec, here):
            seen = await watched(stage, 1, seconds)
    except TimeoutError:
        return Delays(publisher=publisher, run=run, error=f"no picture in time {last_line(here / LOG)}")
    frames = [frame for shown in seen.frames.values() for frame in shown]
    delays = [figures.delay(now, code) for now, code in frames if code is not None]
    if not delays:
        return Delays(publisher=publisher, run=run, error="no time code in the picture")
    return Delays(
        publisher=publisher,
        run=run,
        median=statistics.median(delays),
        p95=figures.percentile(delays, 0.95),
        fps=len(frames) / seconds,
        width=seen.stats["width"],
    )


@asynccontextmanager
async def _stage(folder: Path, codec: str) -> AsyncIterator[Stage]:
    """Have a viewer in a room."""
    stage = Stage()
    async with stage.open("127.0.0.1"), browser(f"{stage.url}/viewer?count=1&codec={codec}", folder, "viewer"):
        await stage.until_told()
        yield stage


def _publisher(name: str, stage: Stage, codec: str, folder: Path) -> AbstractAsyncContextManager[Program]:
    if name == "chromium":
        return browser(f"{stage.url}/pattern", folder, "pattern")
    return program(*command(name, stage, codec), errors=folder / LOG)
