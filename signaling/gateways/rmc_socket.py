"""The socket of one page of RTCMultiConnection: its events come in one by one, what it is told goes out in order."""

import asyncio
import logging
import time
from typing import Any

from aiohttp import WSCloseCode

from signaling.calls import Refusal
from signaling.gate import Limit
from signaling.gateways.rmc_effects import Effect, Emit, End, Enter, Reply, Tell
from signaling.gateways.rmc_page import Page
from signaling.gateways.rmc_requests import CheckPresence, JoinRoom, OpenRoom, request_of
from signaling.gateways.rmc_visit import Visit
from signaling.gateways.socketio_server import PING_INTERVAL, PING_TIMEOUT, SocketIoServer
from signaling.members import RoomStatus
from signaling.messages import BadMessage, ClientMessage, Error, ErrorCode, Join, ServerMessage, decode_client, encode
from signaling.node import Node
from signaling.rates import Bucket
from signaling.reasons import Detection
from signaling.sockets import Sockets
from signaling.tokens import TokenError, verify

JOIN_LIMIT = 1.5  # seconds for a room to answer: a page is not heard meanwhile, and would be taken for dead
TOO_LATE = "the room did not answer in time: try again"

log = logging.getLogger(__name__)


class PageSocket:
    """One page while it is connected. `transport` is what a WebSocket of it is made of."""

    def __init__(
        self,
        sid: str,
        engine: str,
        address: str,
        page: Page,
        *,
        server: SocketIoServer,
        node: Node,
        sockets: Sockets,
    ) -> None:
        config, now = sockets.config, asyncio.get_running_loop().time()
        self.sid, self.engine, self.address, self.page = sid, engine, address, page
        self.transport: asyncio.Transport | None = None
        self._server, self._node, self._sockets = server, node, sockets
        self._bucket = Bucket(config.message_rate, config.message_burst, now)
        self._is_slowed = False
        self._heard_at = now
        self._seen_at: float | None = None  # None: it is connected, and answers pings
        self._visit: Visit | None = None
        self._reply: asyncio.Future[tuple[Any, ...]] | None = None
        self._outgoing: asyncio.Queue[Emit | End | None] = asyncio.Queue()
        self._is_over = False
        self.writing = asyncio.create_task(self._write(), name=f"write to {page.user}")

    # -- what the page says --

    async def hear(self, event: str, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Take in an event of the page; return what acknowledges it, `None` if nothing is to."""
        self._heard_at = asyncio.get_running_loop().time()
        await self._sockets.my_turn()
        await self._slow_down(self._bucket.take(self._heard_at))
        page = self.page
        request = request_of(event, args, msg_event=page.handshake.msg_event, custom_event=page.custom_event)
        if request is None or self._is_over:
            return ()
        status = None
        if isinstance(request, CheckPresence | OpenRoom | JoinRoom):
            status, problem = await self._look_at(request.room)
            if not self._still_has(page):
                return ()  # nobody would ever leave for it
            if problem is not None:
                return (False, request.room, {}) if isinstance(request, CheckPresence) else (False, problem)
        self._reply = asyncio.get_running_loop().create_future()
        self.apply(page.hear(request, status))
        return await self._answer()

    async def _answer(self) -> tuple[Any, ...] | None:
        """Return what the page is answered: at once, but for a wish to enter, of which a room decides."""
        assert self._reply is not None
        if not self._reply.done() and not self.page.is_entering:
            return None
        try:
            async with asyncio.timeout(JOIN_LIMIT):
                return await self._reply
        except TimeoutError:
            self.apply(self.page.give_up())
            return (False, TOO_LATE)
        finally:
            self._reply = None

    def _still_has(self, page: Page) -> bool:
        """Whether a page has neither gone nor goes on at another socket."""
        return not self._is_over and self.page is page

    async def _look_at(self, room: str) -> tuple[RoomStatus | None, str | None]:
        """Return what is known of a room, and why the page is not told of it; `None`: it is."""
        if (problem := self._objection_to(room)) is not None:
            return None, problem
        try:
            return await self._node.room(room), None
        except Refusal as refusal:  # the node that runs it does not answer, or those that know which it is
            return None, refusal.text

    def _objection_to(self, room: str) -> str | None:
        """Return why the page may not even ask about a room; `None`: it may."""
        token, keys = self.page.handshake.token, self._sockets.config.all_keys
        try:
            verify(token, keys, room, self.page.user, time.time())
        except TokenError as error:
            return error.text
        return None

    async def _slow_down(self, wait: float) -> None:
        """Hear the next event later, if there are too many."""
        if wait and not self._is_slowed:
            self._is_slowed = True
            self._sockets.refused(Limit.MESSAGE_RATE, self.address)
        if wait:
            await asyncio.sleep(wait)

    # -- what was decided --

    def apply(self, effects: list[Effect]) -> None:
        """Carry out what was decided of the page."""
        for effect in effects:
            match effect:
                case Emit() | End():
                    self._outgoing.put_nowait(effect)
                case Reply(args):
                    if self._reply is not None and not self._reply.done():
                        self._reply.set_result(args)
                case Enter(join):
                    self._enter(join)
                case Tell(message):  # pragma: no branch - mypy checks that nothing is left
                    self._tell(message)

    def _enter(self, join: Join) -> None:
        now = asyncio.get_running_loop().time()
        if join.resume is None and not self._sockets.gate.may_join(self.address, now):
            self._sockets.refused(Limit.JOIN_RATE, self.address)
            text = f"there are too many joins from {self.address}: try again later"
            self.apply(self.page.hear_room(Error(code=ErrorCode.RATE_LIMITED, text=text, about="join")))
            return
        self._visit = Visit(
            self.address,
            last_seen=lambda: self.last_seen,
            waiting=lambda: self._server.waiting(self.engine),
            heard=self._hear_room,
            over=self._let_go,
        )
        self._node.connecting(self._visit)
        self._node.opened(self._visit)
        self._tell(join)

    def _tell(self, message: ClientMessage) -> None:
        """Say something in the room, within the limits that hold for all clients."""
        if self._visit is None:
            return
        try:
            self._node.heard(self._visit, decode_client(encode(message)))
        except BadMessage as error:
            self._sockets.turned_away(error.code, self.address)
            about = str(message.__struct_config__.tag)
            self.apply(self.page.hear_room(Error(code=error.code, text=error.text, about=about)))

    def _hear_room(self, visit: Visit, message: ServerMessage) -> None:
        if visit is self._visit:
            self.apply(self.page.hear_room(message))

    def _let_go(self, visit: Visit, code: int) -> None:
        """The node has hung up: on who is out, or on everybody."""
        self._node.ended(visit)
        if visit is self._visit:
            self._visit = None
            if code == WSCloseCode.SERVICE_RESTART or self.page.stay is not None:
                self.apply(self.page.cast_off())

    # -- the end --

    @property
    def last_seen(self) -> float:
        """When the page last gave a sign of life: its answers to pings are not shown to us, only that they came."""
        answered = asyncio.get_running_loop().time() if self._seen_at is None else self._seen_at
        return max(self._heard_at, answered - PING_INTERVAL)

    def close(self) -> None:
        """Have the page leave everybody, and hang up on it."""
        self.apply(self.page.cast_off())

    def give_up_page(self) -> Page:
        """Let another socket go on with the page."""
        page, self.page = self.page, Page(self.page.handshake)
        self.apply([*page.farewell(), End()])
        return page

    def ended(self, reason: str) -> None:
        """Note that the socket is gone, and why."""
        if self._is_over:
            return
        self._is_over = True
        self._outgoing.put_nowait(None)
        if reason == self._server.reason.CLIENT_DISCONNECT:
            self.apply(self.page.leave())
        is_silent = reason == self._server.reason.PING_TIMEOUT
        self._seen_at = asyncio.get_running_loop().time() - (PING_TIMEOUT if is_silent else 0)
        visit, self._visit = self._visit, None
        if visit is not None:
            self._node.lost(visit, Detection.HEARTBEAT if is_silent else Detection.SOCKET_CLOSED)
            visit.close()
            self._node.ended(visit)

    async def _write(self) -> None:
        while (effect := await self._outgoing.get()) is not None:
            if isinstance(effect, End):
                if not await self._server.hang_up(self.sid, self.engine) and self.transport is not None:
                    self.transport.abort()
                return
            if not self._is_over:
                await self._server.emit(effect.event, effect.args, to=self.sid)
                self._cut_if_slow()

    def _cut_if_slow(self) -> None:
        if self._server.waiting(self.engine) > self._sockets.config.outbox_messages:
            self._sockets.refused(Limit.OUTBOX, self.address)
            log.warning("page %r: cut off, because it does not read what it is told", self.page.user)
            self._outgoing.put_nowait(End())
