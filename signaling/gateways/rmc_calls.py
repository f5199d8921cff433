"""How a page of RTCMultiConnection and one of our clients come to be connected. A core.

In our rooms who comes later offers; among pages it is who was there. Each is told what it expects: a page that comes
later is asked to connect as if our client had come later, and then offers; a page that was there is made to prepare for
the offer that our client has sent.

    the page came later:   ASKED ──its offer──► OFFERED ──our client's answer──► LINKED
    our client came later: PREPARING ──the page is ready──► ANSWERING ──the page's answer──► LINKED

A connection that is made anew is a new one for a page, too: it hears `onleave` of the old one first.
"""

from enum import Enum, auto

from msgspec import Struct, field

from signaling.gateways import rmc_wire as wire
from signaling.gateways.rmc_effects import Effect, Emit, Tell
from signaling.gateways.rmc_sdp import accept_data, refuse_data
from signaling.messages import PAGE_MARK, Answer, Candidate, Extra, NeedOffer, Offer, Relay

MOST_CANDIDATES = 64  # that wait for a description


class Phase(Enum):
    """How far a page and a user have come."""

    APART = auto()
    ASKED = auto()
    OFFERED = auto()
    PREPARING = auto()
    ANSWERING = auto()
    LINKED = auto()
    CUT = auto()  # the page has dropped the connection, and wants no other


class Link(Struct):
    """One of the others in the room, as a page sees them. The methods return what is to be done, in order."""

    user: str
    session: str
    extra: Extra
    came_later: bool  # than the page
    phase: Phase = Phase.APART
    call: str | None = None
    offer: str | None = None  # that waits until the page is ready
    waiting: list[Candidate] = field(default_factory=list)  # for a description
    taken: int = 0  # the number of their last letter that was taken

    @property
    def is_page(self) -> bool:
        """Whether it is another page of RTCMultiConnection, at whichever node."""
        return self.session.startswith(PAGE_MARK)


class Calls:
    """A page's connections with our clients. `session` is the page's; it makes the names of its calls unique.

    `has_data`: the page listens to data channels. To one that does not they are refused, or what is said there is lost.
    """

    def __init__(self, user: str, session: str, msg_event: str, *, has_data: bool = False) -> None:
        self.user, self.session = user, session
        self._msg_event, self._has_data = msg_event, has_data
        self._calls = 0

    def emit(self, link: Link, message: object) -> Emit:
        """Say something to the page in a user's name."""
        return Emit(self._msg_event, (wire.envelope(self.user, link.user, message, link.extra),))

    def request(self, link: Link, *, is_data_only: bool = False) -> list[Effect]:
        """Have the page connect with a user who was there before, or make the user offer who was not."""
        if link.came_later:
            return [Tell(NeedOffer(user=link.user, call=link.call))]
        effects = self._drop(link)
        link.phase = Phase.ASKED
        request = wire.participation_request(is_data_only=is_data_only)
        return [*effects, Emit("user-connected", (link.user,)), self.emit(link, request)]

    def cut(self, link: Link) -> None:
        """The page has dropped the connection with a user. The user stays in the room, and so does the page."""
        self._forget(link)
        link.phase = Phase.CUT

    # -- what the page says --

    def heard_page(self, link: Link, word: wire.Word) -> list[Effect]:
        """Take in what the page says to a user."""
        match word:
            case wire.ParticipationRequest():
                return self.request(link, is_data_only=word.is_data_only)
            case wire.EnableMedia() if link.phase is Phase.ASKED:
                return [self.emit(link, wire.ready_for_offer(word.user_preferences))]
            case wire.ReadyForOffer() if link.phase is Phase.PREPARING and link.offer is not None:
                return self._offer(link, link.offer)
            case wire.Description(renegotiating_peer=True) if link.phase is Phase.LINKED:
                return self.request(link)
            case wire.Description(type="offer") if link.phase is Phase.ASKED:
                return self._call(link, word.sdp)
            case wire.Description(type="answer") if link.phase is Phase.ANSWERING and link.call is not None:
                link.phase = Phase.LINKED
                return [
                    Tell(Answer(user=link.user, call=link.call, sdp=accept_data(word.sdp))),
                    Emit("extra-data-updated", (link.user, link.extra)),
                ]
            case wire.Trickled() if link.call is not None:
                return [Tell(_candidate(link.user, link.call, word))]
            case _:
                return []

    def _call(self, link: Link, sdp: str) -> list[Effect]:
        self._calls += 1
        link.call, link.phase = f"{self.session}.{self._calls}", Phase.OFFERED
        # The page gives a connection that it offers its own extra, until it is told a better one.
        extra = Emit("extra-data-updated", (link.user, link.extra))
        return [extra, Tell(Offer(user=link.user, call=link.call, sdp=sdp))]

    def _offer(self, link: Link, sdp: str) -> list[Effect]:
        link.offer, link.phase = None, Phase.ANSWERING
        return [self.emit(link, wire.description("offer", self._shown(sdp), link.extra)), *self._candidates(link)]

    def _shown(self, sdp: str) -> str:
        return sdp if self._has_data else refuse_data(sdp)

    # -- what the user says --

    def heard_user(self, link: Link, message: Relay) -> list[Effect]:
        """Take in what a user says to the page."""
        match message:
            case Offer() if link.came_later and link.phase is not Phase.CUT:
                return self._prepare(link, message)
            case Answer(call=link.call) if link.phase is Phase.OFFERED:
                link.phase = Phase.LINKED
                answer = wire.description("answer", self._shown(message.sdp), link.extra)
                return [self.emit(link, answer), *self._candidates(link)]
            case Candidate(call=link.call):
                return self._trickled(link, message)
            case NeedOffer() if not link.came_later and self._is_called_for(link, message):
                return self.request(link)
            case _:
                return []

    def _prepare(self, link: Link, offer: Offer) -> list[Effect]:
        is_asked_already = link.phase is Phase.PREPARING  # whoever sits there may take long to allow the camera
        effects = self._drop(link)
        link.call, link.offer, link.phase = offer.call, offer.sdp, Phase.PREPARING
        if is_asked_already:
            return []
        return [*effects, Emit("user-connected", (link.user,)), self.emit(link, wire.enable_media(link.extra))]

    @staticmethod
    def _is_called_for(link: Link, message: NeedOffer) -> bool:
        if link.phase in (Phase.APART, Phase.CUT):
            return False
        return message.call == link.call if message.call is not None else link.phase is not Phase.LINKED

    def _trickled(self, link: Link, message: Candidate) -> list[Effect]:
        if link.phase in (Phase.ANSWERING, Phase.LINKED):
            return [self._candidate_of(link, message)]
        if len(link.waiting) < MOST_CANDIDATES:
            link.waiting.append(message)
        return []

    def _candidates(self, link: Link) -> list[Effect]:
        waiting, link.waiting = link.waiting, []
        return [self._candidate_of(link, message) for message in waiting]

    def _candidate_of(self, link: Link, message: Candidate) -> Emit:
        return self.emit(link, wire.trickled(message.candidate, message.sdp_mid, message.sdp_m_line_index))

    def _drop(self, link: Link) -> list[Effect]:
        """Have the page forget a connection that it has with a user."""
        has_one = link.phase in (Phase.OFFERED, Phase.ANSWERING, Phase.LINKED)
        self._forget(link)
        return [self.emit(link, wire.DROP)] if has_one else []

    @staticmethod
    def _forget(link: Link) -> None:
        link.call, link.offer, link.waiting = None, None, []


def _candidate(user: str, call: str, word: wire.Trickled) -> Candidate:
    return Candidate(
        user=user, call=call, candidate=word.candidate, sdp_mid=word.sdp_mid, sdp_m_line_index=word.sdp_m_line_index
    )
