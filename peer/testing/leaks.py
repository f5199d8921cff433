"""What a test may not leave behind: tasks, threads, child processes, sockets, device handles.

    before = held()
    ...
    assert wait_until_nothing_is_left(before) == []

Processes and handles are those that Linux tells of in /proc; elsewhere only tasks and threads are seen.
"""

import asyncio
import gc
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

POOL = "asyncio_"  # threads of a loop's own pool: they end with the loop
LIMIT = 15.0  # seconds for what is ending to have ended, on a machine that is busy
POLL = 0.02  # seconds between two looks
COUNTED = re.compile(r"^(socket:|/dev/(?!null|urandom|pts|tty|shm)|/tmp/.*fakevideo)")


@dataclass(frozen=True)
class Held:
    """What this process holds at one moment."""

    threads: frozenset[threading.Thread]
    children: frozenset[str]
    handles: frozenset[tuple[str, str]]

    def __sub__(self, other: "Held") -> list[str]:
        """Name what is held now and was not before."""
        return [
            *(f"thread {thread.name}" for thread in self.threads - other.threads),
            *(f"process {child}" for child in self.children - other.children),
            *(f"handle {number} {target}" for number, target in self.handles - other.handles),
        ]


def held() -> Held:
    """Look at this process."""
    return Held(
        frozenset(thread for thread in threading.enumerate() if not thread.name.startswith(POOL)),
        frozenset(children()),
        frozenset(_handles()),
    )


def wait_until_nothing_is_left(before: Held) -> list[str]:
    """Give what is ending a moment (15 s at most, in this thread); return what is still there."""
    deadline = time.monotonic() + LIMIT
    while (left := held() - before) and time.monotonic() < deadline:
        gc.collect()
        time.sleep(POLL)
    return left


async def tasks_left(before: "set[asyncio.Task[object]]") -> list[str]:
    """Give tasks that are ending a moment; return those that are still there, in words."""

    def left() -> "set[asyncio.Task[object]]":
        return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()} - before

    return [repr(task) for task in left()] if not await _becomes_true(lambda: not left()) else []


async def _becomes_true(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL / 2)
    return True


def children() -> list[str]:
    """Return the processes that this one has started and that still run, each as "PID NAME"."""
    pids = [pid for thread in _entries("/proc/self/task") for pid in _read(thread / "children").split()]
    return [f"{pid} {comm}" for pid in pids if (comm := _read(Path(f"/proc/{pid}/comm")).strip())]


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the thread or process has ended since it was listed: reading then gives ENOENT or ESRCH
        return ""


def _handles() -> list[tuple[str, str]]:
    found = []
    for path in _entries("/proc/self/fd"):
        try:
            target = str(path.readlink())
        except OSError:  # the listing's own handle
            continue
        if COUNTED.match(target):
            found.append((path.name, target))
    return found


def _entries(folder: str) -> list[Path]:
    try:
        return list(Path(folder).iterdir())
    except OSError:  # there is no /proc here
        return []
