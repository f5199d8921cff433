"""All sockets of a server together: their limits, their turns, and the one clock that looks after them."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from itertools import islice
from typing import Protocol

from aiohttp import web

from signaling.addresses import client_address, is_in, network
from signaling.bodies import problem
from signaling.config import SignalingConfig
from signaling.effects import Effect, Send
from signaling.forms import ErrorCode
from signaling.gate import Gate, Limit
from signaling.messages import Error
from signaling.observer import Observer, Observers
from signaling.outbox import Turns
from signaling.vigil import pause

STINT = 0.01  # seconds of a turn of the event loop in which frames are taken from sockets
RETRY_AFTER = 5  # seconds after which it may be worth while to try again
AT_ONCE = 500  # sockets that are looked at before the loop may do something else

log = logging.getLogger(__name__)


class Watched(Protocol):
    """A socket that can be silent for too long."""

    def look(self, now: float) -> None:
        """Ping it, or end it, if it is time for that."""


class Sockets:
    """What the sockets of a server share."""

    def __init__(self, config: SignalingConfig, observers: Observers) -> None:
        self.config = config
        self.gate = Gate(config)
        self.turns = Turns()
        self._observers = observers
        observers.add(_Rooms(self))
        self._trusted = tuple(map(network, config.trusted_proxies))
        self._open: dict[Watched, None] = {}  # in the order of their opening
        self._clock: asyncio.TimerHandle | asyncio.Handle | None = None
        self._due = 0.0  # when all are to be looked at next
        self._is_late = False  # our own loop stood still at that time
        self._stint: float | None = None  # when this turn of the loop began to take frames
        self._warned: set[Limit] = set()

    @contextlib.contextmanager
    def room_for(self, request: web.Request) -> Iterator[str]:
        """Count a socket in for the block; yields its client's address. Raises the HTTP error of a limit."""
        address = self.address_of(request)
        limit = self.gate.enter(address)
        if limit is not None:
            self.refused(limit, address)
            raise _full(limit, address, self.config)
        try:
            yield address
        finally:
            self.gate.leave(address)

    def address_of(self, request: web.Request) -> str:
        """Return the address of the client who makes a request."""
        return client_address(request.remote, request.headers.getall("X-Forwarded-For", ()), self._trusted)

    def arrived(self, address: str) -> Limit | None:
        """Count in a connection that is no WebSocket yet; return the limit that it would be beyond."""
        return self.gate.arrive(address, is_proxy=is_in(address, self._trusted))

    def departed(self, address: str) -> None:
        """Count it out."""
        self.gate.depart(address)

    def watch(self, socket: Watched) -> None:
        """Look at a socket from time to time from now on."""
        self._open[socket] = None
        if self._clock is None:
            self._wait()

    def release(self, socket: Watched) -> None:
        """Look at it no more."""
        self._open.pop(socket, None)
        if not self._open and self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def refused(self, limit: Limit, address: str = "unknown") -> None:
        """Tell who counts that something was refused; the first time, tell people, too."""
        self._observers.refused(limit)
        self.turned_away(limit, address)
        if limit not in self._warned:
            self._warned.add(limit)
            log.warning("the limit %s was reached (address %s); from now on this is only counted", limit, address)

    def turned_away(self, code: str, address: str) -> None:
        """Tell who keeps a journal that somebody was refused something."""
        self._observers.turned_away(code, address)

    async def my_turn(self) -> None:
        """Wait if this turn of the loop has taken frames for long enough, so that many cannot hold it together."""
        while self._has_had_its_time():  # noqa: ASYNC110 - the next turn of the loop is what is waited for
            await asyncio.sleep(0)

    def _has_had_its_time(self) -> bool:
        loop = asyncio.get_running_loop()
        if self._stint is None:
            self._stint = loop.time()
            loop.call_soon(self._next_turn)
            return False
        return loop.time() - self._stint > STINT

    def _next_turn(self) -> None:
        self._stint = None

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = loop.time() + pause(self.config)
        self._clock = loop.call_at(self._due, self._look)

    def _look(self) -> None:
        """Look at all; if our own loop stood still, not before what has come meanwhile is taken in."""
        late = asyncio.get_running_loop().time() - self._due
        self._is_late = late > pause(self.config) and not self._is_late  # one that stands still all the time looks, too
        if self._is_late:
            self._wait()
        else:
            self._look_on(iter(list(self._open)))

    def _look_on(self, sockets: Iterator[Watched]) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        some = list(islice(sockets, AT_ONCE))
        for socket in some:
            socket.look(now)
        if len(some) == AT_ONCE:
            self._clock = loop.call_soon(self._look_on, sockets)
        elif self._open:
            self._wait()
        else:
            self._clock = None


class _Rooms(Observer):
    """Counts whom the lobby refuses because there are too many rooms: a core tells nobody but the client."""

    def __init__(self, sockets: Sockets) -> None:
        self._sockets = sockets

    def did(self, effect: Effect) -> None:
        """Look for such a refusal."""
        if not isinstance(effect, Send) or not isinstance(effect.message, Error):
            return
        if effect.message.code is ErrorCode.SERVER_FULL:
            self._sockets.refused(Limit.ROOMS)


def _full(limit: Limit, address: str, config: SignalingConfig) -> web.HTTPException:
    """Return the answer to one connection too many: by HTTP, so that who resumes tries again."""
    again = {"Retry-After": str(RETRY_AFTER)}
    if limit is Limit.CONNECTIONS:
        text = f"the server holds {config.max_connections} connections and takes no more"
        return problem(web.HTTPServiceUnavailable, ErrorCode.SERVER_FULL, text, again)
    text = f"there are {config.connections_per_address} connections from {address} already"
    return problem(web.HTTPTooManyRequests, ErrorCode.RATE_LIMITED, text, again)
