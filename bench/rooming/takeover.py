"""How long a room rests after the node that runs it was killed: three nodes, a user at each, real clients."""

import asyncio
import contextlib
import os
import signal
import statistics
import time
from collections.abc import Callable
from itertools import count

from bench.rooming.servers import OURS, serving
from tests.signaling.cluster.servers import User

LIMIT = 20.0  # seconds for the room to go on
LOOK = 0.01  # seconds between two looks


async def measure() -> dict[str, float]:
    """Kill the owner of a room; return after how many seconds the room goes on, and its user is back elsewhere."""
    async with serving(OURS, 3) as nodes, contextlib.AsyncExitStack() as stack:
        users = [User(name, url.replace("http", "ws")) for name, url in zip("abc", nodes.urls, strict=True)]
        for user in users:
            await stack.enter_async_context(user.inside())
        first, second, third = users
        await _until(lambda: all(len(user.others) == 2 for user in users))
        first.client.url = second.client.url  # as a balancer would have it
        os.kill(nodes.pids[0], signal.SIGKILL)
        began = time.monotonic()
        await _until(lambda: "Update b" in third.events, second.note)
        goes_on = time.monotonic() - began
        await _until(lambda: "Back a" in third.events)
        return {"goes_on": goes_on, "is_back": time.monotonic() - began}


def sentence(runs: list[dict[str, float]]) -> str:
    """Say what was measured."""

    def span(name: str) -> str:
        values = [run[name] for run in runs]
        return f"{statistics.median(values):.2f} s ({min(values):.2f} to {max(values):.2f})"

    return (
        f"three nodes, the owner of a room killed, {len(runs)} runs: what is said in the room is heard again after "
        f"{span('goes_on')}, the killed node's user is back after {span('is_back')}"
    )


async def _until(condition: Callable[[], bool], meanwhile: Callable[[int], None] = lambda _: None) -> None:
    async with asyncio.timeout(LIMIT):
        for look in count():  # what happens in other processes sets no event here
            if condition():
                return
            meanwhile(look)
            await asyncio.sleep(LOOK)
