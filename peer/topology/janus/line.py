"""One RTCPeerConnection with Janus: what a handle's session descriptions are about."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from peer.media.aiortc_receiver import Inbound
from peer.media.connection import Connection
from peer.media.fanout import Fanout
from peer.media.inbound_stats import CandidatePairStats
from signaling import messages as wire
from signaling.janus.failures import JanusFailure
from signaling.janus.protocol import Candidate
from signaling.messages import IceServer

CONNECT_LIMIT = 15.0  # seconds from the descriptions to the connection
VIEWER = "(janus)"  # as whom Janus is in the statistics: no user can be called that
T = TypeVar("T")


class LineFailure(JanusFailure):
    """The connection cannot be made, or is over."""


@dataclass(slots=True)
class Ways:
    """How connections are made from now on; `tasks` are what they still have to do."""

    ice_servers: Sequence[IceServer]
    relay_only: bool
    tasks: "set[asyncio.Task[Any]]" = field(default_factory=set)


class Line:
    """A connection whose steps go on when who waits for them is cancelled: aiortc survives that no better than Janus.

    `on_broken` is told, once, when the connection fails, ends, or is not there `CONNECT_LIMIT` after it was `agreed`.
    """

    def __init__(
        self, name: str, ways: Ways, *, outgoing: Mapping[str, Fanout], on_broken: Callable[[str], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks = ways.tasks
        self._on_broken = on_broken
        self._timer: asyncio.TimerHandle | None = None
        self._is_connected = self._is_over = False
        try:
            self._connection = Connection(
                name,
                VIEWER,
                outgoing=outgoing,
                receives=not outgoing,
                channels=(),
                ice_servers=ways.ice_servers,
                relay_only=ways.relay_only,
                on_track=lambda _: None,  # `stream` finds it, once it is known whose it is
                on_state=self._turned,
                on_said=lambda _: None,
            )
        except Exception as error:  # aiortc may refuse what the server hands out as ICE servers
            raise LineFailure(f"no connection can be made: {error!r}") from error

    async def offer(self) -> str:
        """Return the SDP of our offer. Raises `LineFailure`."""
        return await self._step(self._connection.offer())

    async def answer(self, sdp: str) -> str:
        """Take an offer, the first or a later one, and return the SDP of our answer. Raises `LineFailure`."""
        return await self._step(self._connection.answer(sdp))

    async def accept(self, sdp: str) -> None:
        """Take the answer to our offer. Raises `LineFailure`."""
        await self._step(self._connection.accept(sdp))

    def trickled(self, candidate: Candidate) -> None:
        """Take one of Janus' candidates: a Janus that is set to `full_trickle` says them one by one."""
        words = wire.Candidate(
            user=VIEWER,
            call=self._connection.call,
            candidate=candidate.candidate,
            sdp_mid=candidate.sdpMid,
            sdp_m_line_index=candidate.sdpMLineIndex,
        )
        self._keep(asyncio.create_task(self._connection.add_candidate(words), name="candidate of Janus"))

    def agreed(self) -> None:
        """Both sides know the other's description: the connection is to be there soon."""
        if self._timer is None and not self._is_connected and not self._is_over:
            text = f"there is no connection after {CONNECT_LIMIT:g} s"
            self._timer = self._loop.call_later(CONNECT_LIMIT, self._break, text)

    def stream(self, mid: str) -> Inbound | None:
        """Return what comes on an m-line, None if there is no such."""
        return self._connection.stream(mid)

    def pair(self) -> CandidatePairStats | None:
        """Return the way that packets go; None before the connection is made."""
        return self._connection.selected_pair()

    def close(self) -> None:
        """Close the connection in the background. May be called twice."""
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
        self._keep(self._connection.close())

    async def _step(self, step: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(step, name="step with Janus")
        self._keep(task)
        try:
            return await asyncio.shield(task)
        except Exception as error:  # aiortc's parser raises anything at what it does not like
            raise LineFailure(f"no common ground with Janus: {error!r}") from error

    def _keep(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # known: perhaps nobody waits for it any more

    def _turned(self, state: str) -> None:
        if state != "connected":
            self._break("the connection is lost")
            return
        self._is_connected = True
        if self._timer is not None:
            self._timer.cancel()

    def _break(self, text: str) -> None:
        if not self._is_over:
            self._is_over = True
            self._on_broken(text)
