"""The network of a test: a line from every user to the server, and a path for media between every two users.

    network.line("ana").cut()                # ana's connection to the server breaks
    network.line("ana").heal()
    network.path("ana", "bo").loss = 0.05    # of their media, each way
    network.path("ana", "bo").cut()

All of it is user space on this machine: no root, no namespaces, no kernel modules. It takes effect for whoever uses the
addresses that it hands out, as `join`, `browser` and `spawn` do in a test that asks for `network`.
"""

from contextlib import AsyncExitStack

from peer.errors import UsageError
from peer.testing.line import Line
from peer.testing.path import Gates, Path


class Network:
    """All lines and paths. Get it from the fixture `network`."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._lines: dict[str, Line] = {}
        self._paths: dict[frozenset[str], Gates] = {}
        self._stack = AsyncExitStack()

    async def lay(self, user: str) -> Line:
        """Return a user's line to the server, laid if there is none yet."""
        if user not in self._lines:
            line = Line(self._server_url, lambda other: self._gates(user, other))
            await line.open()
            self._stack.push_async_callback(line.close)
            self._lines[user] = line
        return self._lines[user]

    def line(self, user: str) -> Line:
        """Return the line between a user and the server. Raises `UsageError` if this user never joined."""
        if user not in self._lines:
            raise UsageError(
                f"{user!r} has no line yet: join first. These have one: {', '.join(self._lines) or 'none'}"
            )
        return self._lines[user]

    def path(self, user: str, other: str) -> Path:
        """Return the path of media between two users, who need not be there yet."""
        if user == other:
            raise UsageError(f"a path leads from one user to another, not from {user!r} to {other!r}")
        return self._gates(user, other).path

    async def close(self) -> None:
        """Break every connection."""
        await self._stack.aclose()
        for gates in self._paths.values():
            await gates.close()

    def _gates(self, user: str, other: str) -> Gates:
        return self._paths.setdefault(frozenset({user, other}), Gates(Path()))
