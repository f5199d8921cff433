"""One page of RTCMultiConnection, from its connecting to its end, as a client of our rooms. A core.

    OUT ──open-room · join-room──► ENTERING ──joined──► IN ──userLeft · kicked · dismissed──► OUT
                                       └──refused──► OUT

The socket of a page may have several stays, each a session of its own. What it says of other pages is passed on as it
is, in a `message` from page to page; what it says of our clients is translated (`rmc_calls.py`).
"""

import re
from typing import Any

import msgspec

from signaling.gateways import rmc_requests as ask, rmc_wire as wire
from signaling.gateways.rmc_effects import Effect, Emit, End, Enter, Reply, Tell
from signaling.gateways.rmc_passing import PASSED
from signaling.gateways.rmc_stay import Stay
from signaling.gateways.rmc_talk import LETTERS, USUAL
from signaling.grants import MODERATORS
from signaling.members import RoomStatus
from signaling.messages import (
    MAX_TOPIC,
    NAME_PATTERN,
    Ack,
    Dismiss,
    Error,
    ErrorCode,
    ExitRoom,
    Extra,
    IceServers,
    Join,
    Joined,
    Leave,
    MediaServer,
    Moved,
    Refreshed,
    Resume,
    Say,
    ServerMessage,
    TokenExpiring,
    UpdateExtra,
)
from signaling.reasons import Reason

NO_PASSWORDS = "there are no passwords here: whoever runs the server gives out tokens"
IN_JANUS = "the media of this room go through Janus, which RTCMultiConnection cannot use"
TEXTS = {ErrorCode.ROOM_FULL: "Room full"}  # where RTCMultiConnection has a text of its own
OWN_TOPICS = (PASSED, LETTERS)  # which an application may not use


class Page:
    """A page, whichever socket it has. Every method returns what is to be done, in order."""

    def __init__(self, handshake: wire.Handshake) -> None:
        self.handshake = handshake
        self.user = handshake.userid
        self.extra = wire.extra_of(handshake.extra)
        self.custom_event = handshake.socket_custom_event
        self.stay: Stay | None = None
        self._entering: Join | None = None
        self._opens = self._has_data = False

    # -- what the page says --

    def hear(self, request: ask.Request, status: RoomStatus | None = None) -> list[Effect]:
        """Take in what the page asks; `status`: what is known of the room that it names."""
        match request:
            case ask.CheckPresence(room):
                return [Reply((_exists(status), room, _flags(status)))]
            case ask.OpenRoom() | ask.JoinRoom():
                return self._enter(request, status)
            case ask.Speak(envelope):
                return self._speak(envelope)
            case ask.SetExtra(extra):
                return self._set_extra(extra)
            case ask.DisconnectWith(user):
                return [*(self.stay.disconnect_with(user) if self.stay else []), Reply(())]
            case ask.CloseSession():
                return self._close_session()
            case ask.ChangeName(user):
                return self._change_name(user)
            case ask.GetExtra(user):
                link = self.stay.others.get(user) if self.stay else None
                return [Reply((wire.NO_USER,) if link is None else (link.extra,))]
            case ask.AskPassword(room):
                return [Reply((False, room, NO_PASSWORDS))]
            case ask.ListRooms():
                return [Reply(([],))]
            case ask.Listen(event):
                return self._listen(event)
            case ask.Custom():  # pragma: no branch - mypy checks that nothing is left
                return self._say(request)

    def _enter(self, request: ask.OpenRoom | ask.JoinRoom, status: RoomStatus | None) -> list[Effect]:
        opens = isinstance(request, ask.OpenRoom)
        if opens == _exists(status):
            return [Reply((False, wire.NO_ROOM))]
        if request.has_password:
            return [Reply((False, NO_PASSWORDS))]
        if (problem := _problem_with_names(request.room, self.user)) is not None:
            return [Reply((False, problem))]
        left = self.leave()
        self.extra, self._opens, self._has_data = request.extra, opens, request.has_data
        join = Join(room=request.room, user=self.user, token=self.handshake.token, extra=self.extra)
        self._entering = join
        return [*left, Enter(join)]

    def leave(self) -> list[Effect]:
        """Leave the room, if the page is in one; with everybody, if it is the page's and that was wanted."""
        stay, self.stay = self.stay, None
        if stay is None:
            return []
        closes = self.handshake.closes_room and stay.owns and bool(MODERATORS & stay.grants)
        return [Tell(Dismiss() if closes else Leave())]

    def resume(self, token: str | None) -> list[Effect]:
        """Go on at another socket, in the room that the page was in, if it was in one."""
        self.handshake = msgspec.structs.replace(self.handshake, token=token)
        if (stay := self.stay) is None:
            return []
        resume = Resume(session=stay.session, secret=stay.secret, seq=stay.seq)
        join = Join(room=stay.room, user=self.user, token=self.handshake.token, resume=resume)
        self._entering = join
        return [Enter(join)]

    @property
    def is_entering(self) -> bool:
        """Whether a room is still to say if it lets the page in."""
        return self._entering is not None

    def give_up(self) -> list[Effect]:
        """Want to enter no more, as the room has not answered."""
        self._entering = None
        return [Tell(Leave())]

    def farewell(self) -> list[Effect]:
        """Have the page leave everybody, although its stay goes on without this socket."""
        return [] if self.stay is None else self.stay.drop_all()

    def cast_off(self) -> list[Effect]:
        """Have the page leave everybody, and hang up on it: the server lets go of it."""
        effects, self.stay = self.farewell(), None
        return [*effects, End()]

    def _speak(self, envelope: wire.Envelope) -> list[Effect]:
        """Pass on what the page says, in its own name only."""
        word = wire.word_of(envelope.message)
        if envelope.sender != self.user:
            return [Emit("logs", (f"{self.user} cannot speak for {envelope.sender}",))]
        if isinstance(word, wire.UserLeft):
            return self.leave()
        if self.stay is None:
            return [Emit("user-disconnected", (envelope.to,))]  # the page still thinks that it is with somebody
        if isinstance(word, wire.ParticipationRequest) and envelope.to not in self.stay.others:
            return self.stay.connect_with_all(word)
        return self.stay.speak(envelope)

    def _set_extra(self, extra: Extra) -> list[Effect]:
        self.extra = extra
        return [] if self.stay is None else [Tell(UpdateExtra(extra=extra))]

    def _close_session(self) -> list[Effect]:
        stay = self.stay
        if stay is None:
            return [Reply(())]
        if not MODERATORS & stay.grants:
            return [Emit("logs", ("closing the room takes a token with the grant moderate",))]
        self.stay = None
        return [Tell(Dismiss()), *stay.drop_all(), Reply(())]

    def _change_name(self, user: str) -> list[Effect]:
        if self.stay is not None:
            return [Emit("logs", (f"{self.user} is in a room: leave it to be called otherwise",)), Reply(())]
        self.user = user
        return [Reply(())]

    def _listen(self, event: str) -> list[Effect]:
        if not 0 < len(event) <= MAX_TOPIC or event in OWN_TOPICS:
            return [Emit("logs", (f"an event has 1 to {MAX_TOPIC} characters, and is not one of {OWN_TOPICS}",))]
        self.custom_event = event
        if self.stay is not None:
            self.stay.custom_event = event
        return []

    def _say(self, word: ask.Custom) -> list[Effect]:
        return [] if self.stay is None else [Tell(Say(topic=word.topic or USUAL, data=word.content))]

    # -- what the room says --

    def hear_room(self, message: ServerMessage) -> list[Effect]:
        """Take in what is said to the page in its present stay."""
        match message:
            case Joined():
                return self._joined(message)
            case ExitRoom():
                return self._left(message)
            case Error():
                return self._refused(message)
            case TokenExpiring(expires_in=seconds):
                return [Emit("logs", (f"the token is over in {seconds:.0f} s, and so is the stay",))]
            case UpdateExtra(extra=extra):
                self.extra = extra
                return []
            case IceServers() | Refreshed() | MediaServer():
                return []
            case Moved():
                return [] if self.stay is None else self.stay.moved(message)
            case _:
                return [] if self.stay is None else self.stay.hear(message)

    def _joined(self, joined: Joined) -> list[Effect]:
        entering, self._entering = self._entering, None
        if entering is None:
            return [Tell(Leave())]
        if self.stay is not None:
            return self.stay.resumed(joined)
        if joined.topology == "janus":
            return [Tell(Leave()), Reply((False, IN_JANUS))]
        self.stay = Stay(joined, self.handshake, is_opened=self._opens, has_data=self._has_data)
        self.stay.custom_event = self.custom_event
        self.stay.begin(joined)
        return [Reply((True,))]

    def _refused(self, error: Error) -> list[Effect]:
        """Answer a wish to enter; anything else that cannot be done is for the page's console."""
        if self._entering is None:
            return [Emit("logs", (f"{error.about}: {error.text}",))] if error.code != ErrorCode.NO_SUCH_USER else []
        self._entering = None
        stay, self.stay = self.stay, None
        return [*(stay.drop_all() if stay else []), Reply((False, TEXTS.get(error.code, error.text)))]

    def _left(self, exit_room: ExitRoom) -> list[Effect]:
        """Be out. Who has not left by itself is told so, and by whom it was left."""
        acknowledged: list[Effect] = [Tell(Ack(seq=exit_room.seq))] if exit_room.wants_ack else []
        stay, self.stay = self.stay, None
        entering, self._entering = self._entering, None
        if stay is None and entering is None:
            return acknowledged
        others = [] if stay is None else stay.drop_all()
        if exit_room.reason is Reason.DISMISSED and stay is not None:
            return [Emit("closed-entire-session", (stay.room, self.extra)), *acknowledged]
        why = f"out of the room: {exit_room.reason}{f' ({exit_room.text})' if exit_room.text else ''}"
        return [*others, Emit("logs", (why,)), *acknowledged, End()]


def _exists(status: RoomStatus | None) -> bool:
    """Whether somebody is in a room: one that a program has made and nobody has entered is there to be opened."""
    return status is not None and bool(status.users)


def _problem_with_names(room: str, user: str) -> str | None:
    """Return why these cannot be names here; `None`: they can."""
    for name, of in ((room, "room"), (user, "user")):
        if re.match(NAME_PATTERN, name) is None:
            return f"no {of} can be called {name!r}: a name has 1 to 64 of A-Z a-z 0-9 . _ @ + -"
    return None


def _flags(status: RoomStatus | None) -> dict[str, Any]:
    settings = None if status is None else status.settings
    is_full = settings is not None and status is not None and len(status.users) >= settings.capacity
    return {"_room": {"isFull": is_full, "isPasswordProtected": False}}
