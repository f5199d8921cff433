"""The viewers of one publisher, in a process of their own.

    python -m bench.publishing.viewers COUNT CODEC REMB [ROOM_URL PUBLISHER]

With a room's address they are members of it. Without one they answer offers at `http://127.0.0.1:PORT/offer`, where the
page of a browser that publishes is served as well. The address, or "inside", is the first line on stdout; after that
each line on stdin is answered by one with what has come up to now. The end of stdin is the end.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp
from aiohttp import web

from bench.publishing.member import entered
from bench.publishing.viewer import FEEDBACK_EVERY, Viewer, prepare

ROOM = "bench"
PAGE = Path(__file__).with_name("publisher.html")


class Viewers:
    """All viewers; one whose publisher calls again begins anew."""

    def __init__(self, count: int, codec: str, remb: int) -> None:
        self._viewers = [Viewer(codec, remb) for _ in range(count)]
        self._renew = partial(Viewer, codec, remb)
        self._used: set[int] = set()
        self.said: list[str] = []

    def connect(self, number: int, publisher: str, user: str) -> Viewer | None:
        """Return a viewer for a call with the publisher, and none for anybody else."""
        if user != publisher:
            return None
        if number in self._used:
            self._viewers[number] = self._renew()
        self._used.add(number)
        return self._viewers[number]

    async def offered(self, request: web.Request) -> web.Response:
        """Answer an offer that came by HTTP: the next viewer takes it."""
        viewer = self._viewers[len(self._used)]
        self._used.add(len(self._used))
        return web.Response(text=await viewer.answer(await request.text()), content_type="application/sdp")

    async def heard(self, request: web.Request) -> web.Response:
        """Keep what a publisher says of itself."""
        self.said.append(await request.text())
        return web.Response()

    async def feed_back(self) -> None:
        """Tell the publisher how it goes, each viewer at another time."""
        while True:
            began = time.monotonic()
            for number, viewer in enumerate(self._viewers):
                await asyncio.sleep(max(began + FEEDBACK_EVERY * number / len(self._viewers) - time.monotonic(), 0))
                await viewer.feed_back()
            await asyncio.sleep(max(began + FEEDBACK_EVERY - time.monotonic(), 0))

    def counts(self) -> dict[str, object]:
        """Return what has come up to now."""
        return {
            "at": time.monotonic(),
            "cpu": time.process_time(),
            "said": self.said[-1:],
            "viewers": [_count(viewer) for viewer in self._viewers],
        }


def _count(viewer: Viewer) -> dict[str, float | None]:
    audio, video = viewer.streams["audio"], viewer.streams["video"]
    return {
        "frames": video.counter.whole,
        "packets": video.counter.received,
        "lost": video.counter.expected - video.counter.received,
        "bytes": video.bytes,
        "audio": audio.counter.received,
        "first": viewer.first_frame,
    }


@asynccontextmanager
async def in_room(viewers: Viewers, count: int, url: str, publisher: str) -> AsyncIterator[str]:
    """Let all of them into the room."""
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        listening = []
        for number in range(count):
            connect = partial(viewers.connect, number, publisher)
            member = await stack.enter_async_context(entered(http, url, ROOM, f"viewer{number}", connect))
            listening.append(group.create_task(member.run()))
        try:
            yield "inside"
        finally:
            for task in listening:
                task.cancel()


@asynccontextmanager
async def by_offers(viewers: Viewers) -> AsyncIterator[str]:
    """Answer whoever offers, and serve the page of a browser that does."""

    async def page(_: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE)

    app = web.Application()
    routes = (web.get("/", page), web.post("/offer", viewers.offered), web.post("/said", viewers.heard))
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def main(count: int, codec: str, remb: int, url: str = "", publisher: str = "") -> None:
    """Be there until the end of stdin."""
    prepare()
    viewers = Viewers(count, codec, remb)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with in_room(viewers, count, url, publisher) if url else by_offers(viewers) as address:
        feeding = asyncio.create_task(viewers.feed_back())
        _print(address)
        while await lines.readline():
            _print(viewers.counts())
        feeding.cancel()
    os._exit(0)  # connections are not closed one by one: the publisher has gone before


def _print(words: object) -> None:
    os.write(1, f"{json.dumps(words)}\n".encode())


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), *sys.argv[4:]))
