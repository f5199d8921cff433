"""A supervisor as systemd is one: a datagram socket, whose name and patience are in a program's environment."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

LIMIT = 30.0  # seconds for any word


class Heard:
    """What a program says. `environment` is what it is to be started with, `named` what of it is about us."""

    def __init__(self, listening: socket.socket, named: Mapping[str, str]) -> None:
        self._socket = listening
        self.named, self.environment = named, {**os.environ, **named}
        self.words: list[str] = []

    async def next(self, limit: float = LIMIT) -> str:
        """Return the next word. Raises `TimeoutError`."""
        async with asyncio.timeout(limit):
            data = await asyncio.get_running_loop().sock_recv(self._socket, 4096)
        self.words.append(data.decode())
        return self.words[-1]

    async def until(self, begin: str) -> str:
        """Return the next word that contains this text, passing over others."""
        async with asyncio.timeout(LIMIT):
            while begin not in (word := await self.next()):
                pass
        return word

    async def is_silent(self, seconds: float) -> bool:
        """Whether no sign of life comes for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self.until("WATCHDOG=1")
        except TimeoutError:
            return True
        return False

    async def drain(self) -> None:
        """Take what is there already."""
        while True:
            try:
                self.words.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return


@asynccontextmanager
async def supervisor(folder: Path, *, watchdog: float, is_abstract: bool = False) -> AsyncIterator[Heard]:
    """Listen until the block ends; `watchdog` is in seconds."""
    path = f"{folder}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.setblocking(False)
        listening.bind("\0" + path if is_abstract else path)
        named = {"NOTIFY_SOCKET": f"@{path}" if is_abstract else path, "WATCHDOG_USEC": str(round(watchdog * 1e6))}
        yield Heard(listening, named)
