"""A cable between browser and server that a test can cut: TCP connections break, new ones are refused."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

CHUNK = 64 * 1024  # bytes


class Cable:
    """Passes on bytes while it is whole. `url` is this end's address."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._far_end = (parts.hostname, parts.port)
        self._is_whole = True
        self._swallows = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._near: set[asyncio.StreamWriter] = set()
        self._snapped: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    @property
    def is_used(self) -> bool:
        """Whether there is a connection."""
        return bool(self._writers)

    def cut(self) -> None:
        """Break every connection, and let none come about."""
        self._is_whole = False
        for writer in self._writers:
            writer.transport.abort()

    def swallow(self) -> None:
        """Let everything get lost, silently, as a cable does that is cut: nothing breaks, nothing arrives."""
        self._swallows = True

    def snap(self) -> None:
        """Break every connection for who is at this end alone, as a new address does: the server is told nothing."""
        self._snapped |= self._writers
        for writer in self._near:
            writer.transport.abort()

    def mend(self) -> None:
        """Let new connections pass again."""
        self._is_whole, self._swallows = True, False

    @contextlib.asynccontextmanager
    async def laid(self) -> AsyncIterator["Cable"]:
        """Listen on a free port until the block ends."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            self.cut()
            await asyncio.gather(*self._tasks)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_whole:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._far_end)
        except OSError:  # nobody listens there
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        if not self._is_whole:  # it was cut meanwhile
            for end in ends:
                end.transport.abort()
            return
        self._writers |= ends
        self._near.add(writer)
        try:
            await asyncio.gather(self._pass_on(reader, far_writer), self._pass_on(far_reader, writer))
        finally:
            for known in (self._writers, self._near, self._snapped):
                known -= ends
            for end in ends:
                end.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(CHUNK):
                if self._swallows or writer in self._snapped:
                    continue
                writer.write(chunk)
                await writer.drain()
        if writer not in self._snapped:
            writer.close()  # the end of one direction is the end of both: good enough for HTTP and WebSockets
