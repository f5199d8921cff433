"""Connections that are no WebSockets yet, and what keeps a server from being full of them.

Whoever connects and says nothing, or half a request, costs a file and some memory until the time for that is over. They
are counted by address and in all, from the moment on when they are accepted (with TLS: when the handshake is over,
which has its own limit of time); one too many is cut off at once. Behind a trusted proxy everybody has its address, so
it is not limited by that.
"""

import asyncio
import ssl
from collections.abc import Callable

from aiohttp import web

from signaling.sockets import Sockets


class Guest(asyncio.Protocol):
    """Stands between one connection and what reads its requests, until it is a WebSocket."""

    def __init__(self, make: Callable[[], asyncio.Protocol], sockets: Sockets) -> None:
        self._make = make
        self._sockets = sockets
        self._inner: asyncio.Protocol | None = None  # None: it was cut off at once
        self._address: str | None = None  # None: it is not counted
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it, and let it ask for something, or cut it off."""
        assert isinstance(transport, asyncio.Transport)
        address = _address(transport)
        limit = self._sockets.arrived(address)
        if limit is not None:
            self._sockets.refused(limit, address)
            transport.abort()
            return
        self._address, self._transport = address, transport
        self._inner = self._make()
        self._inner.connection_made(transport)

    def step_aside(self) -> None:
        """Count it no more, and hear nothing of it any more."""
        self._depart()
        if self._transport is not None and self._inner is not None:
            self._transport.set_protocol(self._inner)

    def data_received(self, data: bytes) -> None:
        """Pass on what it says."""
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass on that it says no more."""
        return None if self._inner is None else self._inner.eof_received()

    def pause_writing(self) -> None:
        """Pass on that it does not read."""
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that it reads again."""
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no more."""
        self._depart()
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def _depart(self) -> None:
        address, self._address = self._address, None
        if address is not None:
            self._sockets.departed(address)


class Door(web.BaseSite):
    """Where a server listens."""

    def __init__(
        self, runner: web.AppRunner, sockets: Sockets, host: str, port: int, *, ssl_context: ssl.SSLContext | None
    ) -> None:
        super().__init__(runner, ssl_context=ssl_context)
        self._sockets = sockets
        self._host, self._port = host, port

    @property
    def name(self) -> str:
        """The address, for people."""
        return f"{self._host} port {self._port}"

    async def start(self) -> None:
        """Listen. Raises `OSError`."""
        await super().start()
        make = self._runner.server
        assert make is not None
        limit = self._sockets.config.handshake_timeout or None
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Guest(make, self._sockets),
            *(self._host, self._port),
            ssl=self._ssl_context,
            ssl_handshake_timeout=limit if self._ssl_context is not None else None,
        )


def let_through(transport: asyncio.BaseTransport) -> None:
    """Note that a connection is a WebSocket now."""
    guest = transport.get_protocol()
    if isinstance(guest, Guest):
        guest.step_aside()


def _address(transport: asyncio.Transport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else "unknown"
