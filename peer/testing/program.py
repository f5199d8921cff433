"""A peer in a process of its own, which a test can kill or freeze without harm to itself."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from peer.testing.process import Group

PUBLISH = (
    *(sys.executable, "-m", "peer.cli", "publish", "{url}", "{room}", "--user", "{user}"),
    *("--test", "--size", "320x180", "--fps", "15", "--journal", "{journal}"),
)


class PeerProcess:
    """A running program that is in the room as `user`. It ends with the test."""

    def __init__(self, user: str, group: Group) -> None:
        self.user = user
        self.group = group

    @classmethod
    async def start(cls, user: str, command: Sequence[str], **words: str) -> "PeerProcess":
        """Start a command, with {url}, {room}, {user} and {journal} in it replaced. Raises `OSError`."""
        filled = [_filled(argument, {"user": user, **words}) for argument in command]
        group = await Group.start(*filled, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL)
        return cls(user, group)

    @property
    def status(self) -> int | None:
        """Its exit status, negative for the signal that ended it; None while it runs."""
        return self.group.running.returncode

    def kill(self) -> None:
        """Kill it and not its guard (SIGKILL), as the system does that runs out of memory."""
        self._signal(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop it where it stands (SIGSTOP), until `thaw`."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def terminate(self) -> None:
        """Ask it to leave (SIGTERM)."""
        self._signal(signal.SIGTERM)

    async def wait(self) -> int:
        """Return its exit status once it has ended."""
        return await self.group.running.wait()

    async def close(self) -> None:
        """End it and whatever it started."""
        await self.group.end()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.group.pid, number)


def _filled(argument: str, words: dict[str, str]) -> str:
    for name, word in words.items():
        argument = argument.replace(f"{{{name}}}", word)
    return argument
