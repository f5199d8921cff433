"""One stay in one room: how what the server says reaches the parts, and what each step of leaving does."""

import asyncio
import logging
from dataclasses import dataclass, field

from aiortc.mediastreams import MediaStreamTrack

from peer.capture import release_all
from peer.channel import ChannelAck, ChannelLeave, ChannelMessage, own_reason
from peer.client import SignalingClient
from peer.config import PeerConfig
from peer.dispatch import Dispatcher
from peer.errors import Refused
from peer.events import ConnectionBack, ConnectionLost, EnterRoom, Event, ExitRoom
from peer.exit import LIMITS, ExitState
from peer.guard import Care, Guard
from peer.hooks import Hooks
from peer.leaving import Leaving
from peer.media.receive import RemoteMedia
from peer.notice import Wait
from peer.publishing import Publishing
from peer.requests import Requests
from peer.roster import Roster
from peer.topology import Topology
from peer.topology.mesh import Mesh
from peer.watchdog import Watchdog
from signaling import messages as wire
from signaling.journal import Journal
from signaling.reasons import Reason

log = logging.getLogger(__name__)


@dataclass(slots=True)
class RemoteUser:
    """Somebody else in the room. `video` and `audio` last as long as the user stays, over reconnections too."""

    name: str
    session: str
    extra: wire.Extra
    unreachable: bool = False
    video: RemoteMedia = field(default_factory=lambda: RemoteMedia("video"))
    audio: RemoteMedia = field(default_factory=lambda: RemoteMedia("audio"))

    def close(self) -> None:
        """End what reads this user's media."""
        self.video.close()
        self.audio.close()


class Visit:
    """Owns everything that a stay needs; `leaving` ends it all, in order."""

    topology: Topology

    def __init__(self, hooks: Hooks, url: str, join: wire.Join, config: PeerConfig) -> None:
        self.join = join
        self.users: dict[str, RemoteUser] = {}
        self.extra = join.extra
        self.grants: frozenset[str] = frozenset()
        self.session = ""
        self.journal = Journal.open(config.journal, who=f"peer {join.room}/{join.user}")
        self.dispatcher = Dispatcher(hooks)
        self.publishing = Publishing(self._put, stall_after=config.stall_after)
        self.requests = Requests()
        self.leaving = Leaving(
            f"{join.room}/{join.user}",
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
        self.client = SignalingClient(
            url,
            join,
            config,
            on_message=self._heard,
            on_lost=lambda: self._put(ConnectionLost(grace=self._grace)),
            on_gone=self.leaving.begin,
        )
        self._config = config
        self._care: Care | None = None
        self._watchdog: Watchdog | None = None
        self._grace = 0.0
        self._roster = Roster()
        self._answered = asyncio.Event()  # somebody has acknowledged our leave
        self._is_let_go = False  # the server has said its last word
        self._is_told = False

    async def enter(self) -> None:
        """Join the room. After the server's word nothing is awaited, so hooks registered at once miss nothing."""
        try:
            self._begin(await self.client.connect())
        except BaseException:
            self._exit_ended()
            await self.client.close()
            raise

    def _begin(self, joined: wire.Joined) -> None:
        self.session, self.grants, self._grace = joined.session, frozenset(joined.grants), joined.grace
        self.journal.session = joined.session
        self._stand_guard(joined)
        own = self._config.ice_servers
        self.topology = Mesh(
            joined.session,
            say=self.client.say,
            on_track=self._track,
            on_said=self._said,
            outgoing=self.publishing.fanouts,
            ice_servers=joined.ice_servers if own is None else own,
        )
        self.dispatcher.start()
        names = tuple(user.user for user in joined.users)
        self._put(EnterRoom(room=self.join.room, user=self.join.user, users=names))
        self._catch_up(joined, here_before_us=True)

    # -- who looks after us --

    def _stand_guard(self, joined: wire.Joined) -> None:
        """Have somebody tell the server should we die, and somebody leave in our place should the loop be blocked."""
        self._care = Guard.of_this_process().care(
            self.client.url,
            session=joined.session,
            ticket=joined.ticket,
            grace=joined.grace,
            is_armed=self._config.guard,
        )
        if self._config.watchdog:
            self._watchdog = Watchdog(
                asyncio.get_running_loop(),
                release=release_all,
                farewell=self._care.say,
                report=self.leaving.report,
            )

    def _exit_began(self) -> None:
        if self._watchdog is not None:
            self._watchdog.exit_is_due()

    def _exit_ended(self) -> None:
        if self._watchdog is not None:
            self._watchdog.exit_is_over()
        if self._care is not None:
            self._care.release()
        self.journal.close()

    # -- what we hear --

    def _heard(self, message: wire.ServerMessage) -> None:
        match message:
            case wire.Offer() | wire.Answer() | wire.Candidate() | wire.NeedOffer():
                self.topology.heard(message)
            case wire.Joined():
                self._back(message)
            case wire.ExitRoom(reason=reason, text=text, unacknowledged=unacknowledged):
                self._is_let_go = True
                self.leaving.exit.notice.confirmed(unacknowledged)
                self._answered.set()
                self.requests.done(("dismiss", ""))
                self.leaving.begin(reason, text)
            case wire.Error(code=code, text=text, about=about):
                log.debug("%s/%s: refused: %s (%s)", self.join.room, self.join.user, text, code)
                self.requests.failed(about, Refused(code, text))
            case _:
                self._acknowledge(message)
                for event in self._roster.apply(message):
                    self._tell(event)
                self.client.saw(self._roster.seq)

    def _said(self, user: str, session: str, message: ChannelMessage) -> None:
        """Take in what somebody says straight to us."""
        match message:
            case ChannelLeave(reason=reason, text=text, wants_ack=wants_ack):
                if wants_ack:
                    self.topology.say(ChannelAck(), user)
                for event in self._roster.depart(user, session, Reason(reason), text):
                    self._tell(event)
            case ChannelAck():
                self.leaving.exit.notice.acknowledged(user)
                self._answered.set()

    def _acknowledge(self, event: wire.RoomEvent) -> None:
        if isinstance(event, wire.RemoteUserLeave) and event.wants_ack:
            self.client.say(wire.Ack(seq=event.seq))

    def _back(self, joined: wire.Joined) -> None:
        """We are back in the same session: catch up, and say again what may have been lost."""
        self._put(ConnectionBack())
        self._catch_up(joined)
        self.client.say(wire.UpdateExtra(extra=self.extra))
        if ExitState.ACTIVE < self.leaving.exit.state < ExitState.CLOSING and not self._is_let_go:
            self._say_goodbye(self.leaving.exit.reason, self.leaving.exit.wait)
        self.topology.resumed()

    def _catch_up(self, joined: wire.Joined, *, here_before_us: bool = False) -> None:
        for missed in joined.missed:
            self._acknowledge(missed)
        for event in self._roster.enter(joined):
            self._tell(event, here_before_us=here_before_us)
        self.client.saw(self._roster.seq)

    def _tell(self, event: wire.RoomEvent, *, here_before_us: bool = False) -> None:
        match event:
            case wire.RemoteUserJoin(user=name, session=session, extra=extra):
                self.users[name] = RemoteUser(name, session, extra)
                self.topology.add(name, session, offers=here_before_us)
            case wire.RemoteUserUpdate(user=name, extra=extra):
                self.users[name].extra = extra
            case wire.RemoteUserUnreachable(user=name):
                self.users[name].unreachable = True
                self.topology.unreachable(name)
            case wire.RemoteUserBack(user=name):
                self.users[name].unreachable = False
                self.topology.back(name)
            case wire.RemoteUserLeave(user=name):
                self.topology.remove(name)
                self.users.pop(name).close()
                self.requests.done(("kick", name))
                self.leaving.exit.notice.acknowledged(name)
                self._answered.set()
        self._put(event)

    def _put(self, event: Event) -> None:
        if self.leaving.exit.state < ExitState.REPORTING:
            self.journal.tell(event)
            self.dispatcher.put(event)

    def _track(self, user: str, track: MediaStreamTrack) -> None:
        if remote := self.users.get(user):
            (remote.video if track.kind == "video" else remote.audio).attach(track)

    # -- the steps of leaving; `Leaving` runs each once, in this order, within its limit --

    async def _notify(self) -> None:
        """Tell everybody, through the server and straight; wait for the answers that are wanted."""
        leave = self.leaving.exit
        if not self._is_let_go:
            self._say_goodbye(leave.reason, leave.wait)
        while not leave.notice.is_over:
            self._answered.clear()
            await self._answered.wait()

    def _say_goodbye(self, reason: Reason, wait: Wait) -> None:
        """Begin the notice; a step that is begun a second time says it again, which harms nobody."""
        if self.client.is_over:
            wait = None  # who would answer?
        self.leaving.exit.notice.begin(wait, self.users, is_sent=self.client.is_connected)
        self.client.say(wire.Leave(failed=reason is Reason.ERROR, wait=wait == "everyone"))
        if own := own_reason(reason):
            self.topology.say(ChannelLeave(reason=own, wants_ack=wait == "everyone"))

    async def _release(self) -> None:
        self.leaving.exit.devices = await self.publishing.close()
        for device in self.leaving.exit.devices:
            self.journal.write(
                "released", device=device.device, outcome=device.outcome, took=device.took, text=device.text
            )

    async def _close(self) -> None:
        for user in self.users.values():
            user.close()
        await asyncio.gather(self.topology.close(), self.client.close())

    async def _report(self) -> None:
        report = self.leaving.report()
        if self._watchdog is not None:
            self._watchdog.exit_is_due(
                LIMITS[ExitState.REPORTING]
            )  # a handler may block for as long as this step lasts
        try:
            if not self._is_told:
                self._is_told = True
                exited = ExitRoom(reason=report.reason, text=report.text, report=report)
                self.journal.tell(exited)
                await self.dispatcher.finish(exited)
        finally:
            await self.dispatcher.close(LIMITS[ExitState.REPORTING] / 5)
