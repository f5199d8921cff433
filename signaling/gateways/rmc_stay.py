"""A page of RTCMultiConnection in one of our rooms: who else is there, and what is said between them. A core."""

import msgspec

from signaling.gateways import rmc_wire as wire
from signaling.gateways.rmc_calls import Calls, Link, Phase
from signaling.gateways.rmc_effects import Effect, Emit, Tell
from signaling.gateways.rmc_passing import PASSED, objection_to, passed
from signaling.gateways.rmc_talk import LETTERS, custom, hear_letter
from signaling.messages import (
    Ack,
    Answer,
    Candidate,
    Extra,
    Joined,
    Muted,
    NeedOffer,
    Offer,
    Place,
    Relay,
    RemoteUserBack,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUnreachable,
    RemoteUserUpdate,
    RoomEvent,
    Said,
    User,
)


class Stay:
    """One stay of a page. Every method that changes something returns what is to be done, in order.

    `has_data`: the page listens to data channels.
    """

    def __init__(self, place: Place, handshake: wire.Handshake, *, is_opened: bool, has_data: bool = False) -> None:
        self.handshake, self.has_data = handshake, has_data
        self.custom_event = handshake.socket_custom_event
        self.owns = is_opened  # the room is this page's, in the words of RTCMultiConnection
        self.others: dict[str, Link] = {}
        self.streams: tuple[str, ...] = ()  # that the page sends
        self._settle(place)

    def _settle(self, place: Place) -> None:
        self.room, self.user, self.session, self.secret = place.room, place.user, place.session, place.secret
        self.seq, self.grace, self.grants = place.seq, place.grace, frozenset(place.grants)
        self.calls = Calls(place.user, place.session, self.handshake.msg_event, has_data=self.has_data)

    def begin(self, place: Place) -> None:
        """Take in who is there, all of whom came before the page."""
        self.others = {other.user: _link(other) for other in place.users}

    # -- what the page says --

    def connect_with_all(self, request: wire.ParticipationRequest) -> list[Effect]:
        """Connect with everybody who came before the page."""
        earlier = [link for link in self.others.values() if not link.came_later]
        return [effect for link in earlier for effect in self._request(link, is_data_only=request.is_data_only)]

    def _request(self, link: Link, *, is_data_only: bool) -> list[Effect]:
        if link.is_page:
            return [Tell(passed(link.user, wire.participation_request(is_data_only=is_data_only)))]
        return self.calls.request(link, is_data_only=is_data_only)

    def speak(self, envelope: wire.Envelope) -> list[Effect]:
        """Take in what the page says to another: pass it on to a page, translate it for one of our clients."""
        link = self.others.get(envelope.to)
        word = wire.word_of(envelope.message)
        if link is None:
            return [Emit("user-disconnected", (envelope.to,))]
        if isinstance(word, wire.Description) and word.streams_to_share:
            self.streams = tuple(word.streams_to_share)
        if not link.is_page:
            return [] if word is None else self.calls.heard_page(link, word)
        if (problem := objection_to(word, self.grants)) is not None:
            return [Emit("logs", (f"not passed on to {link.user}: {problem}",))]
        own = Emit("extra-data-updated", (link.user, link.extra))  # a page that offers shows its own until told
        return [*([own] if isinstance(word, wire.Description) else []), Tell(passed(link.user, envelope.message))]

    def disconnect_with(self, user: str) -> list[Effect]:
        """Drop the connection with another; both stay in the room."""
        link = self.others.get(user)
        if link is None:
            return []
        if link.is_page:
            return [Tell(passed(user, wire.DROP))]
        self.calls.cut(link)
        return []

    def drop_all(self) -> list[Effect]:
        """Have the page leave everybody: it is out, and they would not leave it."""
        return [effect for link in self.others.values() for effect in _gone(link)]

    # -- what the room says --

    def hear(self, message: Relay | RoomEvent | Said | Muted) -> list[Effect]:
        """Take in what is said in the room."""
        match message:
            case Offer() | Answer() | Candidate() | NeedOffer():
                link = self.others.get(message.user)
                return [] if link is None or link.is_page else self.calls.heard_user(link, message)
            case Said():
                return self._hear_said(message)
            case Muted():
                return self._hear_muted(message)
            case _:
                return self._hear_event(message)

    def _hear_event(self, event: RoomEvent) -> list[Effect]:
        self.seq = max(self.seq, event.seq)
        match event:
            case RemoteUserJoin():
                self.others[event.user] = Link(event.user, event.session, event.extra, came_later=True)
                return []
            case RemoteUserLeave():
                told = self._leave(event.user, event.session, event.extra)
                return [*told, *([Tell(Ack(seq=event.seq))] if event.wants_ack else [])]
            case RemoteUserUpdate():
                return self._update(event.user, event.extra)
            case RemoteUserUnreachable() | RemoteUserBack():  # pragma: no branch - mypy checks that nothing is left
                return []  # a page has no word for that: its `user-disconnected` would drop the user for good

    def _leave(self, user: str, session: str, extra: Extra) -> list[Effect]:
        link = self.others.get(user)
        if link is None or link.session != session:
            return []
        del self.others[user]
        link.extra = extra
        return [*_gone(link), *self._inherit(link)]

    def _inherit(self, gone: Link) -> list[Effect]:
        """The room becomes this page's when the last page that came before it is gone."""
        earlier = [link for link in self.others.values() if link.is_page and not link.came_later]
        if self.owns or earlier or not gone.is_page or gone.came_later:
            return []
        self.owns = True
        return [Emit("set-isInitiator-true", (self.room,))]

    def _update(self, user: str, extra: Extra) -> list[Effect]:
        link = self.others.get(user)
        if link is None or link.extra == extra:
            return []
        link.extra = extra
        return [Emit("extra-data-updated", (user, extra))]

    def _hear_said(self, said: Said) -> list[Effect]:
        link = self.others.get(said.user or "")
        if said.topic == PASSED and link is not None and link.is_page:
            return self._hear_passed(link, said.data)
        if said.topic == LETTERS and link is not None:
            return hear_letter(self.custom_event, link, said)
        extra = {} if link is None else link.extra
        return [custom(self.custom_event, said.topic, said.data, said.user, extra)]

    def _hear_muted(self, muted: Muted) -> list[Effect]:
        """Have the page mute its own streams, by what it takes for a word of another of whom it has a connection."""
        if muted.user is not None:
            return []
        by = next((link for link in self.others.values() if link.is_page or link.phase is Phase.LINKED), None)
        words = [] if by is None else [self.calls.emit(by, wire.mute(one, muted.kind)) for one in self.streams]
        why = f"muted by a moderator: {muted.kind}{f' ({muted.text})' if muted.text else ''}"
        return [*words, Emit("logs", (why,)), *([Tell(Ack(seq=muted.seq))] if muted.wants_ack else [])]

    def _hear_passed(self, link: Link, message: object) -> list[Effect]:
        is_first = isinstance(wire.word_of(message), wire.ParticipationRequest | wire.EnableMedia)
        met: list[Effect] = [Emit("user-connected", (link.user,))] if is_first else []
        return [*met, self.calls.emit(link, message)]

    # -- other places --

    def resumed(self, joined: Joined) -> list[Effect]:
        """Go on after a lost connection: have the page know who left meanwhile, and who came."""
        self._settle_again(joined)
        there = {other.user: other for other in joined.users}
        gone = [link for link in self.others.values() if not _is_still(link, there.get(link.user))]
        effects = [effect for link in gone for effect in self._leave(link.user, link.session, link.extra)]
        for other in joined.users:
            effects += self._update(other.user, other.extra)
            self.others.setdefault(other.user, msgspec.structs.replace(_link(other), came_later=True))
        return effects

    def _settle_again(self, joined: Joined) -> None:
        self.secret, self.seq, self.grants = joined.secret, joined.seq, frozenset(joined.grants)

    def moved(self, place: Place) -> list[Effect]:
        """Be in another room, as who came last: all of the former are gone, those who are there are new."""
        gone = self.drop_all()
        self.owns = False
        self._settle(place)
        self.begin(place)
        return [*gone, *self.connect_with_all(wire.ParticipationRequest(new_participation_request=True))]


def _link(other: User) -> Link:
    return Link(other.user, other.session, other.extra, came_later=False)


def _is_still(link: Link, there: User | None) -> bool:
    return there is not None and there.session == link.session


def _gone(link: Link) -> list[Effect]:
    """Have the page say `onleave` with the right extra, if it was connected with that user."""
    return [Emit("extra-data-updated", (link.user, link.extra)), Emit("user-disconnected", (link.user,))]
