"""The server: carries out what the lobby decided, on sockets and by the clock. It decides nothing.

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
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Unpack

from aiohttp import web

from signaling.admin import Admin
from signaling.bodies import forbidden, problem, read
from signaling.config import Options, SignalingConfig
from signaling.connection import HANGUP_TIMEOUT, Connection
from signaling.effects import Adopt, Ban, Effect, Entered, Exited, Hangup, Send, Unheard
from signaling.journal import Journal
from signaling.lobby import Lobby
from signaling.members import RoomStatus
from signaling.messages import ClientMessage, ErrorCode, Farewell, encode
from signaling.origins import is_from_elsewhere
from signaling.pages import add_pages
from signaling.reasons import Detection
from signaling.record import Record

SHUTDOWN_TIMEOUT = HANGUP_TIMEOUT + 1.0  # seconds for all sockets to close; each is aborted sooner than that
REQUEST_TIMEOUT = 1.0  # seconds that other requests have to end after that

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
        self._lobby = Lobby(self.config)
        self._record = Record()
        self._connections: set[Connection] = set()
        self._sockets: dict[str, Connection] = {}  # by session
        self._all_closed = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self.app = web.Application()
        self.app.router.add_get("/ws", self._websocket)
        self.app.router.add_post("/ws", self._farewell)
        Admin(self).add_routes(self.app.router)
        add_pages(self.app.router)
        self.app.on_shutdown.append(self._shut_down)
        self.app.cleanup_ctx.append(self._keep_journal)

    def rooms(self) -> list[RoomStatus]:
        """Return every room and who is in it, sorted by name."""
        return self._lobby.rooms()

    def room(self, name: str) -> RoomStatus | None:
        """Return one room and who is in it, `None` if nobody is."""
        return self._lobby.room(name)

    async def kick(self, room: str, user: str, text: str | None = None, *, ban_for: float | None = None) -> bool:
        """Remove a user from a room: the others are told, then the user. False if no such user is there.

        With `ban_for` the user's name and token are kept out of the room for that many seconds.
        """
        self._record.kick_asked(room, user, via="api", text=text, ban_for=ban_for)
        effects = self._lobby.kick(room, user, text, _now(), ban_for)
        self._apply(effects)
        return bool(effects)

    async def dismiss(self, room: str, text: str | None = None) -> bool:
        """Remove everybody from a room. False if there is no such room."""
        self._record.dismiss_asked(room, via="api", text=text)
        effects = self._lobby.dismiss(room, text, _now())
        self._apply(effects)
        return bool(effects)

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
        runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=REQUEST_TIMEOUT)
        try:
            await runner.setup()
            await web.TCPSite(runner, host, port, ssl_context=ssl_context).start()
            yield _site(runner.addresses[0], is_secure=ssl_context is not None)
        finally:
            await _complete(runner.cleanup())

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        if is_from_elsewhere(request, self.config):
            raise web.HTTPForbidden(text="pages of other sites may not connect")
        connection = Connection(secrets.token_urlsafe(12), self.config, heard=self._heard, lost=self._lost)
        self._connections.add(connection)
        try:
            await connection.prepare(request)
            self._sockets[connection.session] = connection
            self._record.opened(connection.session)
            self._lobby.open(connection.session, secrets.token_urlsafe(24))
            await connection.run()
        except ConnectionError:
            log.debug("session %s: gone before it was there", connection.session)
        finally:
            self._connections.remove(connection)
            if not self._connections:
                self._all_closed.set()
        return connection.socket

    async def _farewell(self, request: web.Request) -> web.Response:
        """Take the word of a dead or blocked client's guard or watchdog."""
        if is_from_elsewhere(request, self.config):
            raise forbidden("pages of other sites may not ask this")
        message = await read(request, Farewell)
        effects = self._lobby.farewell(message, _now())
        if not effects:
            raise problem(
                web.HTTPNotFound, ErrorCode.SESSION_GONE, "there is no such session, or this is not its ticket"
            )
        self._record.farewell(message)
        self._apply(effects)
        return web.Response(status=204)

    def _heard(self, connection: Connection, message: ClientMessage) -> None:
        self._record.heard(connection.session, message)
        self._apply(self._lobby.handle(connection.session, message, _now(), time.time()))

    def _lost(self, connection: Connection, detected_by: Detection) -> None:
        # A session that was hung up on or went on at another socket is not this one's to lose.
        if self._sockets.get(connection.session) is connection:
            del self._sockets[connection.session]
            log.debug("session %s: socket lost (%s)", connection.session, detected_by)
            self._record.lost(connection.session, detected_by, _now() - connection.last_seen, self.config.grace)
            self._apply(self._lobby.lost(connection.session, _now(), connection.last_seen, detected_by))

    def _apply(self, effects: list[Effect]) -> None:
        for effect in effects:
            self._carry_out(effect)
        self._set_alarm()

    def _carry_out(self, effect: Effect) -> None:
        self._record.did(effect)
        match effect:
            case Send(to, message):
                text = encode(message)
                for session in to:
                    if session in self._sockets:
                        self._sockets[session].say(text)
            case Hangup(session):
                if connection := self._sockets.pop(session, None):
                    connection.hang_up()
            case Adopt(opened_as, session):
                self._adopt(opened_as, session)
            case Entered(session, room, user):
                log.info("room %s: %s entered (session %s)", room, user, session)
            case Exited(session, room, user, reason, detected_by):
                log.info("room %s: %s left (%s, known by %s, session %s)", room, user, reason, detected_by, session)
            case Unheard() | Ban():
                pass  # the lobby keeps it

    def _adopt(self, opened_as: str, session: str) -> None:
        connection = self._sockets.pop(opened_as)
        former = self._sockets.get(session)
        self._sockets[session] = connection
        connection.session = session
        log.debug("session %s: resumed", session)
        if former is not None:
            former.hang_up()

    def _set_alarm(self) -> None:
        due = self._lobby.next_deadline()
        if self._alarm is not None:
            if self._alarm.when() == due:
                return
            self._alarm.cancel()
        self._alarm = None if due is None else asyncio.get_running_loop().call_at(due, self._advance)

    def _advance(self) -> None:
        self._alarm = None
        self._apply(self._lobby.advance(_now()))

    async def _keep_journal(self, _app: web.Application) -> AsyncIterator[None]:
        with Journal.open(self.config.journal, who="server") as journal:
            self._record = Record(journal)
            self._record.started(self.config.grace)
            yield

    async def _shut_down(self, _app: web.Application) -> None:
        self._record.stopping()
        self._apply(self._lobby.shutdown(_now()))
        if not self._connections:
            return
        self._all_closed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SHUTDOWN_TIMEOUT):
                await self._all_closed.wait()


def check_exposure(host: str, config: SignalingConfig) -> None:
    """Raise `ValueError` if listening on `host` would let strangers in: beyond this machine, without a key."""
    if config.key is None and not _is_loopback(host):
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


def _now() -> float:
    return asyncio.get_running_loop().time()


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
