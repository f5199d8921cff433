"""`exeunt publish` as a user runs it, in a process of its own; what it prints as JSON lines is read back."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.devices.tools import process

ROOT = Path(__file__).parents[2]
LIMIT = 20.0  # seconds for a line, and for the end


class Publisher:
    """A running publisher; `lines` is everything that it has said."""

    def __init__(self, running: asyncio.subprocess.Process) -> None:
        self.running = running
        self.lines: list[dict[str, object]] = []

    async def until(self, kind: str) -> dict[str, object]:
        """Return the next line of this type, reading on until it comes."""
        assert self.running.stdout is not None
        async with asyncio.timeout(LIMIT):
            while text := await self.running.stdout.readline():
                line: dict[str, object] = json.loads(text)
                self.lines.append(line)
                if line["type"] == kind:
                    return line
        raise AssertionError(f"it ended before it said {kind}: {self.lines}")

    async def exited(self) -> dict[str, object]:
        """Return the exit event, which must be the last line, once the process has ended well."""
        line = await self.until("exitRoom")
        assert self.running.stdout is not None
        async with asyncio.timeout(LIMIT):
            assert await self.running.stdout.read() == b""
            assert await self.running.wait() == 0
        return line

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send the process a signal."""
        self.running.send_signal(number)

    def types(self) -> list[object]:
        """Return the types of everything it has said."""
        return [line["type"] for line in self.lines]


@asynccontextmanager
async def publishing(
    url: str, *options: str, environment: Mapping[str, str] | None = None, room: str = "lobby", user: str = "kiosk"
) -> AsyncIterator[Publisher]:
    """Run `exeunt publish URL ROOM --user USER OPTIONS --json` until the block ends."""
    command = (sys.executable, "-m", "peer.cli", "publish", url, room, "--user", user, "--json", *options)
    surroundings = {**(environment or os.environ), "PYTHONPATH": str(ROOT)}
    async with process(*command, environment=surroundings, stdout=asyncio.subprocess.PIPE) as running:
        yield Publisher(running)
