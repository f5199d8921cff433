"""An X screen without a graphics card, for tests: `async with screen() as display: Screen(display)`."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.devices.tools import need, process

START_LIMIT = 30.0  # seconds
# Test runs in network namespaces of their own do not see each other's abstract sockets: left to choose, servers would
# take the same number and, with it, each other's path in /tmp.
FIRST = 1000
_count = itertools.count()


@asynccontextmanager
async def screen(
    width: int = 1280, height: int = 720, *, moving: bool = True, resets: bool = False
) -> AsyncIterator[str]:
    """Run an X server on a free display and return its name (":1").

    With `moving`, a clock ticks on it; with `resets`, it begins anew whenever its last client goes, as servers do.
    """
    async with server(width, height, resets=resets) as (display, _):
        if not moving:
            yield display
            return
        async with _clock(display, width, height):
            yield display


@asynccontextmanager
async def server(
    width: int, height: int, *, resets: bool = False
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Run an X server on a free display; return the name of that and the server's process."""
    program = need("Xvfb", "xvfb")
    arguments = (
        f":{FIRST + (os.getpid() * 8 + next(_count) % 8) % 30_000}",
        "-displayfd",
        "1",
        "-screen",
        "0",
        f"{width}x{height}x24",
        "-nolisten",
        "tcp",
        "-ac",
        *(() if resets else ("-noreset",)),
    )
    async with process(program, *arguments, stdout=asyncio.subprocess.PIPE) as running:
        assert running.stdout is not None
        async with asyncio.timeout(START_LIMIT):
            display = f":{(await running.stdout.readline()).decode().strip()}"
        yield display, running


@asynccontextmanager
async def _clock(display: str, width: int, height: int) -> AsyncIterator[None]:
    clock = need("xclock", "x11-apps")
    size = min(width, height)
    arguments = ("-update", "1", "-geometry", f"{size}x{size}+0+0")
    async with process(clock, *arguments, environment={**os.environ, "DISPLAY": display}):
        yield
