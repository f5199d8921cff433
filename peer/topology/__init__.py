"""How our tracks reach the others and theirs reach us. Membership never passes through here."""

from collections.abc import Sequence
from typing import Protocol

from peer.channel import ChannelMessage
from peer.media.inbound_stats import CandidatePairStats
from signaling.messages import IceServer, Janus, Relay, Said


class Topology(Protocol):
    """Carries media between us and the users that it is told of. All but `close` return at once.

    `has_channels`: whether there are data channels, for what is not media.
    """

    has_channels: bool

    def add(self, user: str, session: str, *, offers: bool) -> None:
        """Somebody is here; `offers`: they were here before us."""

    def remove(self, user: str) -> None:
        """Somebody is gone."""

    def unreachable(self, user: str) -> None:
        """Somebody cannot be told anything for now."""

    def back(self, user: str) -> None:
        """Somebody can be told things again."""

    def resumed(self) -> None:
        """We were cut off and can say things again."""

    def heard(self, message: Relay) -> None:
        """Another user's side of a negotiation."""

    def use(self, ice_servers: Sequence[IceServer]) -> None:
        """Make connections with these from now on."""

    def allow(self, grants: frozenset[str]) -> None:
        """Send and receive what these grants allow, from now on, and nothing else any more."""

    def renew(self, user: str) -> None:
        """What a user may send or receive is another: begin anew with them."""

    def say(self, message: ChannelMessage, user: str | None = None) -> None:
        """Say something straight to a user, or to everybody (None), without the server, where there is a way."""

    def hears(self, said: Said) -> bool:
        """Take in what came through the server; false: it is none of the topology's business."""

    def place(self, media: Janus | None) -> None:
        """The media of the room pass there now; None: through no server, or through none for now."""

    def pairs(self) -> Sequence[CandidatePairStats]:
        """Return the ways that packets go between us and the others."""

    async def close(self) -> None:
        """End every connection. Bounded by the caller, who does not wait for what hangs."""
