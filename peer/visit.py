"""One stay in one room: how what the server says reaches the parts, and what each step of leaving does."""

import asyncio
import logging

from aiortc import RTCDataChannel

from peer.capture import release_all
from peer.channel import ChannelAck, ChannelLeave, ChannelMedia, ChannelMessage, own_reason
from peer.clients import make_client
from peer.config import PeerConfig
from peer.conversation.conversations import Conversations
from peer.conversation.post import ServerPost
from peer.dispatch import Dispatcher
from peer.ending import release_devices, tell_exit
from peer.errors import LeftRoom, Refused, UserGone
from peer.events import (
    ConnectionBack,
    ConnectionLost,
    EnterRoom,
    Event,
    Message,
    Muted,
    RoomChanged,
    Unrecorded,
)
from peer.exit import ExitState
from peer.grading import Grading
from peer.guard import Care, Guard
from peer.hooks import Hooks
from peer.leaving import Leaving
from peer.media.aiortc_receiver import Inbound
from peer.notice import Wait
from peer.publishing import Publishing
from peer.recording.recordings import Recordings
from peer.remote import RemoteUser as RemoteUser
from peer.requests import Requests
from peer.roster import Roster
from peer.topology import Topology
from peer.topology.choice import Choice, Ends
from peer.waiting import Waiting
from peer.watchdog import Watchdog
from signaling import messages as wire
from signaling.journal import Journal
from signaling.reasons import Reason

log = logging.getLogger(__name__)


class Visit:
    """Owns everything that a stay needs; `leaving` ends it all, in order."""

    topology: Topology

    def __init__(self, hooks: Hooks, url: str, join: wire.Join, config: PeerConfig) -> None:
        self.room, self.user = join.room, join.user
        self.users: dict[str, RemoteUser] = {}
        self.extra = join.extra
        self.grants: frozenset[str] = frozenset()
        self.session = ""
        self.journal = Journal.open(config.journal, who=f"peer {join.room}/{join.user}")
        self.dispatcher = Dispatcher(hooks)
        self.publishing = Publishing(self._put, self._tell_what_we_send, stall_after=config.stall_after)
        self.requests = Requests()
        self.recordings = Recordings(self._put)
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
        self.waiting = Waiting(self.users, self.leaving, config.exit_when_alone_for)
        self.client = make_client(
            url,
            join,
            config,
            on_message=self._heard,
            on_lost=self._cut_off,
            on_gone=self.leaving.begin,
        )
        self.conversations = Conversations(
            ServerPost(self.client, lambda: self.grants, lambda: not self.topology.has_channels), self._put
        )
        self.grading = Grading(self.users, self.publishing, self._put, config.quality_interval)
        self._choice = Choice(
            Ends(
                say=self.client.say,
                on_track=self._track,
                on_said=self._said,
                greeting=self._what_we_send,
                outgoing=self.publishing.fanouts,
                relay_only=config.ice_transport_policy == "relay",
                receive_from=config.receive_from,
            ),
            on_channel=self._adopt,
            channels=self.client.channels,
        )
        self._config = config
        self._care: Care | None = None
        self._watchdog: Watchdog | None = None
        self._grace = 0.0
        self._roster = Roster()
        self._answered = asyncio.Event()  # somebody has acknowledged our leave
        self._is_let_go = False  # the server has said its last word
        self._is_away = False  # our connection to the server is lost

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
        self._pass_media(joined)
        self.dispatcher.start()
        self.grading.start()
        names = tuple(user.user for user in joined.users)
        self._put(EnterRoom(room=self.room, user=self.user, users=names))
        self._catch_up(joined, here_before_us=True)

    # -- who looks after us --

    def _stand_guard(self, joined: wire.Joined) -> None:
        """Have somebody tell the server should we die, and somebody leave in our place should the loop be blocked."""
        self._care = Guard.of_this_process().care(
            self.client.url,
            session=joined.session,
            ticket=joined.ticket,
            grace=joined.grace,
            is_armed=self._config.guard and bool(joined.ticket),
        )
        if self._config.watchdog:
            self._watchdog = Watchdog(
                asyncio.get_running_loop(),
                release=release_all,
                farewell=self._care.say,
                report=self.leaving.report,
            )

    def _exit_began(self) -> None:
        self.waiting.look()
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
            case wire.IceServers(ice_servers=servers):
                self._use(servers)
            case wire.ExitRoom(reason=reason, text=text, unacknowledged=unacknowledged):
                self._is_let_go = True
                self.leaving.exit.notice.confirmed(unacknowledged)
                self._answered.set()
                self.requests.done(("dismiss", ""))
                self.leaving.begin(reason, text)
            case wire.Error(code=code, text=text, about=about):
                log.debug("%s/%s: refused: %s (%s)", self.room, self.user, text, code)
                self.requests.failed(about, Refused(code, text))
            case wire.Moved():
                self._moved(message)
            case wire.MediaServer(media=media):
                self.topology.place(media)
            case wire.Said(user=user, topic=topic, data=data):
                if not self.conversations.heard(message) and not self.topology.hears(message):
                    self._put(Message(user=user, topic=topic, data=data))
            case wire.Muted():
                self._muted(message)
            case wire.TokenExpiring():
                self._put(message)
            case wire.Refreshed(grants=grants):
                self._refreshed(frozenset(grants))
            case wire.UpdateExtra(extra=extra):
                self.extra = extra
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
            case ChannelMedia(published=published, muted=muted):
                if (remote := self.users.get(user)) is not None and remote.session == session:
                    remote.sends(frozenset(published), frozenset(muted), self._put)

    def _adopt(self, user: str, session: str, channel: RTCDataChannel) -> None:
        if not self.client.adopts(user, channel):
            self.conversations.adopt(user, session, channel)

    def mute(self, kind: str, *, is_muted: bool) -> None:
        """Send silence or black in the place of a kind, or no longer, and tell everybody whom we have a channel to."""
        self.publishing.fanouts[kind].muted = is_muted
        self._tell_what_we_send()

    def _tell_what_we_send(self) -> None:
        self.topology.say(self._what_we_send())

    def _what_we_send(self) -> ChannelMedia:
        return ChannelMedia(published=self.publishing.kinds, muted=self.publishing.muted)

    def _use(self, ice_servers: list[wire.IceServer]) -> None:
        """Make new connections with these, unless we were told otherwise."""
        if self._config.ice_servers is None:
            self.topology.use(ice_servers)

    def _pass_media(self, place: wire.Place) -> None:
        """Have media pass as the room says that they do."""
        own = self._config.ice_servers
        servers = place.ice_servers if own is None else own
        self.topology = self._choice.enter(place, servers, frozenset(place.grants))

    def _muted(self, muted: wire.Muted) -> None:
        """We are muted; or somebody is, as we asked for."""
        if muted.user is not None:
            self.requests.done(("mute", f"{muted.user} {muted.kind}"))
            return
        self._acknowledge(muted)
        self.mute(muted.kind, is_muted=True)
        self._put(Muted(kind=muted.kind, text=muted.text))

    def _refreshed(self, grants: frozenset[str]) -> None:
        self._grant(grants)
        if (token := self.requests.answered("refresh")) is not None:
            self.client.use_token(token)

    def _grant(self, grants: frozenset[str]) -> None:
        self.grants = grants
        self.topology.allow(grants)

    def _moved(self, place: wire.Place) -> None:
        """We are in another room, in the same session: the devices stay open, the connections are new ones."""
        for name in tuple(self.users):
            self._forget(name)
        self.room, self._grace = place.room, place.grace
        self._pass_media(place)
        self._grant(frozenset(place.grants))
        self._use(place.ice_servers)
        self.client.moved(place.room, place.seq)
        self._put(RoomChanged(room=place.room, users=tuple(user.user for user in place.users)))
        for event in self._roster.begin_anew(place):
            self._tell(event, here_before_us=True)

    def _acknowledge(self, event: wire.RoomEvent | wire.Muted) -> None:
        if isinstance(event, wire.RemoteUserLeave | wire.Muted) and event.wants_ack:
            self.client.say(wire.Ack(seq=event.seq))

    def _cut_off(self) -> None:
        self._is_away = True
        self._put(ConnectionLost(grace=self._grace))

    def _back(self, joined: wire.Joined) -> None:
        """We are back in the same session: catch up, and say again what may have been lost.

        If we never were away, the servers were cut off from each other: then catching up is all.
        """
        was_away, self._is_away = self._is_away, False
        if was_away:
            self._put(ConnectionBack())
        if joined.room != self.room:
            self._moved(joined)
        else:
            self._pass_media(joined)
            self._grant(frozenset(joined.grants))
            self._use(joined.ice_servers)
            self._catch_up(joined)
        if not was_away:
            return
        self.client.say(wire.UpdateExtra(extra=self.extra))
        if ExitState.ACTIVE < self.leaving.exit.state < ExitState.CLOSING and not self._is_let_go:
            self._say_goodbye(self.leaving.exit.reason, self.leaving.exit.wait)
        self.topology.resumed()
        self.conversations.came_back()

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
                self.users[name].report_to(self._put)
                self.recordings.joined(self.users[name])
                self.topology.add(name, session, offers=here_before_us or self.client.offers_to(name))
            case wire.RemoteUserUpdate(user=name, extra=extra, grants=grants):
                self.users[name].extra = extra
                if grants is not None:
                    self.topology.renew(name)
            case wire.RemoteUserUnreachable(user=name):
                self.users[name].unreachable = True
                self.topology.unreachable(name)
            case wire.RemoteUserBack(user=name):
                self.users[name].unreachable = False
                self.topology.back(name)
            case wire.RemoteUserLeave(user=name):
                self._forget(name)
                self.requests.done(("kick", name))
        self._put(event)

    def _forget(self, name: str) -> None:
        """Have nothing more to do with a user; one who is gone does not have to say that they know of our leave."""
        self.topology.remove(name)
        self.recordings.left(name)
        self.users.pop(name).close(UserGone(f"{name} has left the room."))
        self.leaving.exit.notice.acknowledged(name)
        self._answered.set()

    def _put(self, event: Event) -> None:
        self.conversations.saw(event)
        self.waiting.look()
        if self.leaving.exit.state < ExitState.REPORTING:
            if not isinstance(event, Unrecorded):
                self.journal.tell(event)
            self.dispatcher.put(event)

    def _track(self, user: str, track: Inbound) -> None:
        if remote := self.users.get(user):
            (remote.video if track.kind == "video" else remote.audio).attach(track)

    # -- the steps of leaving; `Leaving` runs each once, in this order, within its limit --

    async def _notify(self) -> None:
        """Tell everybody, through the server and straight; wait for the answers that are wanted."""
        leave = self.leaving.exit
        if not self._is_let_go:
            await self.conversations.settle(is_short=leave.wait == "everyone")
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
        await release_devices(self.leaving, self.publishing, self.journal)

    async def _close(self) -> None:
        self.grading.close()
        for user in self.users.values():
            user.close(LeftRoom("We left the room."))
        await asyncio.gather(
            self.conversations.close(), self.recordings.close(), self._choice.close(), self.client.close()
        )

    async def _report(self) -> None:
        await tell_exit(self.leaving, self.dispatcher, self.journal, self._watchdog)
