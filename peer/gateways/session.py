"""One WHIP or WHEP connection and the user that it is in a room: neither outlives the other.

    connection ──DELETE, closed there, silent for too long──► the user leaves ──► connection closed ──► over
    room ──kicked, dismissed, replaced, expired, the server ends──► ──┘

The order is that of every exit: the others are told, then what the user published is released, then its exit is
reported; the connection is closed last, and a DELETE is answered after that.
"""

import asyncio
import logging
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from peer.gateways.life import End, Life
from peer.gateways.offers import Offer
from peer.gateways.proxy import Proxy
from peer.gateways.trickle import MOST_CANDIDATES, Found, Fragment
from peer.media.aiortc_life import SignsOfLife
from peer.media.aiortc_receiver import Inbound
from peer.media.connection import Connection
from peer.media.fanout import Fanout
from peer.media.liveness import SILENCE_LIMIT
from signaling.messages import Candidate, IceServer
from signaling.reasons import Reason

OPEN_LIMIT = 20.0  # seconds from the offer to the answer: addresses are gathered, and the room is entered
CANDIDATES_LIMIT = 3.0  # seconds for the names of candidates (mDNS) to be found; others are left out
CLOSE_LIMIT = 2.0  # seconds for a connection to close
SECRET = 24  # bytes of a session's address that nobody can guess
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Guest:
    """Who wants in, by what right, and what is offered. `url` is the server's WebSocket."""

    url: str
    room: str
    user: str
    token: str | None
    offer: Offer
    ice_servers: tuple[IceServer, ...] = ()
    silence_limit: float = SILENCE_LIMIT


class Session(ABC):
    """One connection. `open` it; it is over when `wait_over` returns. `holds` is let go of then."""

    def __init__(self, guest: Guest, proxy: Proxy, holds: ExitStack, outgoing: Mapping[str, Fanout]) -> None:
        self.guest, self.proxy = guest, proxy
        self.id, self.tag = secrets.token_urlsafe(SECRET), f'"{secrets.token_urlsafe(8)}"'
        self._holds = holds
        self._loop = asyncio.get_running_loop()
        self._life = Life(self._loop.time(), silence_limit=guest.silence_limit)
        self._taken = 0  # candidates
        self._signs: SignsOfLife | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stay: asyncio.Task[None] | None = None
        self._giving_up: asyncio.Task[None] | None = None  # kept, or the loop might forget it
        self.connection = Connection(
            self.id[:8],
            guest.user,
            outgoing=outgoing,
            receives=not outgoing,
            ice_servers=guest.ice_servers,
            on_track=self._track,
            on_state=self._state_changed,
            on_said=lambda _: None,
        )

    @property
    def label(self) -> str:
        """Who it is, in words."""
        return f"{self.guest.room}/{self.guest.user}"

    async def open(self, sdp: str) -> str:
        """Answer the offer and enter the room; return the answer. Whatever is raised, nothing is left.

        Raises `SignalingError` if the room does not take the user in, `TimeoutError`, and anything that aiortc has
        against the offer.
        """
        try:
            async with asyncio.timeout(OPEN_LIMIT):
                answer = await self.connection.answer(sdp)
                self._signs = self.connection.signs_of_life()
                await self.proxy.__aenter__()
                self._check()
        except BaseException:
            self._giving_up = asyncio.create_task(self._give_up(), name=f"give up {self.label}")
            await asyncio.wait({self._giving_up})
            raise
        log.info("%s: has come by HTTP", self.label)
        self._stay = asyncio.create_task(self._until_over(), name=f"stay of {self.label}")
        self._arm()
        return answer

    async def add(self, fragment: Fragment) -> None:
        """Take the candidates of a fragment; what cannot be used, or is too much, is left out."""
        room, self._taken = MOST_CANDIDATES - self._taken, self._taken + len(fragment.candidates)
        try:
            async with asyncio.timeout(CANDIDATES_LIMIT):
                for found in fragment.candidates[: max(room, 0)]:
                    await self.connection.add_candidate(self._candidate(found))
        except TimeoutError:
            log.debug("%s: the names of some candidates were not found in time", self.label)

    def _candidate(self, found: Found) -> Candidate:
        return Candidate(
            user=self.guest.user,
            call=self.connection.call,
            candidate=found.candidate,
            sdp_mid=found.mid,
            sdp_m_line_index=found.index,
        )

    def leave(self, reason: Reason = Reason.LEFT) -> None:
        """Begin to leave and return at once; whoever began first counts."""
        self.proxy.request_exit(reason)

    async def wait_over(self) -> None:
        """Wait until the user is out and the connection closed; that is bounded once the leaving has begun."""
        if self._stay is not None:
            await asyncio.wait({self._stay})

    # -- what happens --

    @abstractmethod
    def _track(self, track: Inbound) -> None:
        """The other end sends something."""

    @abstractmethod
    def _check(self) -> None:
        """Look whether we can be of use in the room, once we are in. Raises `Refused`."""

    @abstractmethod
    async def _release(self) -> None:
        """End what goes from one side to the other. Bounded."""

    def _state_changed(self, state: str) -> None:
        if self._stay is None:
            return  # nobody has our answer yet
        now = self._loop.time()
        if state == "connected":
            self._life.connected(now)
            self._arm()
        else:
            self._look(now)
            self._end(self._life.closed(now))

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self._life.next_deadline()
        self._timer = None if due is None else self._loop.call_at(due, self._advance)

    def _advance(self) -> None:
        now = self._loop.time()
        self._look(now)
        self._end(self._life.advance(now))
        self._arm()

    def _look(self, now: float) -> None:
        """Note when anything was heard last."""
        if self._signs is not None:
            self._life.heard(min(self._signs.heard_at, now))

    def _end(self, end: End | None) -> None:
        if end is None:
            return
        log.info("%s: %s", self.label, end.text)
        if end.reason is Reason.NETWORK_LOST:
            self.proxy.lose(end.silent_for)
        else:
            self.proxy.request_exit(end.reason, end.text)

    # -- the end --

    async def _until_over(self) -> None:
        reason = await self.proxy.wait_gone()
        await self._close()
        log.info("%s: is gone (%s)", self.label, reason)

    async def _give_up(self) -> None:
        if self.proxy.is_inside:
            await self.proxy.leave()
        await self._close()

    async def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._holds.close()
        await self._release()
        await asyncio.wait({self.connection.close()}, timeout=CLOSE_LIMIT)
