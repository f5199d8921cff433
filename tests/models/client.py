"""One peer's process in the model: the real cores, joined as `peer/visit.py` and `peer/leaving.py` join them.

A frozen process does nothing until it is thawed. What its user is told is where the promises are kept or broken.
"""

from typing import TYPE_CHECKING

from peer.channel import ChannelAck, ChannelLeave, ChannelMessage, own_reason
from peer.exit import LIMITS, Exit, ExitState
from peer.notice import Wait
from peer.roster import Roster
from signaling import messages as wire
from signaling.reasons import Reason
from tests.models.line import Line
from tests.models.wires import Channel

if TYPE_CHECKING:
    from tests.models.world import World


class Client:
    """One user's program. `pace` is the share of its limit that each step of leaving takes after the notice."""

    def __init__(self, world: "World", join: wire.Join, pace: float) -> None:
        self.user, self.room, self.pace = join.user, join.room, pace
        self.roster, self.exit = Roster(), Exit()
        self.channels: dict[str, Channel] = {}  # by user
        self.is_alive = True
        self.frozen_at: float | None = None
        self.silent_from: float | None = None  # frozen, which the server has not noticed yet
        self.has_network = True
        self.here: set[str] = set()  # sessions whose join our user was told, and not their leave
        self.is_told = False  # our user has been told exitRoom
        self._gone: set[str] = set()  # sessions whose leave our user was told
        self._is_let_go = False
        self._frozen_for = 0.0  # seconds
        self._began = 0.0
        self._step_ends: float | None = None
        self._world = world
        self.line = Line(
            join,
            lambda: world.now,
            connect=lambda: world.connect(self),
            on_message=self._heard,
            on_gone=self._refused,
        )

    # -- what the world sees and does --

    @property
    def session(self) -> str:
        """Our session's id; empty before we are in."""
        return self.line.joined.session if self.line.joined else ""

    @property
    def is_running(self) -> bool:
        """Whether our process does anything."""
        return self.is_alive and self.frozen_at is None

    @property
    def is_inside(self) -> bool:
        """Whether we are in the room and mean to stay, as far as we know."""
        return self.is_running and self.session != "" and not self.exit.begun

    def knows(self, other: "Client") -> bool:
        """Whether we can be connected with another client."""
        known = self.roster.users.get(other.user)
        is_open = self.is_running and self.exit.state < ExitState.CLOSING
        return is_open and known is not None and known.session == other.session

    def next_deadline(self) -> float | None:
        """Return when `fire` has something to do."""
        if not self.is_running:
            return None
        due = min(self.line.deadlines.values(), default=None)
        return due if self._step_ends is None or (due is not None and due < self._step_ends) else self._step_ends

    def fire(self) -> None:
        """Do what is due first."""
        name = min(self.line.deadlines, key=self.line.deadlines.__getitem__, default=None)
        if self._step_ends is not None and (name is None or self._step_ends <= self.line.deadlines[name]):
            self._advance("timed out" if self.exit.state is ExitState.NOTIFYING else "ok")
        elif name is not None:
            del self.line.deadlines[name]
            self.line.fire(name)

    def thaw(self, now: float) -> None:
        """Go on after having been frozen."""
        assert self.frozen_at is not None
        self._frozen_for += now - self.frozen_at
        self.frozen_at = self.silent_from = None

    def end(self) -> None:
        """Die: the kernel closes our sockets."""
        self.is_alive = False
        self.silent_from = self._step_ends = None
        self.channels.clear()
        self.line.close()

    # -- what is said --

    def _heard(self, message: wire.ServerMessage) -> None:
        match message:
            case wire.Joined():
                self._catch_up(message)
            case wire.ExitRoom(reason=reason, text=text, unacknowledged=unacknowledged):
                self._is_let_go = True
                if message.wants_ack:
                    self.line.say(wire.Ack(seq=message.seq))
                self._world.promises.let_go(self, message)
                self.exit.notice.confirmed(unacknowledged)
                self.leave(reason, text)
            case wire.Moved():
                self._moved(message)
            case (
                wire.RemoteUserJoin()
                | wire.RemoteUserUpdate()
                | wire.RemoteUserUnreachable()
                | wire.RemoteUserBack()
                | wire.RemoteUserLeave()
            ):
                self._acknowledge(message)
                for news in self.roster.apply(message):
                    self._tell(news)
                self.line.seq = self.roster.seq
            case _:
                pass
        self._look_at_notice()

    def _moved(self, place: wire.Place) -> None:
        for user in tuple(self.roster.users):
            self.exit.notice.acknowledged(user)
        self.channels.clear()
        self.here.clear()
        self.room = place.room
        self.line.moved(place.room, place.seq)
        for news in self.roster.begin_anew(place):
            self._tell(news)

    def _catch_up(self, joined: wire.Joined) -> None:
        if joined.room != self.room:
            self._moved(joined)
        else:
            for missed in joined.missed:
                self._acknowledge(missed)
            for news in self.roster.enter(joined):
                self._tell(news)
            self.line.seq = self.roster.seq
        if joined.resumed:
            self.line.say(wire.UpdateExtra(extra={}))
            if ExitState.ACTIVE < self.exit.state < ExitState.CLOSING and not self._is_let_go:
                self._say_goodbye(self.exit.reason, self.exit.wait)

    def _acknowledge(self, event: wire.RoomEvent) -> None:
        if isinstance(event, wire.RemoteUserLeave) and event.wants_ack:
            self.line.say(wire.Ack(seq=event.seq))

    def heard_straight(self, channel: Channel, message: ChannelMessage) -> None:
        """Take in what came over a data channel, if that is still open at our end."""
        sender = channel.other(self)
        if self.channels.get(sender.user) is not channel:
            return
        match message:
            case ChannelLeave(reason=reason, text=text, wants_ack=wants_ack):
                if wants_ack:
                    channel.say(self, ChannelAck())
                for news in self.roster.depart(sender.user, sender.session, Reason(reason), text):
                    self._tell(news)
                assert sender.session not in self.here, "who says goodbye is told as gone, whatever the server knows"
            case ChannelAck():
                self.exit.notice.acknowledged(sender.user)
        self._look_at_notice()

    def _tell(self, event: wire.RoomEvent) -> None:
        if isinstance(event, wire.RemoteUserLeave):
            self.channels.pop(event.user, None)
            self.exit.notice.acknowledged(event.user)
        if self.exit.state < ExitState.REPORTING:
            self._tell_user(event)

    def _tell_user(self, event: wire.RoomEvent) -> None:
        assert not self.is_told, "nothing is told after exitRoom"
        if isinstance(event, wire.RemoteUserJoin):
            assert event.session not in self.here | self._gone, "one join for each session"
            self.here.add(event.session)
            return
        assert event.session in self.here, "one leave for each session, and nothing of who is not here"
        if isinstance(event, wire.RemoteUserLeave):
            self.here.remove(event.session)
            if event.reason is not Reason.MOVED:  # those may be moved back
                self._gone.add(event.session)
            self._world.promises.leave_told(event)

    # -- leaving --

    def leave(self, reason: Reason, text: str | None = None, wait: Wait = "server") -> None:
        """Begin to leave, unless that is under way."""
        if self.exit.begin(reason, text, self._world.now, wait):
            self._began = self._world.now - self._frozen_for
            self._step_ends = self._world.now + self.exit.limit
            if not self._is_let_go:
                self._say_goodbye(reason, wait)
            self._look_at_notice()

    def _refused(self, reason: Reason, code: wire.ErrorCode | None) -> None:
        self._world.promises.refused(self, code)
        self.leave(reason)

    def _say_goodbye(self, reason: Reason, wait: Wait) -> None:
        if reason is Reason.NETWORK_LOST:
            wait = None
        self.exit.notice.begin(wait, self.roster.users, is_sent=self.line.is_connected)
        self.line.say(wire.Leave(failed=reason is Reason.ERROR, wait=wait == "everyone"))
        if own := own_reason(reason):
            for channel in self.channels.values():
                channel.say(self, ChannelLeave(reason=own, wants_ack=wait == "everyone"))

    def _look_at_notice(self) -> None:
        if self.exit.state is ExitState.NOTIFYING and self.exit.notice.is_over:
            self._advance("ok")

    def _advance(self, ended: str) -> None:
        now = self._world.now
        self.exit.advance(now, ended)
        self._step_ends = None
        if self.exit.state is ExitState.EXITED:
            self._world.promises.exited(now - self._frozen_for - self._began)
            return
        self._step_ends = now + self.pace * LIMITS[self.exit.state]
        if self.exit.state is ExitState.CLOSING:
            self.channels.clear()
            self.line.close()
        if self.exit.state is ExitState.REPORTING:
            assert not self.is_told, "exitRoom is told once"
            self.is_told = True
