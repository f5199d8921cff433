"""An X screen without a graphics card, for tests: `async with screen() as display: Screen(display)`."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.devices.tools import need, process

START_LIMIT = 15.0  # seconds


@asynccontextmanager
async def screen(
    width: int = 1280, height: int = 720, *, moving: bool = True, resets: bool = False
) -> AsyncIterator[str]:
    """Run an X server on a free display and return its name (":1").

    With `moving`, a clock ticks on it; with `resets`, it begins anew whenever its last client goes, as servers do.
    """
    server = need("Xvfb", "xvfb")
    arguments = (
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
    async with process(server, *arguments, stdout=asyncio.subprocess.PIPE) as running:
        assert running.stdout is not None
        async with asyncio.timeout(START_LIMIT):
            display = f":{(await running.stdout.readline()).decode().strip()}"
        if not moving:
            yield display
            return
        async with _clock(display, width, height):
            yield display


@asynccontextmanager
async def _clock(display: str, width: int, height: int) -> AsyncIterator[None]:
    clock = need("xclock", "x11-apps")
    size = min(width, height)
    arguments = ("-update", "1", "-geometry", f"{size}x{size}+0+0")
    async with process(clock, *arguments, environment={**os.environ, "DISPLAY": display}):
        yield
