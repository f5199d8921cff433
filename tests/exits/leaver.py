"""The far side of `subject.py`: tells the leaver what to do, and hears what becomes of it."""

import asyncio
import fcntl
import json
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from tests.devices.tools import process

SUBJECT = Path(__file__).with_name("subject.py")
ROOT = Path(__file__).parents[2]
LIMIT = 30.0  # seconds for a line


class Leaver:
    """A running subject; `lines` are those of the stay that is played."""

    def __init__(self, running: asyncio.subprocess.Process) -> None:
        self.running = running
        self.lines: list[dict[str, Any]] = []

    def tell(self, order: str, **facts: object) -> None:
        """Send it a command."""
        if order == "enter":
            self.lines.clear()
        assert self.running.stdin is not None
        self.running.stdin.write(json.dumps({"do": order, **facts}).encode() + b"\n")

    async def until(self, kind: str, event: str | None = None) -> dict[str, Any]:
        """Return its first line of this kind (and event), whether it has come or will."""
        while True:
            for line in self.lines:
                if line["is"] == kind and event in (None, line.get("event", {}).get("type")):
                    return line
            await self._read()

    def give_up(self) -> None:
        """Make an end of a stay that went wrong, for the sake of the next."""
        self.tell("cause", cause="leave")
        self.tell("go")
        self.tell("over")

    async def ended(self) -> int:
        """Return its exit code once it has ended."""
        async with asyncio.timeout(LIMIT):
            return await self.running.wait()

    def events(self) -> list[str]:
        """Return what its user was told, in a few words each."""
        return [_word(line["event"]) for line in self.lines if line["is"] == "event"]

    async def _read(self) -> None:
        assert self.running.stdout is not None
        async with asyncio.timeout(LIMIT):
            text = await self.running.stdout.readline()
        if not text:
            raise AssertionError(f"it ended with {await self.running.wait()}: {self.lines}")
        line = json.loads(text)
        if line["is"] == "entering":
            self.lines.clear()  # what is before it is of another stay
        self.lines.append(line)


@asynccontextmanager
async def leaver(
    environment: Mapping[str, str], *, keeps_errors: bool = False, launcher: tuple[str, ...] = ()
) -> AsyncIterator[Leaver]:
    """Run a subject until the block ends; `launcher` is a command that starts it."""
    surroundings = {**environment, "PYTHONPATH": str(ROOT)}
    pipes = {
        "stdin": asyncio.subprocess.PIPE,
        "stdout": asyncio.subprocess.PIPE,
        "stderr": asyncio.subprocess.PIPE if keeps_errors else None,
    }
    async with process(*launcher, sys.executable, str(SUBJECT), environment=surroundings, **pipes) as running:
        subject = Leaver(running)
        await subject.until("ready")
        yield subject


def is_free(camera: Path) -> bool:
    """Whether another process can have the camera: its driver lends it to one at a time, by this lock."""
    with camera.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        fcntl.flock(file, fcntl.LOCK_UN)
    return True


@contextmanager
def held(camera: Path) -> Iterator[None]:
    """Have the camera, as another process that streams from it does."""
    with camera.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _word(event: dict[str, object]) -> str:
    words = [str(event["type"])]
    if "session" in event:
        words.append(str(event["user"]))
    if "reason" in event:
        words.append(str(event["reason"]))
    return " ".join(words)
