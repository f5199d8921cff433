"""A real RTCMultiConnection-Server (npm), which can be killed and started again where it was."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.devices.tools import need, process
from tests.gateways.rtcmulticonnection.page import files_in
from tests.npm.modules import need_modules

PROGRAM = Path(__file__).with_name("server.cjs")
LIMIT = 30.0  # seconds


class RealServer:
    """The running server; `url` is the same after a restart."""

    def __init__(self, files: Path) -> None:
        self._files = files
        self._port = 0
        self._running: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """What a page loads from."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def peer_url(self) -> str:
        """What a `Peer` is given."""
        return f"rtcmulticonnection+{self.url}"

    async def start(self, stack: AsyncExitStack) -> None:
        """Start it, at the port that it had."""
        command = (need("node", "nodejs"), str(PROGRAM), str(need_modules()), str(self._files), str(self._port))
        self._running = await stack.enter_async_context(process(*command, stdout=asyncio.subprocess.PIPE))
        assert self._running.stdout is not None
        async with asyncio.timeout(LIMIT):
            self._port = int(await self._running.stdout.readline())

    async def kill(self) -> None:
        """Have it die."""
        assert self._running is not None
        self._running.kill()
        await self._running.wait()


@asynccontextmanager
async def real_server(folder: Path) -> AsyncIterator[tuple[RealServer, AsyncExitStack]]:
    """Have a server, and what ends what is started besides."""
    server = RealServer(await asyncio.to_thread(files_in, folder / "files"))
    async with AsyncExitStack() as stack:
        await server.start(stack)
        yield server, stack
