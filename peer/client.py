"""The WebSocket to the server: connects, joins, keeps alive, and comes back in the same session when it is cut off.

CONNECTING ──joined──► JOINED ──lost──► RESUMING ──joined──► JOINED
                          │                 └──grace over, session gone──► on_gone
                          └──exitRoom──► on_message, then the end
"""

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Callable
from http import HTTPStatus

from aiortc import RTCDataChannel
from msgspec import DecodeError, Struct, json
from msgspec.structs import replace
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus, InvalidURI
from websockets.http11 import Response
from websockets.protocol import State

from peer.channel import CHANNELS
from peer.checks import check_topology
from peer.config import PeerConfig
from peer.errors import NotAnExeuntServer, Refused, ServerUnreachable, SignalingError, UsageError
from signaling.messages import (
    Ack,
    Answer,
    BadMessage,
    Candidate,
    ClientMessage,
    Error,
    ErrorCode,
    ExitRoom,
    Join,
    Joined,
    Leave,
    NeedOffer,
    Offer,
    Resume,
    ServerMessage,
    decode_server,
    encode,
)
from signaling.reasons import Reason

CLOSE_LIMIT = 0.5  # seconds for the closing handshake
ATTEMPT_LIMIT = 2.0  # seconds for one attempt to resume: one that hangs must not use up the grace
MAX_FRAME = 16 * 1024 * 1024  # bytes; a roster of many users with large extras is larger than what clients may say
OUTBOX_LIMIT = 256  # messages that wait for a slow or lost connection
RELAYS = (Offer, Answer, Candidate, NeedOffer)  # useless once they are late: negotiation starts anew after a loss
REASONS = {
    ErrorCode.TOKEN_EXPIRED: Reason.TOKEN_EXPIRED,
    ErrorCode.SERVER_SHUTDOWN: Reason.SERVER_SHUTDOWN,
    ErrorCode.BANNED: Reason.KICKED,
}
log = logging.getLogger(__name__)


def retry_delays(config: PeerConfig) -> "Callable[[int], float]":
    """Return attempt → seconds to wait before it: doubling, with full jitter, so that a crowd does not come at once."""

    def delay(attempt: int) -> float:
        top = min(config.retry_max, config.retry_min * 2.0**attempt)
        return random.uniform(config.retry_min / 2, top)  # noqa: S311 - jitter, not a secret

    return delay


class _Ended(SignalingError):
    """The session was ended while we were away; this is the last message that we could not hear."""

    def __init__(self, message: ExitRoom) -> None:
        super().__init__(message.text or message.reason)
        self.message = message


class _Said(Struct, frozen=True):
    """A message on its way."""

    text: str
    is_relay: bool


class SignalingClient:
    """One session with a server. Callbacks run on the loop and return at once."""

    channels = CHANNELS

    def __init__(
        self,
        url: str,
        join: Join,
        config: PeerConfig,
        *,
        on_message: Callable[[ServerMessage], None],
        on_lost: Callable[[], None],
        on_gone: Callable[[Reason, str], None],
    ) -> None:
        if not url.startswith(("ws://", "wss://", "http://", "https://")):
            raise UsageError(f"{url!r} is no server address: it looks like ws://127.0.0.1:8080/ws")
        self.url = url
        self.is_over = False  # nothing that we say will be heard any more
        self._join = join
        self._config = config
        self._on_message, self._on_lost, self._on_gone = on_message, on_lost, on_gone
        self._joined: Joined | None = None
        self._seq = 0
        self._outbox: deque[_Said] = deque()
        self._wake = asyncio.Event()
        self._socket: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None

    async def connect(self) -> Joined:
        """Connect and join. Raises `SignalingError` with one sentence that says what is wrong."""
        try:
            async with asyncio.timeout(self._config.connect_limit):
                joined = await self._attempt(self._join)
        except TimeoutError:
            await self.close()
            raise ServerUnreachable(f"{self.url} does not answer within {self._config.connect_limit:g} s") from None
        except BaseException:
            await self.close()
            raise
        self._task = asyncio.create_task(self._run(), name="signaling")
        self._task.add_done_callback(self._ended)
        return joined

    def say(self, message: ClientMessage) -> None:
        """Send a message, or keep it until we are back; what is of no use then is dropped.

        Raises `UsageError` for what cannot be written as UTF-8.
        """
        said = _Said(_written(message), isinstance(message, RELAYS))
        if self._socket is None and said.is_relay:
            return
        if len(self._outbox) >= OUTBOX_LIMIT:
            log.warning("more than %d messages wait for %s: the oldest is dropped", OUTBOX_LIMIT, self.url)
            self._outbox.popleft()
        self._outbox.append(said)
        self._wake.set()

    @property
    def is_connected(self) -> bool:
        """Whether what we say reaches the server now, as far as we know."""
        return self._socket is not None and self._socket.state is State.OPEN

    def saw(self, seq: int) -> None:
        """Remember the last room event, so that a resume starts behind it."""
        self._seq = max(self._seq, seq)

    def use_token(self, token: str) -> None:
        """Come back with this token, should the connection be lost."""
        self._join = replace(self._join, token=token)

    def moved(self, room: str, seq: int) -> None:
        """Note that our session goes on in another room, of which that is the last room event."""
        self._join, self._seq = replace(self._join, room=room), seq

    def offers_to(self, user: str) -> bool:
        """Whether it is we who offer to somebody who came after us."""
        return False

    def adopts(self, user: str, channel: RTCDataChannel) -> bool:
        """Whether a data channel is taken for a use of our own."""
        return False

    async def close(self) -> None:
        """Hang up, bounded. May be called twice and in any state."""
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait({task})
        await self._hang_up()

    async def _run(self) -> None:
        """Be connected for as long as the session lasts."""
        while await self._converse():
            self._on_lost()
            try:
                joined = await self._resume()
            except _Ended as ended:
                self._on_message(ended.message)
                return
            except SignalingError as error:
                self.is_over = True
                self._on_gone(_reason(error), str(error))
                return
            self._on_message(joined)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Whatever ends the session's task, it is noticed."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the session with %s failed", self.url, exc_info=error)
            self.is_over = True
            self._on_gone(Reason.NETWORK_LOST, f"{type(error).__name__}: {error}")

    async def _converse(self) -> bool:
        """Talk until the connection ends. Says whether it was lost: after the server's `exitRoom` it was not."""
        socket = self._socket
        assert socket is not None
        writer = asyncio.create_task(self._write(socket), name="signaling writer")
        try:
            return await self._read(socket)
        finally:
            writer.cancel()
            await asyncio.wait({writer})
            await self._hang_up()

    async def _read(self, socket: ClientConnection) -> bool:
        with contextlib.suppress(ConnectionClosed):
            async for frame in socket:
                if isinstance(frame, str) and (last := self._hear(frame)):
                    await self._acknowledge(socket, last)
                    return False
        return True

    def _hear(self, text: str) -> ExitRoom | None:
        """Take in a message; return it if it is the last."""
        try:
            message = decode_server(text)
        except BadMessage as error:
            log.warning("%s said something that is no message: %s", self.url, error)
            return None
        self._on_message(message)
        return message if isinstance(message, ExitRoom) else None

    async def _acknowledge(self, socket: ClientConnection, last: ExitRoom) -> None:
        """Say that we know that we are out, if somebody wants to know: past the outbox, which nobody empties now."""
        if last.wants_ack:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_LIMIT):
                    await socket.send(_written(Ack(seq=last.seq)))

    async def _write(self, socket: ClientConnection) -> None:
        """Send what waits, in order. A message leaves the outbox once it is handed to the socket."""
        while True:
            while self._outbox:
                said = self._outbox[0]
                try:
                    await socket.send(said.text)
                except ConnectionClosed:
                    return  # the reader notices too
                if self._outbox[0] is said:  # it may have been dropped meanwhile, as the oldest
                    self._outbox.popleft()
            self._wake.clear()
            await self._wake.wait()

    async def _resume(self) -> Joined:
        """Try to come back until the grace is over. Raises `SignalingError` when the session is gone for good."""
        assert self._joined is not None
        self._outbox = deque(said for said in self._outbox if not said.is_relay)
        resume = Resume(session=self._joined.session, secret=self._joined.secret, seq=self._seq)
        join = replace(self._join, resume=resume)
        delay = retry_delays(self._config)
        attempt = 0
        try:
            async with asyncio.timeout(self._joined.grace):
                while True:
                    await asyncio.sleep(delay(attempt))
                    try:
                        async with asyncio.timeout(ATTEMPT_LIMIT):
                            return await self._attempt(join)
                    except (Refused, _Ended):
                        raise
                    except (SignalingError, TimeoutError) as error:
                        log.debug("attempt %d to resume: %r", attempt, error)
                    attempt += 1
        except TimeoutError:
            raise ServerUnreachable(f"{self.url} did not answer for {self._joined.grace:g} s") from None

    async def _attempt(self, join: Join) -> Joined:
        """Open a socket and join on it; on failure leave nothing open."""
        socket = await _open(self.url, self._config.heartbeat)
        try:
            joined = await self._enter(socket, join)
        except BaseException:
            if join.resume is None:  # the server may have let us in, which nobody will know of
                with contextlib.suppress(ConnectionClosed):
                    await socket.send(_written(Leave()))
            await socket.close()
            raise
        self._socket, self._joined = socket, joined
        self._wake.set()
        return joined

    async def _enter(self, socket: ClientConnection, join: Join) -> Joined:
        try:
            await socket.send(_written(join))
            frame = await socket.recv()
        except ConnectionClosed:
            raise ServerUnreachable(f"{self.url} hung up before it let us in") from None
        try:
            message = decode_server(frame)
        except BadMessage:
            raise NotAnExeuntServer(f"{self.url} is no Exeunt server: it says something else") from None
        match message:
            case Joined():
                if join.resume is None:
                    check_topology(self._config.topology, message.topology)
                return message
            case Error(code=code, text=text):
                raise Refused(code, text)
            case ExitRoom():
                raise _Ended(message)
            case _:
                raise NotAnExeuntServer(f"{self.url} is no Exeunt server: it did not answer our join")

    async def _hang_up(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()


def _written(message: ClientMessage) -> str:
    try:
        return encode(message).decode()
    except UnicodeEncodeError:
        raise UsageError("a text that cannot be written as UTF-8 cannot be sent") from None


def _reason(error: SignalingError) -> Reason:
    """Say why we are out when we may not resume."""
    return REASONS.get(error.code, Reason.NETWORK_LOST) if isinstance(error, Refused) else Reason.NETWORK_LOST


class _Problem(Struct):
    text: str


def _turned_away(url: str, response: Response) -> SignalingError:
    """Say why there is no WebSocket: a full server says so itself."""
    status = response.status_code
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        with contextlib.suppress(DecodeError):
            text = json.decode(response.body or b"", type=_Problem).text
            return ServerUnreachable(f"{url} takes nobody in now: {text}")
    return NotAnExeuntServer(f"{url} is no Exeunt server (it answers HTTP {status}); the address of one ends in /ws")


async def _open(url: str, heartbeat: float) -> ClientConnection:
    """Open a WebSocket. Raises `SignalingError`, or `UsageError` for what is no address."""
    try:
        return await connect(
            url.replace("http", "ws", 1) if url.startswith("http") else url,
            compression=None,
            proxy=None,
            open_timeout=None,  # the callers have limits
            ping_interval=heartbeat,
            ping_timeout=heartbeat / 2,
            close_timeout=CLOSE_LIMIT,
            max_size=MAX_FRAME,
        )
    except (InvalidURI, ValueError):
        raise UsageError(f"{url!r} is no address: it looks like ws://127.0.0.1:8080/ws") from None
    except InvalidStatus as error:
        raise _turned_away(url, error.response) from None
    except InvalidMessage as error:
        if isinstance(error.__cause__, EOFError):
            raise ServerUnreachable(f"{url} hung up before it let us in") from None
        raise NotAnExeuntServer(f"{url} is no Exeunt server (it does not speak HTTP)") from None
    except InvalidHandshake as error:
        raise NotAnExeuntServer(f"{url} is no Exeunt server ({error})") from None
    except OSError as error:
        raise ServerUnreachable(f"nobody answers at {url}: {error.strerror or error}") from None
    except asyncio.CancelledError:
        await asyncio.sleep(0)  # the turn of the loop in which the aborted socket closes
        raise
