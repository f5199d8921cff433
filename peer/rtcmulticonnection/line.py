"""One socket.io connection to an RTCMultiConnection-Server."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from peer.errors import Refused, ServerUnreachable, UsageError
from peer.rtcmulticonnection.room import RmcRoom
from signaling.gateways.rmc_wire import MESSAGE_EVENT
from signaling.messages import ErrorCode

CALL_LIMIT = 5.0  # seconds for an answer of the server
CLOSE_LIMIT = 0.5  # seconds for the socket to close
TAKEN = "userid-already-taken"
MISSING = "to join an RTCMultiConnection-Server takes python-socketio: pip install 'exeunt[rtcmulticonnection]'"
log = logging.getLogger(__name__)


class Line:
    """One socket. `happened(event, arguments)` is called on the loop, `lost` once when it has ended by itself."""

    def __init__(
        self, core: RmcRoom, happened: Callable[[str, tuple[Any, ...]], None], lost: Callable[[], None]
    ) -> None:
        try:
            import socketio
        except ImportError:
            raise UsageError(MISSING) from None
        self._core = core
        self._happened, self._lost = happened, lost
        self._taken = asyncio.Event()
        self._socket = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        self._socket.on("*", self._event)
        self._socket.on("disconnect", self._disconnected)
        self._waiting: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self._writer: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        url: str,
        core: RmcRoom,
        happened: Callable[[str, tuple[Any, ...]], None],
        lost: Callable[[], None],
    ) -> "Line":
        """Connect under our name. Raises `SignalingError`."""
        line = cls(core, happened, lost)  # which says what is missing, if the package is
        import socketio.exceptions

        query = {
            "userid": core.user,
            "sessionid": core.room,
            "msgEvent": MESSAGE_EVENT,
            "autoCloseEntireSession": "false",
            "maxParticipantsAllowed": "1000",
            "extra": json.dumps(core.extra),
        }
        try:
            await line._socket.connect(f"{url}/?{urlencode(query)}", transports=["websocket"], wait_timeout=CALL_LIMIT)
        except socketio.exceptions.ConnectionError as error:
            await line.close()
            raise ServerUnreachable(f"no socket.io server answers at {url}: {error}") from None
        except BaseException:
            await line.close()
            raise
        line._writer = asyncio.create_task(line._write(), name="rtcmulticonnection writer")
        return line

    @property
    def is_open(self) -> bool:
        """Whether the socket is connected."""
        return bool(self._socket.connected)

    def emit(self, event: str, argument: Any) -> None:
        """Say something, after what was said before."""
        self._waiting.put_nowait((event, argument))

    async def sent(self) -> None:
        """Wait until everything that was said is on its way."""
        await self._waiting.join()

    async def call(self, event: str, argument: Any) -> tuple[Any, ...]:
        """Ask something. Raises `SignalingError` if there is no answer, or our name is somebody else's."""
        asking = asyncio.create_task(self._socket.call(event, argument, timeout=CALL_LIMIT))
        taken = asyncio.create_task(self._taken.wait())
        try:
            await asyncio.wait({asking, taken}, return_when=asyncio.FIRST_COMPLETED)
            return self._answer(event, asking)
        finally:
            asking.cancel()
            taken.cancel()
            await asyncio.wait({asking, taken})

    def _answer(self, event: str, asking: "asyncio.Task[Any]") -> tuple[Any, ...]:
        if not asking.done():
            raise Refused(ErrorCode.USER_TAKEN, f"somebody is called {self._core.user} there already")
        if (error := asking.exception()) is not None:  # python-socketio's, of several kinds
            raise ServerUnreachable(f"the server does not answer {event}: {error!r}")
        answer = asking.result()
        return tuple(answer) if isinstance(answer, tuple | list) else (answer,)

    async def enter(self, event: str) -> bool:
        """Open the room, or join it; false if that is no more, or not yet, to be done."""
        is_in, *_ = await self.call(event, self._room())
        return is_in is True

    async def enter_or_raise(self, event: str) -> None:
        """The same; raises `Refused` with the server's words."""
        is_in, *why = await self.call(event, self._room())
        if is_in is not True:
            raise Refused(ErrorCode.NOT_ALLOWED, f"{self._core.room}: {why[0] if why else 'the server says no'}")

    async def close(self) -> None:
        """Hang up, bounded."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait({self._writer})
        self._happened, self._lost = lambda *_: None, lambda: None
        try:
            async with asyncio.timeout(CLOSE_LIMIT):
                await self._socket.disconnect()
        except TimeoutError:
            log.debug("the socket did not close in time")

    def _room(self) -> dict[str, Any]:
        session = {"audio": True, "video": True, "data": True}
        return {
            "sessionid": self._core.room,
            "session": session,
            "mediaConstraints": {"audio": True, "video": True},
            "sdpConstraints": {"mandatory": {"OfferToReceiveAudio": True, "OfferToReceiveVideo": True}},
            "streams": [],
            "extra": self._core.extra,
            "identifier": "",
            "password": "",
        }

    async def _write(self) -> None:
        while True:
            event, argument = await self._waiting.get()
            try:
                await self._socket.emit(event, argument)
            except Exception as error:  # python-socketio's, of several kinds: the socket is gone, which is noticed
                log.debug("%s was not said: %r", event, error)
            finally:
                self._waiting.task_done()

    def _event(self, event: str, *arguments: Any) -> None:
        if event == TAKEN:
            self._taken.set()
        else:
            self._happened(event, arguments)

    def _disconnected(self, *_: object) -> None:
        self._lost()
