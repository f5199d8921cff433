"""One client's socket: frames come in, one at a time; what is to be said waits in a bounded outbox.

Two tasks per socket: the request's own writes, a second one reads. The end of either ends both. `lost` is called once,
whatever the end was, and before anything is awaited, so that a cancelled request is noticed as well.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from aiohttp import WSMessage, WSMsgType, web

from signaling.config import SignalingConfig
from signaling.messages import BadMessage, ClientMessage, Error, ErrorCode, decode_client, encode
from signaling.reasons import Detection

OUTBOX = 256  # messages that wait; a client that lets more of them wait is cut off
HANGUP_TIMEOUT = 1.0  # seconds for what was said before a hang-up to be sent, and for the closing handshake
MAX_FRAME = 1024 * 1024  # bytes; what is longer than a message may be but not than this is answered with an error

log = logging.getLogger(__name__)


class Connection:
    """One WebSocket. `session` is whose socket it is; it changes when a session is resumed here."""

    def __init__(
        self,
        session: str,
        config: SignalingConfig,
        *,
        heard: Callable[["Connection", ClientMessage], None],
        lost: Callable[["Connection", Detection], None],
    ) -> None:
        self.session = session
        self.last_seen = asyncio.get_running_loop().time()
        self.socket = web.WebSocketResponse(
            timeout=HANGUP_TIMEOUT,
            autoping=False,  # a pong is a sign of life that we want to see
            heartbeat=config.heartbeat or None,
            compress=False,  # kilobytes for every idle client, and a way to make us inflate bombs
            max_msg_size=MAX_FRAME,
        )
        self._heard = heard
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._outbox: asyncio.Queue[bytes | None] = asyncio.Queue()  # None: hang up
        self._cut_off: asyncio.TimerHandle | None = None
        self._is_open = True  # it hears and is told
        self._has_ended = False

    async def prepare(self, request: web.Request) -> None:
        """Shake hands. Raises `HTTPBadRequest` if this is no WebSocket."""
        await self.socket.prepare(request)
        self._transport = request.transport

    def say(self, text: bytes) -> None:
        """Send one encoded message, after all that were said before."""
        if not self._is_open:
            return
        if self._outbox.qsize() < OUTBOX:
            self._outbox.put_nowait(text)
            return
        log.warning("session %s: cut off, because it does not read what it is told", self.session)
        self._is_open = False
        self._abort()

    def hang_up(self) -> None:
        """Close the socket once everything that was said has been sent, but soon in any case."""
        if not self._is_open:
            return
        self._is_open = False
        self._outbox.put_nowait(None)
        self._cut_off = asyncio.get_running_loop().call_later(HANGUP_TIMEOUT, self._abort)

    async def run(self) -> None:
        """Hear and say until the socket ends or is hung up."""
        reading = asyncio.create_task(self._read(), name=f"read {self.session}")
        reading.add_done_callback(self._end)
        try:
            await self._write()
            reading.remove_done_callback(self._end)
            await self._stop(reading)  # the closing handshake reads, too
            await self.socket.close()
        except ConnectionError:
            log.debug("session %s: the socket broke", self.session)
        finally:
            self._end()
            await self._stop(reading)
        if reading.done() and not reading.cancelled():
            reading.result()  # a defect of ours is to be seen

    async def _stop(self, reading: asyncio.Task[None]) -> None:
        reading.cancel()
        await asyncio.wait({reading}, timeout=HANGUP_TIMEOUT)

    async def _write(self) -> None:
        while (text := await self._outbox.get()) is not None:
            await self.socket.send_frame(text, WSMsgType.TEXT)

    async def _read(self) -> None:
        async for frame in self.socket:
            if frame.type is WSMsgType.ERROR:
                return
            self.last_seen = asyncio.get_running_loop().time()
            if self._is_open:
                await self._take(frame)
            # A burst of frames is read without ever waiting: let the writers of those whom it concerned have a turn,
            # or their outboxes would overflow through no fault of theirs.
            await asyncio.sleep(0)

    async def _take(self, frame: WSMessage) -> None:
        if frame.type is WSMsgType.TEXT:
            self._hear(frame.data)
        elif frame.type is WSMsgType.BINARY:
            self._complain(ErrorCode.BAD_MESSAGE, "messages are text frames")
        elif frame.type is WSMsgType.PING:
            with contextlib.suppress(ConnectionError):  # if it broke, reading ends by itself
                await self.socket.pong(frame.data)

    def _hear(self, text: str) -> None:
        try:
            message = decode_client(text.encode())  # the limit counts bytes
        except BadMessage as error:
            self._complain(error.code, error.text)
        else:
            self._heard(self, message)

    def _complain(self, code: ErrorCode, text: str) -> None:
        self.say(encode(Error(code=code, text=text)))

    def _end(self, _reading: asyncio.Task[None] | None = None) -> None:
        """Free the socket, wake the writer, tell who counts on us; the second time, nothing."""
        if self._has_ended:
            return
        self._has_ended = True
        self._is_open = False
        self._outbox.put_nowait(None)
        if self._cut_off is not None:
            self._cut_off.cancel()
        self._abort()
        is_silent = isinstance(self.socket.exception(), TimeoutError)
        self._lost(self, Detection.HEARTBEAT if is_silent else Detection.SOCKET_CLOSED)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
