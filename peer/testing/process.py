"""Processes of a test: started in a group of their own, frozen, killed as a whole, and ended with the test."""

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

END_LIMIT = 5.0  # seconds a process may take to end when told to


class Group:
    """A running program with everything that it started, children of children included."""

    def __init__(self, running: asyncio.subprocess.Process) -> None:
        self.running = running

    @classmethod
    async def start(cls, *command: str, environment: Mapping[str, str] | None = None, **pipes: Any) -> "Group":
        """Start a program in a process group of its own. Raises `OSError` if there is none of that name."""
        surroundings = dict(os.environ if environment is None else environment)
        return cls(await asyncio.create_subprocess_exec(*command, env=surroundings, start_new_session=True, **pipes))

    @property
    def pid(self) -> int:
        """The number of the program's first process, which is that of its group."""
        return self.running.pid

    def kill(self) -> None:
        """Kill all of it at once, as a power cut would: nothing of it can say farewell."""
        self._signal(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop all of it where it stands (SIGSTOP), until `thaw`."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def terminate(self) -> None:
        """Ask the program, and nothing that it started, to end (SIGTERM)."""
        with suppress(ProcessLookupError):
            self.running.terminate()

    async def end(self) -> int:
        """Have it end, by force if it does not within 5 s; return its status."""
        self.thaw()
        self.terminate()
        try:
            async with asyncio.timeout(END_LIMIT):
                await self.running.wait()
        except TimeoutError:
            pass  # what follows is for those who do not listen, and for what the program left behind
        finally:
            self.kill()
        return await self.running.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # all of it has ended
            os.killpg(self.pid, number)


def descendants(pid: int) -> dict[int, list[str]]:
    """Return the command lines of all processes below one, by their numbers; they may be ending at this moment."""
    found: dict[int, list[str]] = {}
    for child in children(pid):
        found[child] = _command_line(child)
        found |= descendants(child)
    return found


def children(pid: int) -> list[int]:
    """Return the processes that one has started, those that nobody has reaped among them; none where there is no /proc.

    It may be ending at this moment, or any thread of it.
    """
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):  # only this thread has ended: the others' children are still to be found
                found += map(int, (task / "children").read_text().split())
    return found


def _command_line(pid: int) -> list[str]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    return []
