"""The offer of one WHIP or WHEP session, the answer, and the candidates that follow: does what `gathering` says."""

import asyncio
import logging
from collections.abc import Iterable

from peer.config import PeerConfig
from peer.errors import ServerUnreachable
from peer.media.connection import Connection
from peer.whip.answers import Accepted
from peer.whip.endpoint import Endpoint
from peer.whip.gathering import (
    Gathering,
    Next,
    after_answer,
    before_offer,
    can_relay,
    fragment,
    open_ended,
    without_end,
)
from signaling.messages import IceServer

log = logging.getLogger(__name__)


class Offering:
    """First `prepare`, then `make`, then `complete`; in the end `stop`."""

    def __init__(self, endpoint: Endpoint, config: PeerConfig) -> None:
        self._endpoint, self._config = endpoint, config
        self._gathering = Gathering((), is_whole=True)
        self._offer = ""
        self._following: asyncio.Task[None] | None = None
        self._is_over = False

    async def prepare(self) -> tuple[IceServer, ...]:
        """Return the ICE servers to make the connection with. Raises `ServerUnreachable` if they cannot do."""
        own = self._config.ice_servers
        named = await self._endpoint.ice_servers() if own is None else ()
        self._gathering = before_offer(own, named)
        if self._gathering.is_whole:
            self._check(self._gathering.servers)
        return self._gathering.servers

    async def make(self, offer: str) -> Accepted:
        """Make the offer that the connection has written. Raises `SignalingError`."""
        self._offer = offer if self._gathering.is_whole else open_ended(offer)
        return await self._endpoint.offer(self._offer, self._config.connect_limit)

    async def complete(self, connection: Connection, accepted: Accepted) -> None:
        """Take the answer, gather what the server's ICE servers give, and tell it. Raises what aiortc does."""
        servers = accepted.ice_servers
        if not self._gathering.is_whole:
            self._check(servers)
        match after_answer(self._gathering, self._offer, servers, takes_more=accepted.takes_more):
            case Next.NOTHING:
                await connection.accept(accepted.sdp)
            case Next.END:
                self._follow(connection, ())
                await connection.accept(accepted.sdp)
            case Next.BESIDE:
                await connection.accept(without_end(accepted.sdp))  # or ICE might fail while we gather
                self._follow(connection, servers)
            case Next.FIRST:  # pragma: no branch - mypy checks that nothing is left
                self._follow(connection, (), await connection.gather(servers))
                await connection.accept(accepted.sdp)

    def stop(self) -> None:
        """Tell the server nothing that it has not been told yet. May be called twice, at any time."""
        self._is_over = True

    async def wait_stopped(self) -> None:
        """Wait until nothing is under way, for 2 s at most: only after `stop`, when the connection is closed."""
        if self._following is not None:
            await asyncio.wait({self._following})

    def _check(self, servers: tuple[IceServer, ...]) -> None:
        if self._config.ice_transport_policy == "relay" and not can_relay(servers):
            raise ServerUnreachable(
                f"media may go through TURN servers only, and {self._endpoint.url} names none: give one as ice_servers"
            )

    def _follow(self, connection: Connection, servers: tuple[IceServer, ...], found: Iterable[str] = ()) -> None:
        work = self._tell_more(connection, servers, found)
        self._following = asyncio.create_task(work, name=f"candidates for {self._endpoint.url}")

    async def _tell_more(self, connection: Connection, servers: tuple[IceServer, ...], found: Iterable[str]) -> None:
        try:
            more = [*found, *(await connection.gather(servers) if servers else ())]
        except ValueError as error:
            log.warning("the ICE servers of %s cannot be used: %s", self._endpoint.url, error)
            return
        if not self._is_over:
            await self._endpoint.add(fragment(self._offer, more))
