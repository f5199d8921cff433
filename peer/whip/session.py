"""One WHIP or WHEP session from the offer to the report: what `Visit` is for a room, without a room.

The exit is the same: the server is told (DELETE), then every device is released, then `onExitRoom` fires. There is
nobody who would tell us why the server has ended a session; that it has is seen when we try to end it ourselves.
"""

import asyncio
import logging

from peer.capture import Kind, release_all
from peer.config import PeerConfig
from peer.dispatch import Dispatcher
from peer.ending import release_devices, tell_exit
from peer.errors import ServerUnreachable
from peer.events import EnterRoom, Event, Unrecorded
from peer.exit import ExitState
from peer.farewell import deletion_of
from peer.guard import Care, Guard
from peer.hooks import Hooks
from peer.leaving import Leaving
from peer.media.aiortc_receiver import Inbound
from peer.media.connection import Connection
from peer.media.listening import Listening
from peer.publishing import Publishing
from peer.remote import RemoteUser
from peer.watchdog import Watchdog
from peer.whip.answers import endpoint
from peer.whip.endpoint import Endpoint
from peer.whip.offering import Offering
from signaling.journal import Journal
from signaling.messages import IceServer
from signaling.reasons import Reason

DELETE_LIMIT = 0.8  # seconds; less than the step of the exit may take
GUARD_FOR = 10.0  # seconds for which a dead process' guard tries to end the session
ENDED = "the server has ended the session"
log = logging.getLogger(__name__)


class WhipSession:
    """Owns everything that a session needs; `leaving` ends it all, in order. `receives`: it is WHEP's, not WHIP's."""

    def __init__(self, hooks: Hooks, url: str, token: str | None, config: PeerConfig, *, receives: bool) -> None:
        self.url = str(endpoint(url))
        self.journal = Journal.open(config.journal, who=f"{'whep' if receives else 'whip'} {self.url}")
        self.dispatcher = Dispatcher(hooks)
        self.publishing = Publishing(self._put, stall_after=config.stall_after)
        self.remote = RemoteUser(name=endpoint(url).name or "publisher", session="", extra={})
        self.grants = frozenset() if receives else frozenset({"publish"})
        self.connection: Connection | None = None
        self.leaving = Leaving(
            self.url,
            {
                ExitState.NOTIFYING: self._notify,
                ExitState.RELEASING: self._release,
                ExitState.CLOSING: self._close,
                ExitState.REPORTING: self._report,
            },
            self.journal,
            began=self._exit_began,
            ended=self._exit_ended,
        )
        self._config, self._receives = config, receives
        self._endpoint = Endpoint(endpoint(url), token)
        self._offering = Offering(self._endpoint, config)
        self._connected: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._listening: Listening | None = None
        self._losing: asyncio.Task[None] | None = None
        self._care: Care | None = None
        self._watchdog: Watchdog | None = None
        self.remote.report_to(self._put)

    async def enter(self) -> None:
        """Make the offer and wait until media can flow. Raises `SignalingError`; nothing is left then."""
        try:
            await self._negotiate()
            await self._until_connected()
        except BaseException:
            await self._give_up()
            raise
        self.dispatcher.start()

    def mute(self, kind: str, *, is_muted: bool) -> None:
        """Send silence or black in the place of a kind, or no longer."""
        self.publishing.fanouts[kind].muted = is_muted

    # -- coming in --

    async def _negotiate(self) -> None:
        servers = await self._offering.prepare()
        try:
            self.connection = self._connect(servers)
            offer = await self.connection.offer()
        except Exception as error:  # aiortc may refuse what the server names as ICE servers
            raise ServerUnreachable(f"no connection can be made with the ICE servers of {self.url}: {error}") from error
        accepted = await self._offering.make(offer)
        self._stand_guard(str(accepted.session))
        try:
            await self._offering.complete(self.connection, accepted)
        except ServerUnreachable:
            raise
        except Exception as error:  # the server may answer anything, and aiortc's parser raises anything at it
            raise ServerUnreachable(f"the answer of {self.url} cannot be used: {error}") from error

    async def _until_connected(self) -> None:
        limit = self._config.connect_limit
        try:
            async with asyncio.timeout(limit):
                is_connected = await self._connected
        except TimeoutError:
            raise ServerUnreachable(f"no media connection to the server of {self.url} within {limit:g} s") from None
        if not is_connected:
            raise ServerUnreachable(f"no media connection can be made to the server of {self.url}")
        assert self.connection is not None
        self._listening = Listening(self.connection.signs_of_life(), self._fell_silent)

    def _connect(self, ice_servers: tuple[IceServer, ...]) -> Connection:
        return Connection(
            self.url,
            self.remote.name,
            outgoing={} if self._receives else self.publishing.fanouts,
            receives=self._receives,
            ice_servers=ice_servers,
            relay_only=self._config.ice_transport_policy == "relay",
            channels=(),
            on_track=self._track,
            on_state=self._state_changed,
            on_said=lambda _: None,
        )

    def _stand_guard(self, session: str) -> None:
        """Have somebody end the session should we die, and leave in our place should the loop be blocked."""
        token = self._endpoint.token
        self._care = Guard.of_this_process().care_of(
            lambda _: deletion_of(session, token), grace=GUARD_FOR, is_armed=self._config.guard
        )
        if self._config.watchdog:
            self._watchdog = Watchdog(
                asyncio.get_running_loop(), release=release_all, farewell=self._care.say, report=self.leaving.report
            )

    async def _give_up(self) -> None:
        """End what has begun, in a task of its own: who gives up may be cancelled once more."""
        await asyncio.wait({asyncio.create_task(self._undo(), name=f"give up {self.url}")})

    async def _undo(self) -> None:
        await self._delete()
        await self._close()
        self._exit_ended()

    # -- what happens --

    def _track(self, track: Inbound) -> None:
        (self.remote.video if track.kind == Kind.VIDEO else self.remote.audio).attach(track)

    def _state_changed(self, state: str) -> None:
        if not self._connected.done():
            self._connected.set_result(state == "connected")
            self._put(EnterRoom(room=self.url, user="player" if self._receives else "publisher"))
        elif state == "failed" and not self.leaving.exit.begun and self._losing is None:
            self._losing = asyncio.create_task(self._lose(), name=f"lost {self.url}")

    async def _lose(self) -> None:
        """The connection has ended: by the answer to our DELETE we learn whether the server wanted that."""
        is_ended = await self._delete()
        if is_ended is False:
            self.leaving.begin(Reason.KICKED, ENDED)
        else:
            self.leaving.begin(Reason.NETWORK_LOST, "the media connection was lost")

    def _fell_silent(self, seconds: float) -> None:
        """The server, or the way to it, is gone; if it runs again, or another node, that knows no such session."""
        self.leaving.begin(Reason.NETWORK_LOST, f"nothing was heard from the server for {seconds:.1f} s")

    def _put(self, event: Event) -> None:
        if self.leaving.exit.state < ExitState.REPORTING:
            if not isinstance(event, Unrecorded):
                self.journal.tell(event)
            self.dispatcher.put(event)

    # -- the steps of leaving --

    async def _notify(self) -> None:
        notice = self.leaving.exit.notice
        notice.begin("server", (), is_sent=True)
        if await self._delete() is not None:
            notice.confirmed()

    async def _delete(self) -> bool | None:
        try:
            async with asyncio.timeout(DELETE_LIMIT):
                return await self._endpoint.end()
        except TimeoutError:
            log.warning("%s has not said in time that it knows that we leave", self.url)
            return None

    async def _release(self) -> None:
        await release_devices(self.leaving, self.publishing, self.journal)

    async def _close(self) -> None:
        self.remote.close()
        self._offering.stop()
        if self._listening is not None:
            self._listening.stop()
        if self.connection is not None:
            await asyncio.wait({self.connection.close()})
        await self._offering.wait_stopped()
        await self._endpoint.close()

    async def _report(self) -> None:
        await tell_exit(self.leaving, self.dispatcher, self.journal, self._watchdog)

    def _exit_began(self) -> None:
        if self._watchdog is not None:
            self._watchdog.exit_is_due()

    def _exit_ended(self) -> None:
        if self._watchdog is not None:
            self._watchdog.exit_is_over()
        if self._care is not None:
            self._care.release()
        self.journal.close()
