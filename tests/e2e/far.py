"""A program that publishes a test pattern, `far.py URL`, and for each line on stdin says what it sends to whom."""

import asyncio
import json
import sys
from dataclasses import asdict

from peer import Peer, TestPattern

PATTERN = TestPattern(width=640, height=360, fps=25)


def say(value: object) -> None:
    print(json.dumps(value), flush=True)


async def main(url: str) -> None:
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with Peer(url, room="lobby", user="kiosk") as me:
        await me.publish(PATTERN)
        say("publishes")
        while await lines.readline():
            say([asdict(stats) for stats in me.stats()])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
