"""One client's socket: frames come in, one at a time; what is to be said goes out through a bounded outbox.

No task is made for a socket: the request's own reads until either side ends it, and then closes. `lost` is called once,
whatever the end was, and before anything is awaited, so that a cancelled request is noticed as well.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from signaling.door import let_through
from signaling.framing import PING, text_frame
from signaling.gate import Limit
from signaling.messages import BadMessage, ClientMessage, Error, ErrorCode, Join, decode_client, encode
from signaling.outbox import Outbox
from signaling.rates import Bucket
from signaling.reasons import Detection
from signaling.sockets import Sockets
from signaling.vigil import Signs, Verdict, judge

HANGUP_TIMEOUT = 1.0  # seconds for what was said before a hang-up to be sent, and for the closing handshake
MAX_FRAME = 1024 * 1024  # bytes; what is longer than a message may be but not than this is answered with an error

log = logging.getLogger(__name__)


class Connection:
    """One WebSocket. `session` is whose socket it is; it changes when a session is resumed here."""

    __slots__ = (
        *("address", "session", "socket"),
        *("_bucket", "_close_code", "_cut_off", "_heard", "_lost", "_outbox", "_reading", "_signs", "_sockets"),
        *("_has_ended", "_is_kept_waiting", "_is_open", "_is_silent", "_is_slowed", "_transport"),
    )

    def __init__(
        self,
        session: str,
        address: str,
        sockets: Sockets,
        *,
        heard: Callable[["Connection", ClientMessage], None],
        lost: Callable[["Connection", Detection], None],
    ) -> None:
        config, now = sockets.config, asyncio.get_running_loop().time()
        self.session = session
        self.address = address
        self.socket = web.WebSocketResponse(
            timeout=HANGUP_TIMEOUT,
            autoping=False,  # a pong is a sign of life that we want to see
            compress=False,  # kilobytes for every idle client, and a way to make us inflate bombs
            max_msg_size=MAX_FRAME,
        )
        self._sockets = sockets
        self._heard = heard
        self._lost = lost
        self._signs = Signs(now, join_by=now + config.join_timeout if config.join_timeout else None)
        self._bucket = Bucket(config.message_rate, config.message_burst, now)
        self._transport: asyncio.Transport | None = None
        self._outbox: Outbox | None = None
        self._reading: asyncio.Timeout | None = None  # expires when we hang up
        self._cut_off: asyncio.TimerHandle | None = None
        self._is_open = True  # it hears and is told
        self._close_code: int = WSCloseCode.OK
        self._is_slowed = False  # it has said more than it may
        self._is_kept_waiting = False  # it is we who do not listen just now
        self._is_silent = False
        self._has_ended = False

    @property
    def last_seen(self) -> float:
        """When it last gave a sign of life, on the loop's clock."""
        return self._signs.heard

    @property
    def waiting(self) -> int:
        """How many messages its socket has not taken yet."""
        return 0 if self._outbox is None else len(self._outbox)

    async def prepare(self, request: web.Request) -> None:
        """Shake hands. Raises `HTTPBadRequest` if this is no WebSocket."""
        writer = await self.socket.prepare(request)
        transport, config = request.transport, self._sockets.config
        if transport is None:
            raise ConnectionResetError("it went while we shook hands")
        let_through(transport)
        self._transport = transport
        self._outbox = Outbox(
            *(transport, writer.drain, self._sockets.turns),
            max_frames=config.outbox_messages,
            max_bytes=config.outbox_bytes,
        )
        self._signs.heard = asyncio.get_running_loop().time()
        self._sockets.watch(self)

    def say(self, text: bytes) -> None:
        """Send one encoded message, after all that were said before."""
        self.send(text_frame(text))

    def send(self, frame: bytes) -> None:
        """Send a message that is framed already (`text_frame`), after all that were said before."""
        if not self._is_open or self._outbox is None or self._outbox.add(frame):
            return
        self._sockets.refused(Limit.OUTBOX, self.address)
        log.warning("session %s: cut off, because it does not read what it is told", self.session)
        self._cut()

    def hang_up(self, code: int = WSCloseCode.OK) -> None:
        """Close the socket once everything that was said has been sent, but soon in any case."""
        if not self._is_open:
            return
        self._close_code = code
        self._is_open = False
        loop = asyncio.get_running_loop()
        self._cut_off = loop.call_later(HANGUP_TIMEOUT, self._abort)
        if self._reading is not None:
            self._reading.reschedule(loop.time())

    def look(self, now: float) -> None:
        """Ping the client, or end the socket, if it has been silent for long enough."""
        if not self._is_open or self._is_kept_waiting:
            return
        match judge(self._signs, self._sockets.config.heartbeat, now):
            case Verdict.PING:
                self._signs.pinged = now
                self._ping()
            case Verdict.SILENT:
                self._is_silent = True
                self._cut()
            case Verdict.TOO_SLOW:
                limit = self._sockets.config.join_timeout
                self._refuse(Limit.JOIN_TIME, ErrorCode.TOO_SLOW, f"a client joins within {limit:g} seconds")
            case Verdict.FINE:
                pass

    async def run(self) -> None:
        """Hear and say until the socket ends or is hung up."""
        try:
            if self._is_open:
                await self._read_until_hung_up()
            if not self._is_open and self._outbox is not None:
                await self._outbox.empty()
                await self.socket.close(code=self._close_code)
        except ConnectionError:
            log.debug("session %s: the socket broke", self.session)
        finally:
            self._end()
            if self._outbox is not None:
                await self._outbox.close()

    async def _read_until_hung_up(self) -> None:
        try:
            async with asyncio.timeout(None) as self._reading:
                await self._read()
        except TimeoutError:
            if self._is_open:  # not ours
                raise
        finally:
            self._reading = None

    async def _read(self) -> None:
        async for frame in self.socket:
            if frame.type is WSMsgType.ERROR:
                return
            await self._sockets.my_turn()
            self._signs.heard = asyncio.get_running_loop().time()
            await self._take(frame)

    async def _take(self, frame: WSMessage) -> None:
        if frame.type is WSMsgType.PONG:
            return
        if wait := self._bucket.take(self._signs.heard):
            await self._slow_down(wait)
        if not self._is_open:
            return  # cut off meanwhile
        if frame.type is WSMsgType.TEXT:
            self._hear(frame.data)
        elif frame.type is WSMsgType.BINARY:
            self._sockets.turned_away(ErrorCode.BAD_MESSAGE, self.address)
            self._complain(ErrorCode.BAD_MESSAGE, "messages are text frames")
        elif frame.type is WSMsgType.PING:
            with contextlib.suppress(ConnectionError):  # if it broke, reading ends by itself
                await self.socket.pong(frame.data)

    async def _slow_down(self, wait: float) -> None:
        """Read on later: nothing that was said is lost, and who says too much waits for itself."""
        if not self._is_slowed:
            self._is_slowed = True
            rate = self._sockets.config.message_rate
            self._sockets.refused(Limit.MESSAGE_RATE, self.address)
            self._complain(ErrorCode.RATE_LIMITED, f"more than {rate:g} messages a second are heard late")
        self._is_kept_waiting = True
        try:
            await asyncio.sleep(wait)
        finally:
            self._is_kept_waiting = False

    def _hear(self, text: str) -> None:
        try:
            message = decode_client(text.encode())  # the limit counts bytes
        except BadMessage as error:
            if error.code is ErrorCode.TOO_LARGE:
                self._sockets.refused(Limit.MESSAGE_SIZE, self.address)
            else:
                self._sockets.turned_away(error.code, self.address)
            self._complain(error.code, error.text)
            return
        if not isinstance(message, Join) or self._may_join(message):
            self._heard(self, message)

    def _may_join(self, message: Join) -> bool:
        self._signs.join_by = None
        if message.resume is not None or self._sockets.gate.may_join(self.address, self._signs.heard):
            return True
        rate = self._sockets.config.join_rate
        text = f"there are more than {rate} joins a minute from {self.address}: try again later"
        self._refuse(Limit.JOIN_RATE, ErrorCode.RATE_LIMITED, text, "join")
        return False

    def _refuse(self, limit: Limit, code: ErrorCode, text: str, about: str | None = None) -> None:
        self._sockets.refused(limit, self.address)
        self._complain(code, text, about)
        self.hang_up()

    def _complain(self, code: ErrorCode, text: str, about: str | None = None) -> None:
        self.say(encode(Error(code=code, text=text, about=about)))

    def _ping(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(PING)

    def _cut(self) -> None:
        self._is_open = False
        self._abort()

    def _end(self) -> None:
        """Free the socket and tell who counts on us; the second time, nothing."""
        if self._has_ended:
            return
        self._has_ended = True
        self._is_open = False
        self._sockets.release(self)
        if self._cut_off is not None:
            self._cut_off.cancel()
        self._abort()
        self._lost(self, Detection.HEARTBEAT if self._is_silent else Detection.SOCKET_CLOSED)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
