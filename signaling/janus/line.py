"""The WebSocket to one Janus server, and another when that is lost."""

import asyncio
import contextlib
from collections.abc import Callable

import aiohttp

from signaling.janus.failures import JanusUnreachable
from signaling.janus.protocol import SUBPROTOCOL, JanusWord, Request, decode, encode

CONNECT_LIMIT = 5.0  # seconds
CLOSE_LIMIT = 0.4  # seconds for the closing handshake
HEARTBEAT = 4.0  # seconds between pings; a silent Janus is noticed after 1.5 times that


class WebSocketLine:
    """One socket at a time. `heard` gets what Janus says, `lost` is called when a socket is; on the loop."""

    def __init__(self, url: str, heard: Callable[[JanusWord], None], lost: Callable[[], None]) -> None:
        self.url = url
        self._heard, self._lost = heard, lost
        self._http: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._readings: set[asyncio.Task[None]] = set()

    async def connect(self) -> "asyncio.Task[None]":
        """Open a socket and read from it; the task ends with the socket. Raises `JanusUnreachable`."""
        if self._http is None:
            self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                socket = await self._http.ws_connect(
                    self.url,
                    protocols=(SUBPROTOCOL,),
                    heartbeat=HEARTBEAT,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_LIMIT),
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise JanusUnreachable(f"no Janus answers at {self.url}: {str(error) or 'too late'}") from None
        self._socket = socket
        reading = asyncio.create_task(self._read(socket), name="janus reader")
        self._readings.add(reading)
        reading.add_done_callback(self._readings.discard)
        return reading

    async def send(self, request: Request) -> None:
        """Say something. Raises `JanusUnreachable`."""
        if self._socket is None:
            raise JanusUnreachable(f"there is no connection to {self.url}")
        try:
            await self._socket.send_str(encode(request))
        except (aiohttp.ClientError, ConnectionError) as error:
            raise JanusUnreachable(f"the connection to {self.url} is lost: {error}") from None

    async def drop(self) -> None:
        """Close the present socket, if there is one."""
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    async def close(self) -> None:
        """Hang up for good, within `CLOSE_LIMIT`. May be called twice."""
        http, self._http = self._http, None
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_LIMIT):
                    await self.drop()
        finally:
            for reading in self._readings:
                reading.cancel()
            if http is not None:
                await http.close()
            if self._readings:
                await asyncio.wait(self._readings)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        try:
            async for frame in socket:
                if frame.type is aiohttp.WSMsgType.TEXT and (word := decode(frame.data)) is not None:
                    self._heard(word)
        finally:
            self._lost()
