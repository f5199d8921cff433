"""An X screen that shows the time code: its frame buffer is a file, and what is written there is on the screen."""

import asyncio
import mmap
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from peer.capture import timecode
from tests.devices.tools import need, process

START_LIMIT = 15.0  # seconds
EVERY = 0.05  # seconds between two time codes
HEADER_SIZE, BYTES_PER_LINE, COLOURS = 0, 48, 76  # offsets in the header of an XWD file
COLOUR_SIZE = 12  # bytes of each colour map entry


@asynccontextmanager
async def screen_with_time_code(folder: Path, width: int = 640, height: int = 480) -> AsyncIterator[str]:
    """Run an X server whose screen shows the time of day; return the display's name."""
    arguments = ("-displayfd", "1", "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp", "-ac")
    server = need("Xvfb", "xvfb")
    async with process(server, *arguments, "-fbdir", str(folder), stdout=asyncio.subprocess.PIPE) as running:
        assert running.stdout is not None
        async with asyncio.timeout(START_LIMIT):
            display = (await running.stdout.readline()).decode().strip()
        drawing = asyncio.create_task(_draw(folder / "Xvfb_screen0", width, height))
        try:
            yield f":{display}"
        finally:
            drawing.cancel()
            await asyncio.wait({drawing})


async def _draw(path: Path, width: int, height: int) -> None:
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as buffer:
        header, stride, colours = (
            struct.unpack_from(">I", buffer, offset)[0] for offset in (HEADER_SIZE, BYTES_PER_LINE, COLOURS)
        )
        start = header + colours * COLOUR_SIZE
        luma = np.full((height, width), 96, dtype=np.uint8)
        while True:
            timecode.draw(luma, int(time.time() * 1000))
            rows = np.zeros((height, stride // 4, 4), dtype=np.uint8)
            rows[:, :width, :3] = luma[:, :, None]
            buffer[start : start + rows.nbytes] = rows.tobytes()
            await asyncio.sleep(EVERY)
