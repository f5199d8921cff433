"""Pages of RTCMultiConnection in our rooms: what they take for their own server, at `/socket.io/`.

Each page is a client of the same node as all others, so what holds for those holds for it: tokens and grants, limits,
the grace, the cluster, the journal, the metrics. Who carries out what for a page is in `rmc_socket.py`, what is decided
in `rmc_page.py`.
"""

import asyncio
import logging
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from socketio.exceptions import ConnectionRefusedError as Refused

from signaling.admin.access import ORIGIN
from signaling.door import let_through
from signaling.gateways.rmc_page import Page
from signaling.gateways.rmc_socket import PageSocket
from signaling.gateways.rmc_wire import Handshake, handshake_of
from signaling.gateways.socketio_server import END_LIMIT, SocketIoServer
from signaling.messages import MAX_TOPIC
from signaling.node import Node
from signaling.origins import is_from_elsewhere
from signaling.sockets import Sockets

PATH = "/socket.io/"
FILES = "/rtcmulticonnection"
SCRIPT = "socket.io.js"  # in the folder of files: socket.io's own client, which pages load from its usual address
FORGET_AFTER = 1.0  # seconds after the grace

log = logging.getLogger(__name__)

Key = tuple[str, bytes]


class Gateway:
    """All pages of a server."""

    def __init__(self, node: Node, sockets: Sockets) -> None:
        self._node, self._sockets = node, sockets
        self._config = sockets.config
        self._server = SocketIoServer()
        self._server.on("connect", self._connected)
        self._server.on("disconnect", self._disconnected)
        self._server.on("*", self._heard)
        self._pages: dict[str, PageSocket] = {}  # by sid
        self._known: dict[Key, PageSocket] = {}  # whose pages may go on at another socket
        self._engines: dict[str, PageSocket] = {}  # by the connection below
        self._writing: set[asyncio.Task[None]] = set()

    def add_to(self, app: web.Application) -> None:
        """Be where pages look for their server. Raises `ValueError` if there is no folder of files to serve."""
        app.router.add_route("*", PATH, self._serve)
        files = self._config.rtcmulticonnection_files
        if files is not None:
            if not Path(files).is_dir():
                raise ValueError(f"rtcmulticonnection_files must be a folder, not {str(files)!r}")
            app.router.add_static(FILES, files)
            app.router.add_get(PATH + SCRIPT, self._script)
        app.on_shutdown.append(self._close)

    async def _close(self, _app: web.Application) -> None:
        """Hang up on every page, after the node has let go of all."""
        for page in tuple(self._pages.values()):
            page.close()
        if self._writing:
            await asyncio.wait(self._writing, timeout=2 * END_LIMIT)
        await self._server.close()

    # -- requests --

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if is_from_elsewhere(request, self._config):
            self._sockets.turned_away(ORIGIN, self._sockets.address_of(request))
            raise web.HTTPForbidden(text="pages of other sites may not connect")
        page = self._engines.get(request.query.get("sid", ""))
        if page is not None and request.headers.get("Upgrade", "").lower() == "websocket":
            _let_through(request, page)
        response: web.StreamResponse = await self._server.handle_request(request)
        return response

    async def _script(self, _request: web.Request) -> web.StreamResponse:
        assert self._config.rtcmulticonnection_files is not None
        return web.FileResponse(Path(self._config.rtcmulticonnection_files) / SCRIPT)

    # -- pages --

    async def _connected(self, sid: str, environ: dict[str, Any]) -> None:
        request: web.Request = environ["aiohttp.request"]
        handshake = handshake_of(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        if not handshake.userid:
            raise Refused("a page says its userid in the address that it connects to")
        address = self._sockets.address_of(request)
        if (limit := self._sockets.gate.enter(address)) is not None:
            self._sockets.refused(limit, address)
            raise Refused(f"there are too many connections ({limit}): try again later")
        page = self._open(sid, address, handshake)
        if request.query.get("transport") == "websocket":
            _let_through(request, page)

    def _open(self, sid: str, address: str, handshake: Handshake) -> PageSocket:
        key = _key(handshake)
        former = None if key is None else self._known.get(key)
        page = Page(handshake) if former is None else former.give_up_page()
        engine = self._server.engine_of(sid) or ""
        socket = self._pages[sid] = PageSocket(
            *(sid, engine, address, page),
            server=self._server,
            node=self._node,
            sockets=self._sockets,
        )
        self._engines[engine] = socket
        self._keep(socket.writing)
        if key is not None:
            self._known[key] = socket
        socket.apply(page.resume(handshake.token))
        return socket

    def _keep(self, writing: "asyncio.Task[None]") -> None:
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)

    async def _heard(self, event: str, sid: str, *args: Any) -> Any:
        page = self._pages.get(sid)
        if page is None:
            return self._server.not_handled
        try:
            answer = await page.hear(event, args)
        except Exception:  # python-socketio would hide it, and the page waits for nothing that comes of it
            log.exception("page %r: the event %s could not be heard", page.page.user, event[:MAX_TOPIC])
            answer = None
        return self._server.not_handled if answer is None else answer

    async def _disconnected(self, sid: str, reason: str) -> None:
        socket = self._pages.pop(sid, None)
        if socket is None:
            return
        self._sockets.gate.leave(socket.address)
        del self._engines[socket.engine]
        socket.ended(reason)
        self._forget(socket)

    def _forget(self, socket: PageSocket) -> None:
        """Know a page no more: at once if it is in no room, else after the time in which it may come back."""
        key = _key(socket.page.handshake)
        if key is None or self._known.get(key) is not socket:
            return
        if (stay := socket.page.stay) is None:
            del self._known[key]
        else:
            asyncio.get_running_loop().call_later(stay.grace + FORGET_AFTER, self._forget_lost, key, socket)

    def _forget_lost(self, key: Key, socket: PageSocket) -> None:
        if self._known.get(key) is socket:
            del self._known[key]


def _let_through(request: web.Request, page: PageSocket) -> None:
    """Note that a request of a page has become its WebSocket."""
    page.transport = request.transport
    if request.transport is not None:
        let_through(request.transport)


def _key(handshake: Handshake) -> Key | None:
    """Return what a page is known by when it comes back: its name alone is anybody's."""
    if not handshake.secret:
        return None
    return handshake.userid, sha256(handshake.secret.encode()).digest()
