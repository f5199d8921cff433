"""A camera without a kernel driver, for tests: a preloaded library (fakev4l2.c) makes a file behave as V4L2.

    camera = FakeCamera(tmp_path)
    async with child(SCRIPT, camera.environment) as lines:      # a Python program that prints JSON lines
        opened = await lines.next("opened")
        camera.command("unplug")
        ended = await lines.next("ended")

The library takes effect at the start of a process, hence the child. Browsers' tests start the whole peer that way.
"""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.devices.tools import need, process

SOURCE = Path(__file__).with_name("fakev4l2.c")
ROOT = Path(__file__).parents[2]
BUILD_LIMIT = 60.0  # seconds
LINE_LIMIT = 20.0  # seconds


def library() -> Path:
    """Return the preloadable library, built once per version of its source."""
    compiler = need("gcc", "gcc")
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    built = Path(tempfile.gettempdir()) / f"exeunt-fakev4l2-{os.getuid()}-{digest}.so"
    if not built.exists():
        fresh = built.with_suffix(f".{os.getpid()}")
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(fresh), str(SOURCE), "-ldl", "-lpthread"]
        subprocess.run(command, check=True, timeout=BUILD_LIMIT)
        fresh.replace(built)  # several test runs may build it at the same time
    return built


class FakeCamera:
    """A file that is a camera for programs started with `environment`."""

    def __init__(
        self, folder: Path, *, size: str = "640x480", jpeg: Path | None = None, h264: Path | None = None
    ) -> None:
        self.path = folder / "video0"
        self.path.touch()
        fake = {"FAKEV4L2_DEVICES": str(self.path), "FAKEV4L2_SIZE": size, "LD_PRELOAD": str(library())}
        coded = {"FAKEV4L2_JPEG": jpeg, "FAKEV4L2_H264": h264}
        fake |= {name: str(path) for name, path in coded.items() if path is not None}
        self.environment = {**os.environ, **fake}

    def command(self, text: str) -> None:
        """Let the camera do as `text` says: "stall 10", "freeze 10", "unplug", "error", "deny", "hang"; "" ends it."""
        fresh = os.open(self.path, os.O_WRONLY)
        try:  # the text in one write, so that the camera never sees half a command
            os.pwrite(fresh, text.encode().ljust(32, b"\0"), 0)
        finally:
            os.close(fresh)

    @property
    def is_hanging(self) -> bool:
        """Whether somebody is in an open() that does not return."""
        return self.path.read_bytes()[16:21] == b"hangs"


class Lines:
    """The JSON lines that a child prints, each with an "event"."""

    def __init__(self, running: asyncio.subprocess.Process) -> None:
        self.running = running

    async def next(self, event: str) -> dict[str, object]:
        """Return the next line of that event, passing over others. Fails if the child ends before."""
        assert self.running.stdout is not None
        async with asyncio.timeout(LINE_LIMIT):
            while line := await self.running.stdout.readline():
                said: dict[str, object] = json.loads(line)
                if said.get("event") == event:
                    return said
            await self.running.wait()
        raise AssertionError(f"the child ended with {self.running.returncode} before it said {event!r}")

    async def ended(self) -> int:
        """Close the child's input and return its exit code: -11 is a crash by memory that is gone."""
        assert self.running.stdin is not None
        self.running.stdin.close()
        async with asyncio.timeout(LINE_LIMIT):
            await self.running.communicate()
        assert self.running.returncode is not None
        return self.running.returncode

    async def say(self, text: str) -> None:
        """Send the child a line."""
        assert self.running.stdin is not None
        self.running.stdin.write(f"{text}\n".encode())
        await self.running.stdin.drain()


@asynccontextmanager
async def child(script: Path, environment: Mapping[str, str], *arguments: str) -> AsyncIterator[Lines]:
    """Run a Python program that talks in JSON lines, with this checkout on its path."""
    path = os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH"))))
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE, "stderr": None}  # a traceback is ours
    surroundings = {**environment, "PYTHONPATH": path}
    async with process(sys.executable, str(script), *arguments, environment=surroundings, **pipes) as running:
        yield Lines(running)
