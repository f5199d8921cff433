"""A room with viewers that are pages of a headless Chromium, which tell what they present and when."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from bench.publishing.cells import CHROMIUM, CHROMIUM_FLAGS, ROOM, USER
from bench.publishing.programs import Program, module, program
from signaling.server import SignalingServer

PAGES = Path(__file__).parent
SIZE = "640x480"
BITRATE = 1_000_000  # bits per second
START_LIMIT = 25.0  # seconds for every viewer to show a picture, and for the pages to enter the room
WARM = 3.0  # seconds between that and the beginning of what is counted
TOLD = 1.0  # seconds after which the page has told everything


@dataclass(slots=True)
class Seen:
    """What the viewers told: for each the frames (when presented, time code or None; milliseconds), and totals."""

    frames: dict[int, list[tuple[float, int | None]]] = field(default_factory=dict)
    stats: dict[str, float] = field(default_factory=dict)
    began: float = 0.0  # milliseconds, of the Unix clock
    ended: float = 0.0


class Stage:
    """The server of the room and of the pages. `url` is its address."""

    def __init__(self) -> None:
        self._server = SignalingServer()
        self.seen = Seen()
        self._news = asyncio.Event()
        self.url = ""

    @asynccontextmanager
    async def open(self, host: str) -> AsyncIterator[None]:
        """Serve on a free port of this address until the block ends."""
        app = web.Application()
        app.add_routes([web.get(f"/{name}", self._page) for name in ("viewer", "pattern")])
        app.router.add_post("/seen", self._told)
        app.add_subapp("/rooms", self._server.app)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, 0).start()
            self.url = f"http://{host}:{runner.addresses[0][1]}"
            yield
        finally:
            await runner.cleanup()

    async def until_told(self) -> None:
        """Wait until the viewers' page tells something; its first word comes when all of them are in the room."""
        self._news.clear()
        async with asyncio.timeout(START_LIMIT):
            await self._news.wait()

    async def _page(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGES / f"{request.path[1:]}.html")

    async def _told(self, request: web.Request) -> web.Response:
        """Take in what the viewers' page says."""
        told: dict[str, Any] = await request.json()
        for viewer, now, code in told["frames"]:
            self.seen.frames.setdefault(viewer, []).append((now, code))
        self.seen.stats = told["stats"]
        self._news.set()
        return web.Response()


@asynccontextmanager
async def browser(address: str, folder: Path, name: str) -> AsyncIterator[Program]:
    """Show a page in a Chromium of its own."""
    flags = (*CHROMIUM_FLAGS, "--use-fake-device-for-media-stream", f"--user-data-dir={folder / name}")
    async with program(str(CHROMIUM), *flags, address, errors=folder / f"{name}.log") as running:
        yield running


def command(publisher: str, stage: Stage, codec: str) -> tuple[str, ...]:
    """Return the command of a publisher of the test pattern that is a Python program."""
    url = f"ws{stage.url[4:]}/rooms/ws"
    if publisher == "exeunt":
        return module("pub_exeunt", url, ROOM, USER, codec, BITRATE, SIZE)
    return module("pub_pattern", url)


async def watched(stage: Stage, viewers: int, seconds: float) -> Seen:
    """Return what so many viewers see in so many seconds, once all see something. Raises `TimeoutError`."""
    async with asyncio.timeout(START_LIMIT):
        while len(stage.seen.frames) < viewers:
            await stage.until_told()
    await asyncio.sleep(WARM)
    before, began = dict(stage.seen.stats), time.time() * 1000
    await asyncio.sleep(seconds)
    ended = time.time() * 1000
    await asyncio.sleep(TOLD)
    frames = {viewer: [one for one in shown if began <= one[0] <= ended] for viewer, shown in stage.seen.frames.items()}
    totals = {name: value - before.get(name, 0) for name, value in stage.seen.stats.items() if name != "width"}
    return Seen(frames, {**totals, "width": stage.seen.stats["width"]}, began, ended)
