"""Mesh: one connection with everybody, no server for media. Carries out what `negotiation.py` decides."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any

from aiortc import RTCDataChannel

from peer.channel import CHANNELS, ChannelMessage, channels_to
from peer.media.aiortc_receiver import Inbound
from peer.media.connection import Connection
from peer.media.fanout import Fanout
from peer.media.inbound_stats import CandidatePairStats
from peer.negotiation import Accept, AddCandidate, Ask, Call, Close, Effect, Negotiation, Respond
from signaling.messages import Answer, IceServer, Janus, Offer, Relay, Said

log = logging.getLogger(__name__)


class Mesh:
    """The connections of one session. `say` sends to the server, `on_track(user, track)` gets remote tracks.

    `on_said(user, session, message)` gets what others say straight to us, `on_channel(user, session, channel)` the data
    channels for more. Without the grants `publish` or `subscribe`, nothing is sent or received; of the users, only
    those in `receive_from` may send us anything, if it is given.
    """

    has_channels = True

    def __init__(
        self,
        session: str,
        *,
        say: Callable[[Relay], None],
        on_track: Callable[[str, Inbound], None],
        on_said: Callable[[str, str, ChannelMessage], None],
        on_channel: Callable[[str, str, RTCDataChannel], None] = lambda *_: None,
        greeting: Callable[[], ChannelMessage] | None = None,
        outgoing: Mapping[str, Fanout],
        ice_servers: Sequence[IceServer],
        relay_only: bool = False,
        receive_from: Collection[str] | None = None,
        channels: Collection[str] = CHANNELS,
        grants: frozenset[str],
    ) -> None:
        self._negotiation = Negotiation(session)
        self._say = say
        self._on_track, self._on_said, self._on_channel = on_track, on_said, on_channel
        self._greeting = greeting
        self._sessions: dict[str, str] = {}  # by user
        self._outgoing = outgoing
        self._ice_servers, self._relay_only = ice_servers, relay_only
        self._receive_from, self._channels = receive_from, channels
        self._grants = grants
        self._connections: dict[str, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def add(self, user: str, session: str, *, offers: bool) -> None:
        """Somebody is here; `offers`: they were here before us."""
        self._sessions[user] = session
        self._apply(self._negotiation.add(user, session, offers=offers, now=self._loop.time()))

    def remove(self, user: str) -> None:
        """Somebody is gone."""
        self._sessions.pop(user, None)
        self._apply(self._negotiation.remove(user))

    def unreachable(self, user: str) -> None:
        """Somebody cannot be told anything for now."""
        self._apply(self._negotiation.unreachable(user))

    def back(self, user: str) -> None:
        """Somebody can be told things again."""
        self._apply(self._negotiation.back(user, self._loop.time()))

    def resumed(self) -> None:
        """We were cut off and can say things again."""
        self._apply(self._negotiation.resumed(self._loop.time()))

    def heard(self, message: Relay) -> None:
        """Another user's side of a negotiation."""
        self._apply(self._negotiation.heard(message, self._loop.time()))

    def use(self, ice_servers: Sequence[IceServer]) -> None:
        """Make connections with these from now on; those that are there keep theirs."""
        self._ice_servers = ice_servers

    def allow(self, grants: frozenset[str]) -> None:
        """Send and receive what these grants allow: if that is another than before, over new connections."""
        is_other = bool({"publish", "subscribe"} & (self._grants ^ grants))
        self._grants = grants
        for user in tuple(self._sessions) if is_other else ():
            self.renew(user)

    def renew(self, user: str) -> None:
        """What a user may send or receive is another: replace the connection with one that allows just that."""
        self._apply(self._negotiation.renew(user, self._loop.time()))

    def say(self, message: ChannelMessage, user: str | None = None) -> None:
        """Say something straight to a user, or to everybody (None), where a connection's channel is open."""
        for connection in self._connections.values():
            if user in (None, connection.user):
                connection.say(message)

    def hears(self, said: Said) -> bool:
        """Take in what came through the server: nothing does that concerns a mesh."""
        return False

    def place(self, media: Janus | None) -> None:
        """The room has this media server: a mesh needs none."""

    def pairs(self) -> Sequence[CandidatePairStats]:
        """Return the ways that packets go, one for each connection that is made."""
        return [pair for one in self._connections.values() if (pair := one.selected_pair()) is not None]

    async def close(self) -> None:
        """Close every connection; each in its own task, which goes on if the caller stops waiting."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for call in tuple(self._connections):
            self._close(call)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _apply(self, effects: list[Effect]) -> None:
        if self._closed:
            return
        for effect in effects:
            self._carry_out(effect)
        self._arm()

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Call(user, call):
                if connection := self._open(user, call):
                    self._spawn(self._offer(connection, user), call)
            case Respond(offer):
                if connection := self._open(offer.user, offer.call):
                    self._spawn(self._answer(connection, offer), offer.call)
            case Accept(answer):
                if connection := self._connections.get(answer.call):
                    self._spawn(connection.accept(answer.sdp), answer.call)
            case AddCandidate(candidate):
                if connection := self._connections.get(candidate.call):
                    self._spawn(connection.add_candidate(candidate), candidate.call)
            case Close(call):
                self._close(call)
            case Ask(message):
                self._say(message)

    def _open(self, user: str, call: str) -> Connection | None:
        """Make the connection of a call; one that cannot be made is a call that failed."""
        session = self._sessions[user]
        try:
            connection = self._connections[call] = Connection(
                call,
                user,
                outgoing=self._outgoing if "publish" in self._grants else {},
                receives=self._receives_from(user),
                ice_servers=self._ice_servers,
                relay_only=self._relay_only,
                channels=channels_to(session, self._channels),
                on_track=lambda track: self._on_track(user, track),
                on_state=lambda state: self._state_changed(call, state),
                on_said=lambda message: self._on_said(user, session, message),
                on_channel=lambda channel: self._on_channel(user, session, channel),
                greeting=self._greeting,
            )
        except Exception as error:  # aiortc may refuse what the server hands out as ICE servers
            log.error("call %s: no connection can be made: %r", call, error)  # noqa: TRY400 - a line, no traceback
            self._loop.call_soon(self._state_changed, call, "failed")
            return None
        return connection

    def _receives_from(self, user: str) -> bool:
        return "subscribe" in self._grants and (self._receive_from is None or user in self._receive_from)

    async def _offer(self, connection: Connection, user: str) -> None:
        sdp = await connection.offer()
        if connection.call in self._connections:
            self._say(Offer(user=user, call=connection.call, sdp=sdp))

    async def _answer(self, connection: Connection, offer: Offer) -> None:
        sdp = await connection.answer(offer.sdp)
        if connection.call in self._connections:
            self._say(Answer(user=offer.user, call=offer.call, sdp=sdp))

    def _close(self, call: str) -> None:
        connection = self._connections.pop(call, None)
        if connection is not None:
            self._keep(connection.close())

    def _state_changed(self, call: str, state: str) -> None:
        log.debug("call %s: %s", call, state)
        if state == "connected":
            self._apply(self._negotiation.connected(call))
        else:
            self._apply(self._negotiation.failed(call, self._loop.time()))

    def _spawn(self, work: Coroutine[Any, Any, None], call: str) -> None:
        self._keep(asyncio.create_task(self._guarded(work, call), name=f"negotiate {call}"))

    async def _guarded(self, work: Coroutine[Any, Any, None], call: str) -> None:
        """Do one step; if what the other side said cannot be used, the call has failed."""
        try:
            await work
        except Exception as error:  # another user may say anything, and aiortc's parser raises anything at it
            if call in self._connections:
                log.warning("call %s: no common ground with the other side: %r", call, error)
                self._state_changed(call, "failed")

    def _keep(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due = self._negotiation.next_deadline()
        self._timer = None if due is None else self._loop.call_at(due, self._advance)

    def _advance(self) -> None:
        self._apply(self._negotiation.advance(self._loop.time()))
