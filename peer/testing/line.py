"""The line between one user and the server, in user space: it can be cut, swallow everything, or be slow.

It is a proxy of the server, with an address of its own. On its way to the user every ICE candidate of another user is
replaced by one that leads through the `Path` between the two, so that media can be lost and delayed as well.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp import WSMsgType, web

from peer.testing.path import Gates

LARGEST = 4 * 1024 * 1024  # bytes of a message
CONNECT_LIMIT = 10.0  # seconds for the server to take a connection
WAITING = 256  # messages under way in one direction
OWN_HEADERS = {
    *("connection", "upgrade", "transfer-encoding", "content-length", "content-encoding", "keep-alive"),
    *("sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions"),
}
Rewrite = Callable[[str], Awaitable[str | None]]


class Line:
    """One user's line to the server. `url` is where this user finds the server: `http://127.0.0.1:PORT`."""

    def __init__(self, server_url: str, gates_to: Callable[[str], Gates]) -> None:
        self.url = ""
        self.delay = 0.0  # seconds, each way
        self._server_url = server_url
        self._gates_to = gates_to
        self._is_cut = False
        self._is_silent = False
        self._transports: set[asyncio.Transport] = set()
        self._runner: web.AppRunner | None = None
        self._http: aiohttp.ClientSession | None = None

    @property
    def ws_url(self) -> str:
        """Where a `Peer` finds the server."""
        return f"{self.url.replace('http', 'ws', 1)}/ws"

    def cut(self) -> None:
        """Break every connection at once, and let none come about, until `heal`."""
        self._is_cut = True
        for transport in self._transports:
            transport.abort()

    def blackhole(self) -> None:
        """Swallow everything, without an error, until `heal`: nothing breaks, nothing arrives."""
        self._is_silent = True

    def heal(self) -> None:
        """Let everything pass again, at once. What was swallowed is lost, so the connections of that time are, too."""
        if self._is_silent:
            for transport in self._transports:
                transport.abort()
        self._is_cut = self._is_silent = False
        self.delay = 0.0

    async def open(self) -> None:
        """Listen on a free port of loopback."""
        app = web.Application(client_max_size=LARGEST)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._http = aiohttp.ClientSession(auto_decompress=False, trust_env=False)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Break every connection and listen no more."""
        self.cut()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._http is not None:
            await self._http.close()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        transport = request.transport
        if self._is_cut or transport is None:
            if transport is not None:
                transport.abort()
            raise web.HTTPBadGateway
        self._transports.add(transport)
        try:
            return await (self._join(request) if _is_upgrade(request) else self._pass_on(request))
        finally:
            self._transports.discard(transport)

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        assert self._http is not None
        body, headers = await request.read(), _headers(request)
        await asyncio.sleep(self.delay)
        if self._is_silent:
            await asyncio.Event().wait()  # until whoever asks gives up, or the line is healed or closed
        url = f"{self._server_url}{request.path_qs}"
        async with self._http.request(request.method, url, data=body, headers=headers, allow_redirects=False) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in OWN_HEADERS}
            if "Content-Encoding" in answer.headers:
                kept["Content-Encoding"] = answer.headers["Content-Encoding"]
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    async def _join(self, request: web.Request) -> web.StreamResponse:
        """Join the user's WebSocket and one to the server; pings pass, or a silent end would not be noticed."""
        assert self._http is not None
        near = web.WebSocketResponse(autoping=False, autoclose=False, max_msg_size=LARGEST)
        await near.prepare(request)
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                far = await self._http.ws_connect(
                    f"{self._server_url}{request.path_qs}",
                    headers=_headers(request),
                    autoping=False,
                    autoclose=False,
                    max_msg_size=LARGEST,
                )
        except (aiohttp.ClientError, TimeoutError):
            await near.close(code=1013)
            return near
        ways = [
            asyncio.create_task(self._carry(near, far, _as_it_is), name="a line, outwards"),
            asyncio.create_task(self._carry(far, near, self._rewrite), name="a line, inwards"),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await far.close(code=far.close_code or near.close_code or 1001)
        with suppress(ConnectionError):
            await near.close(code=far.close_code or 1001)
        return near

    async def _carry(self, come: "Socket", go: "Socket", rewrite: Rewrite) -> None:
        """Carry messages one way, each `delay` after it came, in their order."""
        waiting: asyncio.Queue[tuple[float, aiohttp.WSMessage]] = asyncio.Queue(WAITING)
        sending = asyncio.create_task(self._send(waiting, go, rewrite), name="a line's end")
        try:
            while (message := await come.receive()).type not in ENDS:
                if not self._is_silent:
                    await waiting.put((asyncio.get_running_loop().time() + self.delay, message))
            await waiting.put((0.0, aiohttp.WSMessage(WSMsgType.CLOSE, None, None)))
            await asyncio.wait({sending})
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send(
        self, waiting: "asyncio.Queue[tuple[float, aiohttp.WSMessage]]", go: "Socket", rewrite: Rewrite
    ) -> None:
        while True:
            due, message = await waiting.get()
            await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0.0))
            match message.type:
                case WSMsgType.TEXT:
                    text = await rewrite(message.data)
                    if text is not None:
                        await go.send_str(text)
                case WSMsgType.BINARY:
                    await go.send_bytes(message.data)
                case WSMsgType.PING:
                    await go.ping(message.data)
                case WSMsgType.PONG:
                    await go.pong(message.data)
                case _:
                    return

    async def _rewrite(self, text: str) -> str | None:
        """Lead what the user learns of another's addresses through the path between them."""
        said: dict[str, Any] = json.loads(text)
        match said.get("type"):
            case "offer" | "answer":
                said["sdp"] = await self._gates_to(said["user"]).rewrite_sdp(said["sdp"])
            case "candidate" if said.get("candidate"):
                said["candidate"] = await self._gates_to(said["user"]).rewrite(said["candidate"])
                if said["candidate"] is None:
                    return None
            case _:
                return text
        return json.dumps(said)


Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse
ENDS = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


async def _as_it_is(text: str) -> str | None:
    return text


def _is_upgrade(request: web.Request) -> bool:
    return request.headers.get("Upgrade", "").lower() == "websocket"


def _headers(request: web.Request) -> dict[str, str]:
    """Return what the server is told of the user: all but what concerns this connection alone."""
    return {name: value for name, value in request.headers.items() if name.lower() not in OWN_HEADERS}
