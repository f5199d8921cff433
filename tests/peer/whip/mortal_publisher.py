"""A publisher that is to be killed: `python -m tests.peer.whip.mortal_publisher URL`."""

import asyncio
import sys

from peer import TestPattern
from peer.whip import WhipPublisher


async def main(url: str) -> None:
    """Publish until somebody ends this process."""
    async with WhipPublisher(url) as me:
        await me.publish(TestPattern(width=320, height=180, fps=10))
        await me.wait_exited()


asyncio.run(main(sys.argv[1]))
