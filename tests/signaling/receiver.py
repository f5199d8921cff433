"""Somebody who receives webhooks: keeps what comes, answers as it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer

from signaling.webhook_events import WebhookEvent
from signaling.webhooks import verify

PATIENCE = 20.0  # seconds
KEY = "a key of twenty-eight letters"


class Office:
    """A receiver. `answers` are the statuses of the next answers, then 204; `None`: it hangs up instead."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[int | None] = []
        self.events: list[WebhookEvent] = []  # every one that came, also again
        self.is_open = asyncio.Event()  # it answers
        self.is_open.set()
        self._came = asyncio.Condition()

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        verify(body, request.headers["Exeunt-Signature"], [KEY])
        assert request.content_type == "application/json"
        async with self._came:
            self.events.append(msgspec.json.decode(body, type=WebhookEvent))
            self._came.notify_all()
        await self.is_open.wait()
        status = self.answers.pop(0) if self.answers else 204
        if status is None:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=status or 500, headers={"Location": f"{self.url}/elsewhere"})

    async def until(self, count: int) -> list[str]:
        """Return the types of the events, once so many have come."""
        async with asyncio.timeout(PATIENCE), self._came:
            await self._came.wait_for(lambda: len(self.events) >= count)
        return [event.type for event in self.events]


@asynccontextmanager
async def office() -> AsyncIterator[Office]:
    one = Office()
    app = web.Application()
    app.router.add_post("/{path:.*}", one.take)
    async with TestServer(app) as server:
        one.url = str(server.make_url("/hook"))
        yield one
        one.is_open.set()
