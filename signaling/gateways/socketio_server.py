"""python-socketio's server as we want it: no deflate, tasks that end, bad packets that are no tracebacks.

Here and nowhere else private names of python-socketio and python-engineio are used.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Iterable
from typing import Any

import engineio
import socketio
from aiohttp import web
from engineio.async_drivers import aiohttp as driver
from socketio import packet

from signaling.members import MAX_DEPTH, is_deeper
from signaling.messages import MAX_MESSAGE

PING_INTERVAL = 2  # seconds; whole ones, as it tells its clients whole ones
PING_TIMEOUT = 2  # seconds; a client that is silent is noticed 4 to 6 seconds after its last word
END_LIMIT = 1.0  # seconds for what was said before the end to be sent
UNREADABLE = "unreadable"  # the event that stands for one that cannot be read

log = logging.getLogger("signaling.gateways.socketio")
log.setLevel(logging.CRITICAL)  # it logs what packets hold, and a traceback for every bad one


class _Json:
    """JSON that can always be read: a hostile packet is an event that nobody knows."""

    @staticmethod
    def dumps(*args: Any, **options: Any) -> str:
        return json.dumps(*args, **options)

    @staticmethod
    def loads(*args: Any, **options: Any) -> Any:
        try:
            value = json.loads(*args, **options)
        except (ValueError, RecursionError):
            return [UNREADABLE]
        is_event = isinstance(value, list) and bool(value) and isinstance(value[0], str)
        is_usual = (is_event or isinstance(value, dict)) and not is_deeper(value, MAX_DEPTH)
        return value if is_usual else [UNREADABLE]


class _Packet(packet.Packet):  # type: ignore[misc] # socketio has no types
    """A packet of this server alone: `json=` would be of every server and client in the program."""

    json = _Json


class _WebSocket(driver.WebSocket):  # type: ignore[misc] # engineio has no types
    """A WebSocket on which nothing is compressed: that costs kilobytes for every client, and lets bombs in."""

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        self._sock = web.WebSocketResponse(max_msg_size=self.server.max_http_buffer_size, compress=False)
        await self._sock.prepare(environ["aiohttp.request"])
        self.environ = environ
        with contextlib.suppress(ConnectionError):  # it broke while something was being sent
            await self.handler(self)
        return self._sock


class _Engine(engineio.AsyncServer):  # type: ignore[misc] # engineio has no types
    """Keeps the tasks that it starts, so that they can be ended."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._async: dict[str, Any] = {**driver._async, "websocket": _WebSocket}  # noqa: SLF001 - it has no option for that
        self.tasks: set[asyncio.Task[Any]] = set()

    def start_background_task(self, target: Callable[..., Any], *args: Any, **options: Any) -> "asyncio.Task[Any]":
        """Start a task, and keep it while it runs."""
        task: asyncio.Task[Any] = asyncio.ensure_future(target(*args, **options))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


class SocketIoServer(socketio.AsyncServer):  # type: ignore[misc] # socketio has no types
    """A server of socket.io whose clients speak one after another, each in the order in which it speaks."""

    def __init__(self, *, largest: int = MAX_MESSAGE) -> None:
        super().__init__(
            async_mode="aiohttp",
            async_handlers=False,
            cors_allowed_origins=lambda _origin, _environ: True,  # who may come is seen to before
            http_compression=False,
            max_http_buffer_size=largest,
            ping_interval=PING_INTERVAL,
            ping_timeout=PING_TIMEOUT,
            logger=log,
            engineio_logger=log,
            serializer=_Packet,
        )

    def _engineio_server_class(self) -> type[engineio.AsyncServer]:
        return _Engine

    def engine_of(self, sid: str) -> str | None:
        """Return the name of the connection below a client; `None` if it is gone."""
        found: str | None = self.manager.eio_sid_from_sid(sid, "/")
        return found

    def waiting(self, engine: str) -> int:
        """Return how many packets a client has not taken yet."""
        socket = self.eio.sockets.get(engine)
        return 0 if socket is None else socket.queue.qsize()

    async def hang_up(self, sid: str, engine: str) -> bool:
        """Disconnect a client once it has been sent what was said to it; return false if it did not take that soon."""
        try:
            async with asyncio.timeout(END_LIMIT):
                await self.disconnect(sid)
                await self.eio.disconnect(engine)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """End every task that is left. All clients have been hung up on."""
        await self.shutdown()
        await _end(self.eio.tasks)


async def _end(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    left = tuple(tasks)
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=END_LIMIT)
