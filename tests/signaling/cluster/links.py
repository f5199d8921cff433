"""What stands between the parts of a cluster: a balancer before its nodes, and a wire to Redis that can be cut."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from enum import Enum
from itertools import count
from pathlib import Path
from typing import Self

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Relay:
    """A server that passes everything on to somewhere, until it is cut."""

    def __init__(self) -> None:
        self.port = 0
        self._links: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Self]:
        await self.listen()
        try:
            yield self
        finally:
            await self.refuse()

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """End all connections, and let nobody connect."""
        if self._server is not None:
            self._server.close()
            self._server = None
        links = tuple(self._links)
        for link in links:
            link.cancel()
        if links:
            await asyncio.wait(links)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._link(reader, writer))
        self._links.add(task)
        task.add_done_callback(self._links.discard)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if (far := await self._reach()) is not None:
                await asyncio.gather(self._pass(reader, far[1]), self._pass(far[0], writer))
        finally:
            writer.close()

    async def _reach(self) -> Streams | None:
        raise NotImplementedError

    async def _may_pass(self) -> None:
        """Return when something may pass."""

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while part := await reader.read(65536):
                await self._may_pass()
                writer.write(part)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


class Balancer(Relay):
    """What stands before all nodes: connections go to them in turn, to the next of them that takes it."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: list[int] = []
        self._turn = count()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def drop(self, chance: random.Random) -> None:
        """End one of the connections, as a network does."""
        if self._links:
            chance.choice(sorted(self._links, key=lambda task: task.get_name())).cancel()

    async def _reach(self) -> Streams | None:
        ports = tuple(self.ports)
        for _ in ports:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", ports[next(self._turn) % len(ports)])
        return None


class Cut(Enum):
    """How a wire can be."""

    NO = "works"
    SILENT = "nothing passes, and nobody is told"
    REFUSED = "connections are refused"


class Wire(Relay):
    """One node's way to Redis. What is on its way when it is cut silently arrives when it is mended."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._is_open = asyncio.Event()
        self._is_open.set()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def cut(self, how: Cut) -> None:
        if how is Cut.SILENT:
            self._is_open.clear()
        else:
            await self.refuse()

    async def mend(self) -> None:
        self._is_open.set()
        if self._server is None:
            await self.listen()

    async def _reach(self) -> Streams | None:
        await self._is_open.wait()
        with contextlib.suppress(OSError):
            return await asyncio.open_unix_connection(str(self._path))
        return None

    async def _may_pass(self) -> None:
        await self._is_open.wait()
