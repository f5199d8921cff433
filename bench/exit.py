"""From the wish to leave, or from a death, to what the others and the system know of it.

The server, the leaver and the others are processes of their own, which read one clock. Of the others at most eight are
real peers, to whom the leaver's pictures flow (160x90 at 10 per second); the rest are in the room without media: two
cores hold no mesh of 32. Then the same causes with aiortc alone, as far as it has an answer.
"""

import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.cable import Cable
from tests.command import Command, exeunt, python
from tests.devices.v4l2 import FakeCamera
from tests.exits.leaver import Leaver, is_free, leaver

LIMIT = 45.0  # seconds for anything that is waited for; aiortc needs 30 for a death
PLAIN_LIMIT = 10.0  # seconds after which aiortc counts as hanging
MOST_PEERS = 8  # of the others have media
GRACE, HEARTBEAT = 1.0, 0.4  # seconds, of the room whose cable is cut
HUNG = "> "
PIPE = asyncio.subprocess.PIPE

Figures = dict[str, list[float]]  # what was measured → seconds


async def run(*, runs: int, as_json: bool) -> None:
    """Measure everything and print it."""
    with tempfile.TemporaryDirectory() as folder:
        camera = FakeCamera(Path(folder), size="320x240")
        rooms = {size: await leaves(size, samples=10 * runs if size < 32 else 4 * runs) for size in (2, 9, 32)}
        deaths = {
            "SIGKILL -> last notice (crashed)": await kills(2 * runs),
            **await cuts(max(2, runs // 2)),
            "stalled camera -> released, thread": await stalled(camera, "stall 0", "thread", runs),
            "frozen driver -> released, process": await stalled(camera, "freeze 0", "process", runs),
            "blocked loop, SIGTERM -> released": await blocked(camera, max(2, runs // 2)),
        }
        plain = await aiortc_alone(camera)
    _print(rooms, deaths, plain, as_json=as_json)


# -- Exeunt --


class Others(Command):
    """The program of `others.py`; `said` is what it has printed."""

    said: list[dict[str, Any]]

    async def until_all(self, what: str, count: int, since: float = 0.0) -> list[float]:
        """Return when this many different users said this, each the first time since then."""
        while True:
            first: dict[str, float] = {}
            for line in self.said:
                if line["what"] == what and line["at"] >= since:
                    first.setdefault(line["user"], line["at"])
            if len(first) >= count:
                return list(first.values())
            async with asyncio.timeout(LIMIT):
                self.said.append(json.loads(await self.line()))


@asynccontextmanager
async def room(others: int, *options: str) -> AsyncIterator[tuple[str, Others, int]]:
    """Serve a room with these others in it; yield its address, them, and how many of them have media."""
    peers = min(others, MOST_PEERS)
    async with exeunt("serve", "--port", "0", "--json", *options) as server:
        url = str((await server.until("join"))["text"])
        numbers = (str(peers), str(others - peers))
        async with python("-m", "bench.exits.others", url, *numbers) as program:
            they = Others(program.running)
            they.said = []
            await they.until_all("in", others)
            yield url, they, peers


async def enter(ana: Leaver, url: str, they: Others, peers: int, **facts: object) -> None:
    """Let the leaver in; return when everybody with media sees it."""
    since = time.monotonic()
    ana.tell("enter", url=url, room="bench", **facts)
    await ana.until("entered")
    ana.tell("publish")
    await ana.until("published")
    await they.until_all("sees", peers, since)


async def leaves(size: int, samples: int) -> Figures:
    """Leave a room of this size again and again."""
    notice, released, out = [], [], []
    async with room(size - 1, "--capacity", "64") as (url, they, peers), leaver(os.environ) as ana:
        for _ in range(samples):
            await enter(ana, url, they, peers)
            ana.tell("cause", cause="leave")
            line = await ana.until("event", "exitRoom")
            began = (await ana.until("begins"))["at"]
            notice.append(max(await they.until_all("leave", size - 1, began)) - began)
            steps = line["event"]["report"]["steps"]
            released.append(steps[1]["began"] + steps[1]["took"])
            out.append(line["at"] - began)
            ana.tell("go")
            ana.tell("over")
            await ana.until("over")
    return {"leave -> last notice": notice, "leave -> devices released": released, "leave -> onExitRoom": out}


async def kills(samples: int) -> list[float]:
    """Kill the leaver's process."""
    known = []
    async with room(8) as (url, they, peers):
        for _ in range(samples):
            async with leaver(os.environ) as ana:
                await enter(ana, url, they, peers)
                began = time.monotonic()
                ana.running.kill()
                known.append(max(await they.until_all("leave", 8, began)) - began)
    return known


async def cuts(samples: int) -> Figures:
    """Cut the leaver's cable to the server, silently: what it says gets lost, and nothing breaks."""
    unreachable, gone = [], []
    options = ("--grace", str(GRACE), "--heartbeat", str(HEARTBEAT))
    async with room(8, *options) as (url, they, peers):
        for _ in range(samples):
            async with Cable(url.replace("ws", "http", 1)).laid() as cable, leaver(os.environ) as ana:
                await enter(ana, f"ws{cable.url[4:]}/ws", they, peers)
                began = time.monotonic()
                cable.swallow()
                unreachable.append(max(await they.until_all("unreachable", 8, began)) - began)
                gone.append(max(await they.until_all("leave", 8, began)) - began)
    return {"cable cut -> unreachable": unreachable, "cable cut -> gone": gone}


async def stalled(camera: FakeCamera, command: str, isolation: str, samples: int) -> list[float]:
    """Leave while the camera gives nothing more."""
    took = []
    async with room(1) as (url, they, peers), leaver(camera.environment) as ana:
        for _ in range(samples):
            camera.command("")
            facts = {"camera": str(camera.path), "capture": {"isolation": isolation}, "reopen": False}
            await enter(ana, url, they, peers, **facts)
            camera.command(command)
            await asyncio.sleep(0.2)  # six pictures that do not come
            ana.tell("cause", cause="leave")
            exited = (await ana.until("event", "exitRoom"))["event"]
            took.append(exited["report"]["devices"][0]["took"])
            camera.command("")
            ana.tell("go")
            ana.tell("over")
            await ana.until("over")
    return took


async def blocked(camera: FakeCamera, samples: int) -> list[float]:
    """Send SIGTERM to a process whose event loop is blocked for good."""
    took = []
    async with room(1) as (url, they, peers):
        for _ in range(samples):
            async with leaver(camera.environment, keeps_errors=True) as ana:
                await enter(ana, url, they, peers, camera=str(camera.path))
                ana.tell("cause", cause="loop blocked in Python")
                await ana.until("blocking")
                began = time.monotonic()
                ana.running.send_signal(signal.SIGTERM)
                took.append(await _until_true(lambda: is_free(camera.path), began, LIMIT))
    return took


# -- aiortc alone --


async def aiortc_alone(camera: FakeCamera) -> dict[str, str]:
    """Return what aiortc alone needs for the same, in words."""
    return {
        "close() -> the other side knows": await plain(camera, _close, known=True),
        "close() -> camera released": await plain(camera, _close),
        "SIGKILL -> the other side knows": await plain(camera, _kill, known=True),
        "stalled camera, close() -> released": await plain(camera, _close, command="stall 0"),
        "blocked loop, SIGTERM -> released": await plain(camera, _block),
    }


async def plain(
    camera: FakeCamera, act: Callable[[Command], None], *, known: bool = False, command: str | None = None
) -> str:
    """Let a publisher and a viewer call each other, then do something to the publisher; say how long it took."""
    camera.command("")
    async with AsyncExitStack() as stack:
        program = ("-m", "bench.exits.plain")
        publisher = await stack.enter_async_context(
            python(*program, "publisher", str(camera.path), environment=camera.environment, stdin=PIPE)
        )
        viewer = await stack.enter_async_context(python(*program, "viewer", stdin=PIPE))
        _tell(viewer, type="offer", sdp=(await _until(publisher, "offer"))["sdp"])
        _tell(publisher, type="answer", sdp=(await _until(viewer, "answer"))["sdp"])
        await _until(viewer, "sees")
        if command is not None:
            camera.command(command)
            await asyncio.sleep(0.2)  # six pictures that do not come
        began = time.monotonic()
        act(publisher)
        if known:
            line = await _until(viewer, "state", state="closed")
            took = line["at"] - began
        else:
            took = await _until_true(lambda: is_free(camera.path), began, PLAIN_LIMIT)
        if publisher.running.returncode is None:
            publisher.running.kill()
        camera.command("")
    return f"{HUNG}{PLAIN_LIMIT:g} s" if took >= PLAIN_LIMIT and not known else _seconds(took)


def _close(publisher: Command) -> None:
    _tell(publisher, do="close")


def _kill(publisher: Command) -> None:
    publisher.running.kill()


def _block(publisher: Command) -> None:
    _tell(publisher, do="block")
    publisher.signal(signal.SIGTERM)


def _tell(program: Command, **words: object) -> None:
    assert program.running.stdin is not None
    program.running.stdin.write(f"{json.dumps(words)}\n".encode())


async def _until(program: Command, what: str, **facts: object) -> dict[str, Any]:
    async with asyncio.timeout(LIMIT):
        while True:
            assert program.running.stdout is not None
            line: dict[str, Any] = json.loads(await program.running.stdout.readline())
            if line["what"] == what and facts.items() <= line.items():
                return line


async def _until_true(condition: Callable[[], bool], began: float, limit: float) -> float:
    """Return how long it took until a condition held, or the limit."""
    while not condition() and time.monotonic() - began < limit:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.002)
    return time.monotonic() - began


def _print(rooms: dict[int, Figures], deaths: Figures, plain: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        words = {"rooms": rooms, "deaths": deaths, "aiortc": plain}
        print(json.dumps({"bench": "exit", **words}))
        return
    console = Console(width=80, highlight=False)
    table = Table("", "others", "samples", "p50", "p99", box=None, pad_edge=False, title="Exeunt", title_justify="left")
    for size, figures in rooms.items():
        for name, values in figures.items():
            table.add_row(name, str(size - 1), *_row(values))
    for name, values in deaths.items():
        table.add_row(name, "1" if "released" in name else "8", *_row(values))
    console.print(table)
    console.print(f"of more than {MOST_PEERS} others, {MOST_PEERS} have media")
    console.print(f"cable cut: heartbeat {HEARTBEAT:g} s, grace {GRACE:g} s")
    alone = Table("", "took", box=None, pad_edge=False, title="aiortc alone, one viewer", title_justify="left")
    for name, took in plain.items():
        alone.add_row(name, took)
    console.print(alone)


def _row(values: list[float]) -> tuple[str, str, str]:
    ordered = sorted(values)
    high = ordered[min(len(ordered) - 1, round(0.99 * (len(ordered) - 1)))]
    return str(len(values)), _seconds(statistics.median(values)), _seconds(high)


def _seconds(value: float) -> str:
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.1f} s"


if __name__ == "__main__":
    asyncio.run(run(runs=int(sys.argv[1]) if len(sys.argv) > 1 else 1, as_json=False))
