"""An ordinary program that publishes with Exeunt, until it is told to end.

    python -m bench.publishing.pub_exeunt URL ROOM USER CODEC BITRATE VIDEO [AUDIO]

VIDEO is a file to be played in a loop, or the size of a test pattern without a tone: "640x480".
"""

import asyncio
import inspect
import re
import sys
from typing import Any

from peer import File, Peer, TestPattern


async def main(url: str, room: str, user: str, codec: str, bitrate: str, *media: str) -> None:
    """Publish until we are out."""
    async with Peer(url, room=room, user=user) as me:
        known = inspect.signature(me.publish).parameters
        asked: dict[str, Any] = {"codec": codec, "bitrate": int(bitrate)}
        options = {name: value for name, value in asked.items() if name in known}
        for name in media:
            if size := re.fullmatch(r"(\d+)x(\d+)", name):
                await me.publish(TestPattern(width=int(size[1]), height=int(size[2]), tone=0), **options)
            else:
                await me.publish(File(name, loop=True), **options)
        await me.wait_exited()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
