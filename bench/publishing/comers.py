"""Viewers that come and go: there are always as many, and every second the one who was here longest leaves.

    python -m bench.publishing.comers COUNT CODEC REMB ROOM_URL PUBLISHER

"inside" is the first line on stdout; after that each line on stdin is answered by one that says how many have come. The
end of stdin is the end.
"""

import asyncio
import itertools
import json
import sys
from collections import deque
from contextlib import suppress

import aiohttp

from bench.publishing.member import entered
from bench.publishing.viewer import Viewer, prepare

ROOM = "bench"
EVERY = 1.0  # seconds


async def watch(http: aiohttp.ClientSession, url: str, number: int, viewer: Viewer, publisher: str) -> None:
    """Be one viewer until cancelled."""
    try:
        async with entered(
            http, url, ROOM, f"viewer{number}", lambda user: viewer if user == publisher else None
        ) as member:
            feedback = asyncio.create_task(feed_back(viewer))
            try:
                await member.run()
            finally:
                feedback.cancel()
    finally:
        await viewer.pc.close()


async def feed_back(viewer: Viewer) -> None:
    """Tell the publisher how it goes, every second."""
    while True:
        await asyncio.sleep(EVERY)
        with suppress(IndexError):  # not connected yet
            await viewer.feed_back()


async def come_and_go(count: int, codec: str, remb: int, url: str, publisher: str) -> None:
    """Let them come and go until the end of standard input."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    came = itertools.count(1)
    here: deque[asyncio.Task[None]] = deque()
    number = 0

    async def answer() -> None:
        while await lines.readline():
            print(json.dumps({"came": number}), flush=True)

    answering = asyncio.create_task(answer())
    async with aiohttp.ClientSession() as http:
        while not answering.done():
            number = next(came)
            here.append(asyncio.create_task(watch(http, url, number, Viewer(codec, remb), publisher)))
            if len(here) > count:
                here.popleft().cancel()
            if number == count:
                print("inside", flush=True)
            await asyncio.sleep(EVERY)
        for task in here:
            task.cancel()
        await asyncio.wait(here)


if __name__ == "__main__":
    prepare()
    asyncio.run(come_and_go(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), *sys.argv[4:6]))
