"""A WHIP and WHEP server on plain aiortc, of which nothing is ours: what it was asked, in order, is in `asked`."""

import asyncio
import fractions
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import numpy as np
from aiohttp import web
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp
from av import VideoFrame

COLOUR = (200, 40, 40)  # red, green, blue of what it plays
WIDTH, HEIGHT = 320, 180
LIMIT = 40.0  # seconds; for some of it a program has to start first


class Plain:
    """The running server."""

    def __init__(self) -> None:
        self.asked: list[str] = []  # "POST /whip", "DELETE /session/1"
        self.tokens: list[str | None] = []
        self.pictures: list[VideoFrame] = []  # received
        self.connections: dict[str, RTCPeerConnection] = {}
        self.busy = 0  # times that it still says so
        self.refuses = 0  # offers that still are
        self.misdirects = 0  # times that it still says that it is not its session
        self.delete_status: int | None = None  # answered whatever happens
        self.link = ""  # which ICE servers there are, as OPTIONS says
        self.late_link = ""  # the same, as the 201 says
        self.tag = ""  # of each session; with one it takes more candidates
        self.offers: list[str] = []
        self.added: list[tuple[str | None, str]] = []  # If-Match and body of each PATCH
        self.url = ""
        self.elsewhere = ""  # the same server under another name
        self._news, self._closing = asyncio.Event(), asyncio.Event()
        self._receiving: set[asyncio.Task[None]] = set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(LIMIT):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def until_connected(self) -> None:
        """Wait until every connection is made here as well: before that it cannot say goodbye."""
        await self.until(lambda: all(one.connectionState == "connected" for one in self.connections.values()))

    async def hang_up(self) -> None:
        """End every session, as a server does: the connection says goodbye."""
        connections, self.connections = list(self.connections.values()), {}
        for connection in connections:
            await connection.close()

    async def close(self) -> None:
        """End every session, whatever reads from one, and requests that wait."""
        self._closing.set()
        await self.hang_up()
        for task in self._receiving:
            task.cancel()
        await asyncio.gather(*self._receiving, return_exceptions=True)

    async def lose(self) -> None:
        """Close every connection, and go on as if there were sessions."""
        for connection in tuple(self.connections.values()):
            await connection.close()

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application(middlewares=[self._note])
        app.router.add_route("OPTIONS", "/{path:.*}", self._options)
        app.router.add_post("/whip", self._whip)
        app.router.add_post("/whep", self._whep)
        app.router.add_delete("/session/{name}", self._delete)
        app.router.add_patch("/session/{name}", self._patch)
        app.router.add_post("/moved", self._moved)
        app.router.add_post("/again", _redirect("/whip"))
        app.router.add_post("/circle", _redirect("/circle"))
        app.router.add_post("/busy", self._busy)
        app.router.add_post("/forbidden", _problem(403, '{"detail": "the key is\\nold"}'))
        app.router.add_post("/unknown", _problem(404, ""))
        app.router.add_post("/unauthorized", _problem(401, ""))
        app.router.add_post("/page", _always(lambda: _created("<html>", "text/html")))
        app.router.add_post("/homeless", _always(lambda: _created("v=0", "application/sdp", location=None)))
        app.router.add_post("/nonsense", _always(lambda: _created("nonsense", "application/sdp")))
        app.router.add_post("/silent", self._silent)
        return app

    @web.middleware
    async def _note(self, request: web.Request, handler: Callable[[web.Request], object]) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path}")
        self.tokens.append(request.headers.get("Authorization"))
        self._news.set()
        return await handler(request)  # type: ignore[misc, no-any-return] # aiohttp's type of a handler is private

    async def _options(self, _: web.Request) -> web.Response:
        return web.Response(headers={"Link": self.link} if self.link else {})

    async def _whip(self, request: web.Request) -> web.Response:
        if self.refuses:
            self.refuses -= 1
            return web.Response(status=500)
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.on("track", self._track)
        return await self._answer(request, connection)

    async def _whep(self, request: web.Request) -> web.Response:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.addTrack(_Red())
        return await self._answer(request, connection)

    async def _answer(self, request: web.Request, connection: RTCPeerConnection) -> web.Response:
        name = str(len(self.connections) + 1)
        self.connections[name] = connection
        connection.on("connectionstatechange", self._news.set)
        self.offers.append(await request.text())
        await connection.setRemoteDescription(RTCSessionDescription(self.offers[-1], "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        created = _created(connection.localDescription.sdp, "application/sdp", location=f"/session/{name}")
        created.headers.update({name: value for name, value in (("Link", self.late_link), ("ETag", self.tag)) if value})
        return created

    async def _patch(self, request: web.Request) -> web.Response:
        self.added.append((request.headers.get("If-Match"), await request.text()))
        if not self.tag:
            return web.Response(status=405)
        for line in self.added[-1][1].splitlines():
            if line.startswith("a=candidate:"):
                candidate = candidate_from_sdp(line.removeprefix("a=candidate:"))
                candidate.sdpMid = "0"
                await self.connections[request.match_info["name"]].addIceCandidate(candidate)
        return web.Response(status=204)

    async def _delete(self, request: web.Request) -> web.Response:
        if self.misdirects:
            self.misdirects -= 1
            return web.Response(status=421, headers={"Connection": "close"})
        connection = self.connections.pop(request.match_info["name"], None)
        if self.delete_status is not None:
            return web.Response(status=self.delete_status)
        if connection is None:
            return web.Response(status=404)
        await connection.close()
        return web.Response()

    async def _busy(self, request: web.Request) -> web.Response:
        if self.busy:
            self.busy -= 1
            return web.Response(status=503, headers={"Retry-After": "0"})
        return await self._whip(request)

    async def _moved(self, _: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": f"{self.elsewhere}/again"})

    async def _silent(self, _: web.Request) -> web.Response:
        await self._closing.wait()
        return web.Response(status=500)

    def _track(self, track: MediaStreamTrack) -> None:
        task = asyncio.create_task(self._receive(track))
        self._receiving.add(task)
        task.add_done_callback(self._receiving.discard)

    async def _receive(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                if isinstance(frame, VideoFrame):
                    self.pictures.append(frame)
                    self._news.set()
        except MediaStreamError:
            return


class _Red(MediaStreamTrack):
    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    async def recv(self) -> VideoFrame:
        await asyncio.sleep(0.05)
        frame = VideoFrame.from_ndarray(np.full((HEIGHT, WIDTH, 3), COLOUR, np.uint8), format="rgb24")
        frame.pts, frame.time_base = self._count, fractions.Fraction(1, 20)
        self._count += 1
        return frame


@asynccontextmanager
async def serving() -> AsyncIterator[Plain]:
    """Serve on two loopback addresses until the block ends."""
    plain = Plain()
    runner = web.AppRunner(plain.app(), shutdown_timeout=0.1)
    await runner.setup()
    try:
        for host in ("127.0.0.1", "127.0.0.2"):
            await web.TCPSite(runner, host, 0).start()
        plain.url, plain.elsewhere = (f"http://{host}:{port}" for host, port in runner.addresses)
        yield plain
    finally:
        await plain.close()
        await runner.cleanup()


def _created(body: str, kind: str, location: str | None = "/session/none") -> web.Response:
    headers = {} if location is None else {"Location": location}
    return web.Response(status=201, text=body, content_type=kind, headers=headers)


Handler = Callable[[web.Request], Awaitable[web.Response]]


def _always(answer: Callable[[], web.Response]) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return answer()

    return handler


def _redirect(location: str) -> Handler:
    return _always(lambda: web.Response(status=307, headers={"Location": location}))


def _problem(status: int, body: str) -> Handler:
    return _always(lambda: web.Response(status=status, text=body, content_type="application/problem+json"))
