"""How our tracks reach the others and theirs reach us. Membership never passes through here."""

from typing import Protocol

from peer.channel import ChannelMessage
from signaling.messages import Relay


class Topology(Protocol):
    """Carries media between us and the users that it is told of. All but `close` return at once."""

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

    def say(self, message: ChannelMessage, user: str | None = None) -> None:
        """Say something straight to a user, or to everybody (None), without the server, where there is a way."""

    async def close(self) -> None:
        """End every connection. Bounded by the caller, who does not wait for what hangs."""
