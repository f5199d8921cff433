"""Programs of a benchmark in processes of their own, which end with their block, as does all that they started."""

import asyncio
import compileall
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.publishing.processes import Tree

ROOT = Path(__file__).parents[2]
END_LIMIT = 5.0  # seconds for a process whose tree was ended to be gone
OURS = ("peer", "signaling", "bench")  # packages
PIPE, NOTHING = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
MOST = 1 << 20  # bytes of a line


class Program:
    """A running program that talks in lines. What it says on standard error is in the file `errors`."""

    def __init__(self, running: asyncio.subprocess.Process, errors: Path) -> None:
        self.running = running
        self.tree = Tree(running.pid)
        self._errors = errors

    async def line(self, limit: float) -> str:
        """Return its next line. Raises `TimeoutError` after so many seconds, `EOFError` if it has ended."""
        assert self.running.stdout is not None
        async with asyncio.timeout(limit):
            line = await self.running.stdout.readline()
        if not line:
            raise EOFError(self.last_words())
        return line.decode().strip()

    async def ask(self, limit: float) -> dict[str, Any]:
        """Send it an empty line; return the JSON line that is its answer."""
        assert self.running.stdin is not None
        self.running.stdin.write(b"\n")
        answer: dict[str, Any] = json.loads(await self.line(limit))
        return answer

    def last_words(self) -> str:
        """Return the last line of its standard error."""
        return last_line(self._errors) or "it ended without a word"


def compile_ahead() -> None:
    """Have our modules compiled, as those of an installed package are: else every start would compile them anew."""
    for package in OURS:
        compileall.compile_dir(ROOT / package, quiet=2)


@asynccontextmanager
async def program(*command: str, errors: Path, talks: bool = False) -> AsyncIterator[Program]:
    """Run a program until the block ends; one that `talks` has pipes for standard input and output.

    What it leaves lying about is where `errors` is.
    """
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(errors.parent)}
    pipes = PIPE if talks else NOTHING
    with errors.open("wb") as log:
        running = await asyncio.create_subprocess_exec(
            *command, env=surroundings, stdin=pipes, stdout=pipes, stderr=log, limit=MOST
        )
    started = Program(running, errors)
    try:
        yield started
    finally:
        if running.returncode is None:  # else its number may be another's
            await asyncio.to_thread(started.tree.end)
        async with asyncio.timeout(END_LIMIT):
            await running.wait()


def last_line(log: Path) -> str:
    """Return the last line of a file, empty if there is none."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")


def made(folder: Path) -> Path:
    """Make a folder and return it."""
    folder.mkdir()
    return folder


def module(name: str, *arguments: object, python: str = sys.executable) -> tuple[str, ...]:
    """Return the command that runs a program of this package."""
    return (python, "-m", f"bench.publishing.{name}", *map(str, arguments))
