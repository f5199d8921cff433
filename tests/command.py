"""Programs as users run them, each in a process of its own; what they print is read back."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.devices.tools import process

ROOT = Path(__file__).parents[1]
LIMIT = 60.0  # seconds for a line, and for the end


class Command:
    """A running program; `lines` are the JSON lines that were read, `errors` what it said on a piped standard error."""

    def __init__(self, running: asyncio.subprocess.Process) -> None:
        self.running = running
        self.lines: list[dict[str, object]] = []
        self.errors = ""

    async def line(self) -> str:
        """Return its next line."""
        assert self.running.stdout is not None
        async with asyncio.timeout(LIMIT):
            return (await self.running.stdout.readline()).decode().strip()

    async def until(self, kind: str) -> dict[str, object]:
        """Return its next JSON line of this type, reading on until it comes."""
        while text := await self.line():
            line: dict[str, object] = json.loads(text)
            self.lines.append(line)
            if line["type"] == kind:
                return line
        raise AssertionError(f"it ended before it said {kind}: {self.lines}")

    async def exited(self) -> dict[str, object]:
        """Return the exit event, which must be its last line, once it has ended well."""
        line = await self.until("exitRoom")
        assert await self.end() == (0, "")
        return line

    async def end(self) -> tuple[int, str]:
        """Return its status once it has ended, and what it still printed."""
        async with asyncio.timeout(LIMIT):
            out, errors = await self.running.communicate()
        assert self.running.returncode is not None
        self.errors = (errors or b"").decode()
        return self.running.returncode, out.decode()

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal."""
        self.running.send_signal(number)

    def types(self) -> list[object]:
        """Return the types of the JSON lines that were read."""
        return [line["type"] for line in self.lines]


@asynccontextmanager
async def python(
    *arguments: str, environment: Mapping[str, str] | None = None, **options: int
) -> AsyncIterator[Command]:
    """Run a Python program that can import this checkout, until the block ends."""
    surroundings = {**(environment or os.environ), "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    pipes = {"stdout": asyncio.subprocess.PIPE, **options}
    async with process(sys.executable, *arguments, environment=surroundings, **pipes) as running:
        yield Command(running)


@asynccontextmanager
async def exeunt(*arguments: str, environment: Mapping[str, str] | None = None) -> AsyncIterator[Command]:
    """Run the command `exeunt` until the block ends."""
    async with python("-m", "peer.cli", *arguments, environment=environment) as command:
        yield command
