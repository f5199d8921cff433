"""A plain client for tests of the server: says structs, hears structs, waits for neither for ever."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from signaling import SignalingServer
from signaling.messages import ClientMessage, Extra, Join, Joined, Message, Resume, ServerMessage, decode_server, encode

PATIENCE = 20.0  # seconds for anything that a test waits for

M = TypeVar("M", bound=Message)


class Client:
    """One WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, message: ClientMessage) -> None:
        await self.socket.send_str(encode(message).decode())

    async def hear(self) -> ServerMessage:
        while (frame := await self.socket.receive(timeout=PATIENCE)).type is aiohttp.WSMsgType.PING:
            pass  # heard by those alone who do not answer it
        assert frame.type is aiohttp.WSMsgType.TEXT, frame
        return decode_server(frame.data)

    async def hear_a(self, kind: type[M]) -> M:
        message = await self.hear()
        assert isinstance(message, kind), message
        return message

    async def hear_the_end(self) -> int | None:
        """Return the close code, if there is nothing to be heard before it."""
        frame = await self.socket.receive(timeout=PATIENCE)
        assert frame.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}, frame
        return self.socket.close_code

    async def join(
        self, user: str, *, room: str = "42", token: str | None = None, extra: Extra | None = None
    ) -> Joined:
        await self.say(Join(room=room, user=user, token=token, extra=extra or {}))
        return await self.hear_a(Joined)

    async def resume(self, joined: Joined) -> Joined:
        resume = Resume(session=joined.session, secret=joined.secret, seq=joined.seq)
        await self.say(Join(room=joined.room, user=joined.user, resume=resume))
        return await self.hear_a(Joined)


class Place:
    """Where a server serves, and a client's session to visit it."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.http = http

    async def connect(self, **options: Any) -> Client:
        return Client(await self.http.ws_connect(f"{self.url}/ws", **options))

    async def enter(self, *users: str) -> list[Client]:
        """Let these users into one room; each has heard of all who came after it."""
        clients: list[Client] = []
        for user in users:
            client = await self.connect()
            await client.join(user)
            for earlier in clients:
                await earlier.hear()
            clients.append(client)
        return clients


@contextlib.asynccontextmanager
async def listening(server: SignalingServer) -> AsyncIterator[Place]:
    """Serve as programs do: a handler hears of a disconnect when it next reads or writes."""
    async with server.listen() as site, aiohttp.ClientSession() as http:
        yield Place(site.url, http)


@contextlib.asynccontextmanager
async def mounted(server: SignalingServer) -> AsyncIterator[Place]:
    """Serve as a part of another application, with handlers that are cancelled by a disconnect."""
    parent = web.Application()
    parent.add_subapp("/rooms", server.app)
    async with TestServer(parent) as test_server, aiohttp.ClientSession() as http:
        yield Place(str(test_server.make_url("/rooms")), http)


def other_tasks() -> set[asyncio.Task[object]]:
    """Return whatever runs beside the test."""
    return asyncio.all_tasks() - {asyncio.current_task()}
