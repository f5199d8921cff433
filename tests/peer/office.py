"""A server that takes farewells down, and nothing else."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

LIMIT = 30.0  # seconds for a farewell that has to come
QUIET = 0.7  # seconds in which nothing more may come


class Office:
    """`heard` has what was said and when; `statuses` are the next answers, 204 the ones after."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[float, str, dict[str, str]]] = asyncio.Queue()
        self.statuses: list[int] = []
        self.app = web.Application()
        self.app.router.add_post("/ws", self.take)

    async def take(self, request: web.Request) -> web.Response:
        said = await request.json()
        status = self.statuses.pop(0) if self.statuses else 204
        self.heard.put_nowait((time.monotonic(), request.query_string, said))
        return web.Response(status=status)

    @asynccontextmanager
    async def open(
        self, host: str = "127.0.0.1", port: int = 0, context: ssl.SSLContext | None = None
    ) -> AsyncIterator[str]:
        """Be there for the length of the block, at the address that it yields."""
        runner = web.AppRunner(self.app)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port, ssl_context=context).start()
            number = runner.addresses[0][1]
            yield f"{'ws' if context is None else 'wss'}://{f'[{host}]' if ':' in host else host}:{number}/ws"
        finally:
            await runner.cleanup()

    async def next(self) -> tuple[float, dict[str, str]]:
        """Return when the next farewell came, and what it was."""
        async with asyncio.timeout(LIMIT):
            at, _, said = await self.heard.get()
        return at, said

    async def hears_no_more(self) -> bool:
        """Whether nothing comes for a while."""
        try:
            async with asyncio.timeout(QUIET):
                await self.heard.get()
        except TimeoutError:
            return True
        return False
