"""Who offers to whom, and which message belongs to which connection. Pure.

One `call` is one pair of RTCPeerConnections, named by the side that offers. Between two users it is always the one who
came later that offers, so offers never meet (aiortc has no rollback). A call that does not come about, or breaks, is
replaced by a new one from the same side; messages of an old call are ignored.

    WAITING ──offer sent or received──► CONNECTING ──connected──► CONNECTED
       ▲                                    │                         │
       └──────────failed, too slow──────────┴─────────failed──────────┘
"""

from enum import Enum, auto

from msgspec import Struct

from signaling.messages import Answer, Candidate, NeedOffer, Offer, Relay

CONNECT_LIMIT = 15.0  # seconds from an offer to a connection, and from a missing offer to asking for it
RETRY_MIN, RETRY_MAX = 0.5, 8.0  # seconds before a broken call is replaced, doubling


class Call(Struct, frozen=True):
    """Open a connection and send its offer."""

    user: str
    call: str


class Respond(Struct, frozen=True):
    """Open a connection for this offer and send the answer."""

    offer: Offer


class Accept(Struct, frozen=True):
    """Give the answer to its connection."""

    answer: Answer


class AddCandidate(Struct, frozen=True):
    """Give the candidate to its connection."""

    candidate: Candidate


class Close(Struct, frozen=True):
    """Close the connection of this call."""

    call: str


class Ask(Struct, frozen=True):
    """Send this to the side that offers."""

    message: NeedOffer


Effect = Call | Respond | Accept | AddCandidate | Close | Ask


class Phase(Enum):
    """How far the call with one user has come."""

    WAITING = auto()
    CONNECTING = auto()
    CONNECTED = auto()


class _Link(Struct):
    user: str
    session: str
    offers: bool  # we are the side that offers
    phase: Phase = Phase.WAITING
    call: str | None = None
    deadline: float | None = None
    failures: int = 0
    unreachable: bool = False
    offered: Offer | None = None  # the newest that is still to be answered
    answer_from: float = 0.0  # when the next may be answered: no flood of offers is one of connections


class Negotiation:
    """The calls of one peer with everybody else in the room. `session` makes the names of our calls unique."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._links: dict[str, _Link] = {}
        self._calls = 0

    def next_deadline(self) -> float | None:
        """When `advance` has something to do, in the caller's clock; None: never."""
        return min((link.deadline for link in self._links.values() if link.deadline is not None), default=None)

    def advance(self, now: float) -> list[Effect]:
        """Do what is due."""
        due = [link for link in self._links.values() if link.deadline is not None and link.deadline <= now]
        return [effect for link in due for effect in self._retry(link, now)]

    def add(self, user: str, session: str, *, offers: bool, now: float) -> list[Effect]:
        """Somebody is here. `offers`: they were here before us, so the offer is ours."""
        effects = self.remove(user)
        link = self._links[user] = _Link(user, session, offers, deadline=now + CONNECT_LIMIT)
        return effects + (self._call(link, now) if offers else [])

    def remove(self, user: str) -> list[Effect]:
        """Somebody is gone."""
        link = self._links.pop(user, None)
        return self._drop(link) if link else []

    def unreachable(self, user: str) -> list[Effect]:
        """Nothing that we say reaches this user for now: keep what is connected, try nothing new."""
        if link := self._links.get(user):
            link.unreachable = True
            link.deadline = None
        return []

    def back(self, user: str, now: float) -> list[Effect]:
        """What we say reaches this user again."""
        if not (link := self._links.get(user)):
            return []
        link.unreachable = False
        return self._renew(link, now)

    def resumed(self, now: float) -> list[Effect]:
        """We were cut off from the server and are back: what was said in between is lost."""
        reachable = [link for link in self._links.values() if not link.unreachable]
        return [effect for link in reachable for effect in self._renew(link, now)]

    def renew(self, user: str, now: float) -> list[Effect]:
        """What may flow between this user and us is another: no call that is there goes on."""
        link = self._links.get(user)
        if link is None or link.call is None:
            return []  # the next call will be as it has to be
        call = link.call
        effects = self._drop(link)
        if link.unreachable:
            link.deadline = None
            return effects  # they make a new one on coming back, or we do
        if link.offers:
            return effects + self._call(link, now)
        self._wait(link, now + CONNECT_LIMIT)
        return [*effects, Ask(NeedOffer(user=user, call=call))]

    def connected(self, call: str) -> list[Effect]:
        """Media can flow."""
        if link := self._by_call(call):
            link.phase, link.deadline, link.failures = Phase.CONNECTED, None, 0
        return []

    def failed(self, call: str, now: float) -> list[Effect]:
        """A connection broke or never came about."""
        link = self._by_call(call)
        if link is None:
            return []
        effects = self._drop(link)
        delay = min(RETRY_MIN * 2.0**link.failures, RETRY_MAX)
        link.failures += 1
        if not link.offers:
            effects.append(Ask(NeedOffer(user=link.user, call=call)))
            delay = CONNECT_LIMIT
        self._wait(link, now + delay)
        return effects

    def heard(self, message: Relay, now: float) -> list[Effect]:
        """Take in what another user says."""
        link = self._links.get(message.user)
        if link is None:
            return []
        match message:
            case Offer():
                return self._offered(link, message, now)
            case NeedOffer():
                return self._asked(link, message, now)
            case Answer():
                return [Accept(message)] if message.call == link.call and link.offers else []
            case Candidate():  # pragma: no branch - mypy checks that nothing is left
                return [AddCandidate(message)] if message.call == link.call else []

    def _offered(self, link: _Link, offer: Offer, now: float) -> list[Effect]:
        """Answer an offer, but only so often; a call is its offerer's own, so nobody can take over another's."""
        is_theirs = offer.call.startswith(f"{link.session}.")
        if link.offers or offer.call == link.call or not is_theirs:
            return []
        link.offered = offer
        if now >= link.answer_from:
            return self._respond(link, offer, now)
        link.deadline = link.answer_from
        return []

    def _respond(self, link: _Link, offer: Offer, now: float) -> list[Effect]:
        effects = self._drop(link)
        self._start(link, offer.call, now)
        link.offered, link.answer_from = None, now + RETRY_MIN
        return [*effects, Respond(offer)]

    def _asked(self, link: _Link, message: NeedOffer, now: float) -> list[Effect]:
        """The other side's call does not work: as if it had failed on ours, so that no flood of these is one of calls.

        An older call's complaint is already seen to, and so is any while the next call is waiting for its time.
        """
        is_first = message.call is None and link.phase is not Phase.CONNECTED
        if link.offers and link.call is not None and (is_first or message.call == link.call):
            return self.failed(link.call, now)
        return []

    def _retry(self, link: _Link, now: float) -> list[Effect]:
        if link.offered is not None:
            return self._respond(link, link.offered, now)
        if link.phase is Phase.CONNECTING and link.call is not None:
            return self.failed(link.call, now)
        if link.offers:
            return self._call(link, now)
        link.deadline = now + CONNECT_LIMIT
        return [Ask(NeedOffer(user=link.user))]

    def _renew(self, link: _Link, now: float) -> list[Effect]:
        if link.phase is Phase.CONNECTED:
            return []
        if link.offers:
            return self._drop(link) + self._call(link, now)
        self._wait(link, now + CONNECT_LIMIT)
        return []

    def _call(self, link: _Link, now: float) -> list[Effect]:
        self._calls += 1
        call = f"{self._session}.{self._calls}"
        self._start(link, call, now)
        return [Call(link.user, call)]

    @staticmethod
    def _wait(link: _Link, until: float) -> None:
        """Wait until then; a newer offer is answered when it may be, whatever has become of the call before it."""
        due = until if link.offered is None else link.answer_from
        link.deadline = None if link.unreachable else due

    @staticmethod
    def _start(link: _Link, call: str, now: float) -> None:
        link.phase, link.call = Phase.CONNECTING, call
        link.deadline = None if link.unreachable else now + CONNECT_LIMIT

    @staticmethod
    def _drop(link: _Link) -> list[Effect]:
        call, link.call, link.phase = link.call, None, Phase.WAITING
        return [Close(call)] if call else []

    def _by_call(self, call: str) -> _Link | None:
        return next((link for link in self._links.values() if link.call == call), None)
