"""The server: what can be asked of a node by HTTP and WebSocket, and where it listens.

    async with SignalingServer(grace=5).listen(port=8080) as site:
        print(site.url)

or, inside another aiohttp application, `parent.add_subapp("/rooms", SignalingServer().app)`.
"""

import asyncio
import contextlib
import dataclasses
import ipaddress
import logging
import secrets
import ssl
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Unpack

from aiohttp import web

from signaling.admin import Access, Admin
from signaling.admin.access import ORIGIN
from signaling.bodies import problem, read
from signaling.calls import RoomSettings, Told
from signaling.cluster.start import make_node
from signaling.config import Options, SignalingConfig
from signaling.connection import Connection
from signaling.door import Door
from signaling.gateways.start import add_gateways
from signaling.journal import Journal
from signaling.members import RoomStatus
from signaling.messages import ErrorCode, Extra, Farewell, MediaKind
from signaling.observer import Observers
from signaling.origins import is_from_elsewhere
from signaling.pages import add_pages
from signaling.record import Record
from signaling.refused import Refused
from signaling.sockets import Sockets
from signaling.upkeep import ENDING, Upkeep

NO_LIMIT = 3600.0  # seconds: aiohttp wants one
REQUEST_TIMEOUT = 1.0  # seconds that other requests have to end after all sockets are closed

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Site:
    """Where a server listens."""

    host: str
    port: int
    is_secure: bool = False

    @property
    def url(self) -> str:
        """The address of the front page, without a slash at its end."""
        return f"http{self._rest}"

    @property
    def ws_url(self) -> str:
        """The address for clients."""
        return f"ws{self._rest}/ws"

    @property
    def _rest(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'s' if self.is_secure else ''}://{host}:{self.port}"


class SignalingServer:
    """Rooms to meet in. `app` is an aiohttp application that works by itself and mounted anywhere in another.

    Options are those of `SignalingConfig`; given beside a `config`, they replace its values.
    """

    def __init__(self, config: SignalingConfig | None = None, **options: Unpack[Options]) -> None:
        self.config = dataclasses.replace(config or SignalingConfig(), **options)
        self.observers = Observers()
        self._sockets = Sockets(self.config, self.observers)
        self._node = make_node(self.config, self.observers)
        self._access = Access(self.config, self._sockets)
        self._upkeep = Upkeep(self.config, self._node, self.observers, self._access)
        self.app = web.Application()
        self.app.router.add_get("/ws", self._websocket)
        self.app.router.add_post("/ws", self._farewell)
        Admin(self._node, self._access, self.observers).add_to(self.app)
        add_pages(self.app.router, self.config.janus)
        self.app.on_shutdown.append(self._shut_down)
        self.app.cleanup_ctx.append(self._keep_journal)
        self.app.cleanup_ctx.append(self._be_a_node)
        self._upkeep.add_to(self.app)
        add_gateways(self.app, self._node, self._sockets)

    @property
    def sockets(self) -> Sockets:
        """The limits of numbers and rates, by address, for what is served beside our own routes."""
        return self._sockets

    @contextlib.asynccontextmanager
    async def inside(self) -> AsyncIterator[str]:
        """Let programs of this machine in, without TLS, until the block ends; yields the address for clients.

        For gateways: what they make users of the rooms comes in as any other client does.
        """
        app = web.Application()
        app.router.add_get("/ws", self._websocket)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=REQUEST_TIMEOUT)
        try:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"ws://127.0.0.1:{runner.addresses[0][1]}/ws"
        finally:
            await runner.cleanup()

    def nodes(self) -> tuple[str, frozenset[str]]:
        """Return what this node of a cluster is called, and all others that are alive; "" and none if it is alone.

        Nobody else can guess these names, and nobody else should be told.
        """
        return self._node.names()

    def rooms(self) -> list[RoomStatus]:
        """Return every room and who is in it, sorted by name."""
        return self._node.own_rooms()

    def room(self, name: str) -> RoomStatus | None:
        """Return one room and who is in it, `None` if nobody is."""
        return next((room for room in self._node.own_rooms() if room.name == name), None)

    async def kick(self, room: str, user: str, text: str | None = None, *, ban_for: float | None = None) -> Told | None:
        """Remove a user from a room: the others are told, then the user. `None` if no such user is there.

        With `ban_for` the user's name and token are kept out of the room for that many seconds.
        """
        return await self._node.kick(room, user, text, ban_for=ban_for)

    async def dismiss(self, room: str, text: str | None = None) -> Told | None:
        """Remove everybody from a room. `None` if there is no such room."""
        return await self._node.dismiss(room, text)

    async def create(self, settings: RoomSettings) -> bool:
        """Have a room exist. False if it does already; raises `Refusal` if it has other settings."""
        return await self._node.create(settings)

    async def mute(self, room: str, user: str, kind: MediaKind, text: str | None = None) -> Told | None:
        """Have a user send silence or black, who may unmute. `None` if no such user is there."""
        return await self._node.mute(room, user, kind, text)

    async def broadcast(self, room: str, topic: str, data: object = None, to: str | None = None) -> Told | None:
        """Say something to everybody in a room, or to one. `None` if nobody of that name is there."""
        return await self._node.broadcast(room, topic, data, to)

    async def update(self, room: str, user: str, extra: Extra) -> Told | None:
        """Replace what the others know of a user. `None` if no such user is there."""
        return await self._node.update(room, user, extra)

    async def move(self, room: str, user: str, to_room: str) -> Told | None:
        """Take a user to another room, whose devices stay open. `None` if no such user is there.

        Raises `Refusal` if the other room does not take the user in.
        """
        return await self._node.move(room, user, to_room)

    @contextlib.asynccontextmanager
    async def listen(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        ssl_context: ssl.SSLContext | None = None,
        exposed: bool = False,
    ) -> AsyncIterator[Site]:
        """Serve until the block ends; port 0 takes a free one. A server can listen once.

        Raises `OSError` if the port is taken, and what `check_exposure` does unless you say that being `exposed` is
        what you want.
        """
        if not exposed:
            check_exposure(host, self.config)
        runner = web.AppRunner(
            self.app,
            access_log=None,
            shutdown_timeout=REQUEST_TIMEOUT,
            keepalive_timeout=self.config.handshake_timeout or NO_LIMIT,  # aiohttp counts from the connection on
        )
        try:
            await runner.setup()
            await Door(runner, self._sockets, host, port, ssl_context=ssl_context).start()
            yield _site(runner.addresses[0], is_secure=ssl_context is not None)
        finally:
            await _complete(self._end(runner))

    async def _end(self, runner: web.AppRunner) -> None:
        self._upkeep.readiness.hold(ENDING)
        if runner.sites:
            log.info("the server ends; everybody is let go of in %g s", self.config.drain_delay)
            await asyncio.sleep(self.config.drain_delay)  # in which balancers learn that we are no longer ready
        await runner.cleanup()

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        if is_from_elsewhere(request, self.config):
            self._sockets.turned_away(ORIGIN, self._sockets.address_of(request))
            raise web.HTTPForbidden(text="pages of other sites may not connect")
        node = self._node
        with self._sockets.room_for(request) as address:
            connection = Connection(
                *(secrets.token_urlsafe(12), address, self._sockets), heard=node.heard, lost=node.lost
            )
            await self._converse(request, connection)
        return connection.socket

    async def _converse(self, request: web.Request, connection: Connection) -> None:
        node = self._node
        node.connecting(connection)
        try:
            await connection.prepare(request)
            node.opened(connection)
            await connection.run()
        except ConnectionError:
            log.debug("session %s: gone before it was there", connection.session)
        finally:
            node.ended(connection)

    async def _farewell(self, request: web.Request) -> web.Response:
        """Take the word of a dead or blocked client's guard or watchdog, or of a page that goes away."""
        address = self._sockets.address_of(request)
        if is_from_elsewhere(request, self.config):
            raise self._access.refusal(ORIGIN, address, "pages of other sites may not ask this")
        farewell = await read(request, Farewell, or_text=True)  # other sites are refused already, and know no ticket
        is_news = await self._node.farewell(farewell)
        if not is_news and farewell.by is None:  # a page's leave may have come first, over its socket
            self._sockets.turned_away(ErrorCode.SESSION_GONE, address)
            raise problem(
                web.HTTPNotFound, ErrorCode.SESSION_GONE, "there is no such session, or this is not its ticket"
            )
        return web.Response(status=204)

    async def _keep_journal(self, _app: web.Application) -> AsyncIterator[None]:
        with Journal.open(self.config.journal, who="server") as journal:
            record = Record(journal)
            with Refused(journal) as refused:
                self.observers.add(record)
                self.observers.add(refused)
                self.observers.started(self.config.grace)
                yield
                self.observers.remove(record)
                self.observers.remove(refused)

    async def _be_a_node(self, _app: web.Application) -> AsyncIterator[None]:
        await self._node.start()
        yield
        await self._node.close()

    async def _shut_down(self, _app: web.Application) -> None:
        await self._upkeep.end()


def check_exposure(host: str, config: SignalingConfig) -> None:
    """Raise `ValueError` if listening on `host` would let strangers in: beyond this machine, without a key."""
    if not config.all_keys and not _is_loopback(host):
        raise ValueError(
            f"listening on {host or 'all addresses'} without a key lets everybody in the network enter and close"
            " every room: set a key, or listen on 127.0.0.1"
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _site(address: tuple[str, int], *, is_secure: bool) -> Site:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0])  # noqa: S104 - to visit, not to bind
    return Site(host, address[1], is_secure)


async def _complete(work: Coroutine[None, None, None]) -> None:
    """Do all of `work`, which is bounded, even if we are cancelled meanwhile; then be cancelled."""
    task = asyncio.create_task(work, name="close the server")
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()
