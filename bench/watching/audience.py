"""The audience of one publisher, in a process of its own: members of a room who send nothing.

    python -m bench.watching.audience COUNT ROOM_URL PUBLISHER REMB

Media come as the room says: straight from the publisher, or by Janus. "inside" is the first line on stdout. After that
the line "count" on stdin is answered by what has come up to now, "leave" by what happened when the last of them left:
the seconds until all others of them had heard of it. The end of stdin is the end.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from bench.publishing.viewer import FEEDBACK_EVERY, Viewer, prepare
from bench.watching.subscriber import Subscriber
from signaling.messages import (
    Answer,
    Join,
    Joined,
    Leave,
    Message,
    NeedOffer,
    Offer,
    RemoteUserJoin,
    RemoteUserLeave,
    decode_server,
    encode,
)

ROOM = "audience"
ENTER_LIMIT, NOTICE_LIMIT = 20.0, 5.0  # seconds


class Spectator:
    """One of them. `heard` says whose leave it was told of, and when."""

    def __init__(self, name: str, publisher: str, remb: int) -> None:
        self.name = name
        self.viewer = Viewer("h264", remb)
        self.heard: dict[str, float] = {}
        self.news = asyncio.Event()
        self._publisher = publisher
        self._subscriber: Subscriber | None = None
        self._subscribing: asyncio.Task[None] | None = None

    async def enter(self, http: aiohttp.ClientSession, url: str) -> None:
        """Come into the room, before the publisher does."""
        self._socket = await http.ws_connect(url)
        await self._say(Join(room=ROOM, user=self.name))
        async with asyncio.timeout(ENTER_LIMIT):
            joined = decode_server((await self._socket.receive()).data)
        assert isinstance(joined, Joined), joined
        if joined.media is not None:
            self._subscriber = Subscriber(joined.media, joined.session)
            await self._subscriber.come_in()

    async def run(self) -> None:
        """Take what the publisher offers, until we are out."""
        async for frame in self._socket:
            await self._hear(decode_server(frame.data))

    async def leave(self) -> None:
        """Go, and watch no more."""
        await self._say(Leave())

    async def close(self) -> None:
        """End what there is with Janus."""
        if self._subscribing is not None:
            self._subscribing.cancel()
        if self._subscriber is not None:
            await self._subscriber.close()

    async def _hear(self, message: Message) -> None:
        match message:
            case Offer(user=user, call=call, sdp=sdp) if user == self._publisher:
                await self._say(Answer(user=user, call=call, sdp=await self.viewer.answer(sdp)))
            case RemoteUserJoin(user=user, session=session) if user == self._publisher and self._subscriber:
                watching = self._subscriber.watch(session, self.viewer)
                self._subscribing = asyncio.create_task(watching, name=f"{self.name} subscribes")
            case RemoteUserLeave(user=user):
                self.heard[user] = time.monotonic()
                self.news.set()
            case NeedOffer() | _:
                pass  # of other spectators

    async def _say(self, message: Message) -> None:
        await self._socket.send_str(encode(message).decode())


class Audience:
    """All of them."""

    def __init__(self, spectators: list[Spectator]) -> None:
        self._spectators = spectators

    async def feed_back(self) -> None:
        """Tell senders how it goes, each spectator at another time."""
        while True:
            began = time.monotonic()
            for number, one in enumerate(self._spectators):
                await asyncio.sleep(max(began + FEEDBACK_EVERY * number / len(self._spectators) - time.monotonic(), 0))
                await one.viewer.feed_back()
            await asyncio.sleep(max(began + FEEDBACK_EVERY - time.monotonic(), 0))

    def count(self) -> dict[str, object]:
        """Return what has come up to now."""
        videos = [one.viewer.streams["video"] for one in self._spectators]
        viewers = [{"frames": video.counter.whole, "bytes": video.bytes} for video in videos]
        return {"at": time.monotonic(), "cpu": time.process_time(), "viewers": viewers}

    async def lose_one(self) -> dict[str, object]:
        """Have one leave; return how long it took until all others had heard of it, None if one did not."""
        leaver = self._spectators.pop()
        began = time.monotonic()
        await leaver.leave()
        try:
            async with asyncio.timeout(NOTICE_LIMIT):
                for one in self._spectators:
                    while leaver.name not in one.heard:
                        one.news.clear()
                        await one.news.wait()
        except TimeoutError:
            return {"notice": None}
        return {"notice": max((one.heard[leaver.name] for one in self._spectators), default=began) - began}


@asynccontextmanager
async def inside(count: int, url: str, publisher: str, remb: int) -> AsyncIterator[Audience]:
    """Have so many in the room."""
    spectators = [Spectator(f"viewer{number}", publisher, remb) for number in range(count)]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        for one in spectators:
            await one.enter(http, url)
        running = [asyncio.create_task(one.run(), name=one.name) for one in spectators]
        try:
            yield Audience(list(spectators))
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*(one.close() for one in spectators))


async def main(count: int, url: str, publisher: str, remb: int) -> None:
    """Be there until the end of stdin."""
    prepare()
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with inside(count, url, publisher, remb) as audience:
        feeding = asyncio.create_task(audience.feed_back(), name="feed back")
        _print("inside")
        while line := (await lines.readline()).decode().strip():
            _print(await audience.lose_one() if line == "leave" else audience.count())
        feeding.cancel()
    os._exit(0)  # connections are not closed one by one


def _print(words: object) -> None:
    os.write(1, f"{json.dumps(words)}\n".encode())


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
