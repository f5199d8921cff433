"""A room of a real RTCMultiConnection-Server, as if one of ours told us of it. Pure: `client.py` has the socket.

That server tells nobody who is in a room: we hear of the others as they hear of us, by their first words that say who
they are; a request to connect comes without their `extra`. Who was there before offers, once the newcomer is ready; so
we offer to whoever asks us to connect, and to nobody else.

    we are new:    ── newParticipationRequest ──► ◄── enableMedia ── ── readyForOffer ──► ◄── offer ── ── answer ──►
    they are new:  ◄── newParticipationRequest ── ── enableMedia ──► ◄── readyForOffer ── ── offer ──► ◄── answer ──

Of two who come at the same time each hears the other's request, and takes the other for the newcomer: both are about to
offer. Then the one whose name is the lesser of the two does; the other is ready for that offer and makes none.

A connection that does not come about, or breaks, is begun anew from the first arrow.
"""

import re
from typing import Any

from msgspec import Struct

from signaling import messages as wire
from signaling.gateways import rmc_wire as rmc
from signaling.messages import ErrorCode, Extra
from signaling.reasons import Detection, Reason

GRANTS = ("publish", "subscribe", "message")
UNKNOWN = "an RTCMultiConnection-Server knows nothing like that"


class Emit(Struct, frozen=True):
    """Have the server hear an event."""

    event: str
    argument: Any


class Tell(Struct, frozen=True):
    """What one of our servers would say to us now."""

    message: wire.ServerMessage


Effect = Emit | Tell


class Link(Struct):
    """Somebody else, of whom we know because we have been in touch."""

    user: str
    session: str
    extra: Extra
    we_offer: bool
    is_here: bool = False  # has been told of
    is_ready: bool = False  # for our offer
    offer: wire.Offer | None = None  # that waits for that
    call: str | None = None


class RmcRoom:
    """One user in one room, over however many sockets. Methods return what is to be done, in order."""

    def __init__(self, room: str, user: str, extra: Extra) -> None:
        self.room, self.user, self.extra = room, user, extra
        self.links: dict[str, Link] = {}
        self._has_left = False  # what is said to a page after that, it takes for somebody who comes
        self._seq = 0
        self._count = 0  # of sessions and calls, which need names here

    def offers_to(self, user: str) -> bool:
        """Whether it is we who offer to somebody."""
        link = self.links.get(user)
        return link is not None and link.we_offer

    def enter(self, grace: float) -> tuple[wire.Joined, list[Effect]]:
        """We are in, or in anew: nobody is known. Return that, and the word that has the others get in touch."""
        is_back = self._seq > 0
        self.links.clear()
        self._seq += 1
        joined = wire.Joined(
            room=self.room,
            user=self.user,
            session="rtcmulticonnection",
            secret="",
            ticket="",
            seq=self._seq,
            grace=grace,
            heartbeat=0.0,
            users=[],
            grants=list(GRANTS),
            resumed=is_back,
        )
        request = self._say(self.room, rmc.participation_request(is_data_only=False))
        return joined, [] if self._has_left else [request]

    def said(self, user: str, data: Any) -> list[Effect]:
        """Somebody says something over their data channel."""
        return [Tell(wire.Said(topic="message", data=data, user=user))] if user in self.links else []

    # -- what the server says --

    def hear(self, event: str, arguments: tuple[Any, ...]) -> list[Effect]:
        """Take in an event; what is none of its form is ignored."""
        match event, arguments:
            case rmc.MESSAGE_EVENT, (dict() as said, *_):
                return self._envelope(said)
            case "user-disconnected", (str(user), *_):
                return self._gone(user, Reason.NETWORK_LOST, Detection.SOCKET_CLOSED)
            case "extra-data-updated", (str(user), extra, *_):
                return self._updated(user, _own(extra))
            case "closed-entire-session", _:
                return [Tell(wire.ExitRoom(reason=Reason.DISMISSED))]
            case _:
                return []

    def _envelope(self, said: dict[str, Any]) -> list[Effect]:
        envelope: rmc.Envelope | None = rmc.read(said, rmc.Envelope)
        if envelope is None or envelope.to != self.user or envelope.sender in ("", self.user):
            return []
        user, word = envelope.sender, rmc.word_of(envelope.message)
        extra = _own(said.get("extra"))
        if envelope.message == rmc.DROP:
            return self._gone(user, Reason.LEFT, Detection.NOTICE)
        if isinstance(word, rmc.UserLeft):
            return self._gone(user, Reason.LEFT, Detection.NOTICE)
        if word is None or self._has_left or not _is_name(user):
            return []
        if isinstance(word, rmc.ParticipationRequest):
            return self._asked(user)
        link = self.links.get(user) or self._link(user, we_offer=False)
        if isinstance(word, rmc.EnableMedia) and link.we_offer and not link.is_here:
            if self.user < user:
                return self._here(link, extra)  # they hear the same of us, and wait for our offer
            link.we_offer = False
        return [*(self._updated(user, extra) if link.is_here else self._here(link, extra)), *self._word(link, word)]

    def _word(self, link: Link, word: rmc.Word) -> list[Effect]:
        match word:
            case rmc.EnableMedia():
                return [self._say(link.user, rmc.ready_for_offer(word.user_preferences))]
            case rmc.ReadyForOffer() if link.we_offer:
                return self._ready(link)
            case rmc.Description(type="offer") if not link.we_offer:
                link.call = self._name(link.session)
                return [Tell(wire.Offer(user=link.user, call=link.call, sdp=word.sdp))]
            case rmc.Description(type="answer") if link.we_offer and link.call is not None:
                return [Tell(wire.Answer(user=link.user, call=link.call, sdp=word.sdp))]
            case rmc.Trickled() if link.call is not None:
                return [Tell(_candidate(link.user, link.call, word))]
            case _:
                return []

    def _asked(self, user: str) -> list[Effect]:
        """They want a connection, or another: who is there already, us, makes it."""
        link = self.links.get(user)
        if link is not None and link.we_offer and link.is_here:
            return [Tell(wire.NeedOffer(user=user, call=link.call))]
        gone = self._gone(user, Reason.LEFT, Detection.NOTICE)  # who was there before us, and comes after us now
        self._link(user, we_offer=True)
        return [*gone, self._say(user, rmc.enable_media(self.extra))]

    def _here(self, link: Link, extra: Extra) -> list[Effect]:
        link.is_here, link.extra = True, extra
        self._seq += 1
        return [Tell(wire.RemoteUserJoin(user=link.user, session=link.session, seq=self._seq, extra=extra))]

    def _ready(self, link: Link) -> list[Effect]:
        link.is_ready = True
        offer, link.offer = link.offer, None
        return [] if offer is None else self._offer(link, offer)

    def _offer(self, link: Link, offer: wire.Offer) -> list[Effect]:
        link.is_ready, link.call = False, offer.call
        return [self._say(link.user, rmc.description("offer", offer.sdp, self.extra))]

    def _updated(self, user: str, extra: Extra) -> list[Effect]:
        link = self.links.get(user)
        if link is None or not link.is_here or link.extra == extra:
            return []
        link.extra = extra
        self._seq += 1
        return [Tell(wire.RemoteUserUpdate(user=user, session=link.session, seq=self._seq, extra=extra))]

    def _gone(self, user: str, reason: Reason, by: Detection) -> list[Effect]:
        link = self.links.pop(user, None)
        if link is None or not link.is_here:
            return []
        self._seq += 1
        leave = wire.RemoteUserLeave(
            user=user, session=link.session, seq=self._seq, reason=reason, detected_by=by, extra=link.extra
        )
        return [Tell(leave)]

    # -- what we say --

    def say(self, message: wire.ClientMessage) -> list[Effect]:
        """Say something, as far as that server has a word for it; what it has none for is refused."""
        match message:
            case wire.Offer() | wire.Answer() | wire.Candidate() | wire.NeedOffer():
                link = self.links.get(message.user)
                return [] if link is None or self._has_left else self._relay(link, message)
            case wire.UpdateExtra(extra=extra):
                self.extra = extra
                return [Emit("extra-data-updated", extra)]
            case wire.Leave():
                self._has_left = True
                return [self._say(user, {"userLeft": True}) for user in self.links]
            case wire.Ack() | wire.Say():
                return []
            case wire.Join() | wire.Kick() | wire.Dismiss() | wire.Mute() | wire.Refresh():  # pragma: no branch
                about = type(message).__name__.lower()
                return [Tell(wire.Error(code=ErrorCode.NOT_ALLOWED, text=UNKNOWN, about=about))]

    def _relay(self, link: Link, message: wire.Relay) -> list[Effect]:
        match message:
            case wire.Offer():
                if link.is_ready:
                    return self._offer(link, message)
                is_prepared = link.offer is not None or link.call is None
                link.offer = message
                return [] if is_prepared else [self._say(link.user, rmc.enable_media(self.extra))]
            case wire.Answer():
                return [self._say(link.user, rmc.description("answer", message.sdp, self.extra))]
            case wire.NeedOffer():
                return [self._say(link.user, rmc.participation_request(is_data_only=False))]
            case wire.Candidate():  # pragma: no branch - mypy checks that nothing is left
                word = rmc.trickled(message.candidate, message.sdp_mid, message.sdp_m_line_index)
                return [self._say(link.user, word)]

    def _say(self, to: str, message: Any) -> Emit:
        return Emit(rmc.MESSAGE_EVENT, {"remoteUserId": to, "sender": self.user, "message": message})

    def _link(self, user: str, *, we_offer: bool) -> Link:
        link = self.links[user] = Link(user=user, session=self._name(user), extra={}, we_offer=we_offer)
        return link

    def _name(self, of: str) -> str:
        self._count += 1
        return f"{of}.{self._count}"


def _candidate(user: str, call: str, word: rmc.Trickled) -> wire.Candidate:
    return wire.Candidate(
        user=user, call=call, candidate=word.candidate, sdp_mid=word.sdp_mid, sdp_m_line_index=word.sdp_m_line_index
    )


def _own(extra: object) -> Extra:
    """Return what somebody says of themselves, without the flags of the room that the server mixes into it."""
    return {name: value for name, value in rmc.as_extra(extra).items() if name != "_room"}


def _is_name(user: str) -> bool:
    """Whether somebody can be a user of ours."""
    return re.fullmatch(wire.NAME_PATTERN, user) is not None
