"""What a node knows of a client's connection, whatever it is made of."""

from typing import Protocol

from aiohttp import WSCloseCode


class Line(Protocol):
    """The way to one client. `session` is whose it is; it changes when a session is resumed there."""

    session: str

    @property
    def last_seen(self) -> float:
        """When the client last gave a sign of life, on the loop's clock."""

    @property
    def waiting(self) -> int:
        """How many messages the client has not taken yet."""

    def send(self, frame: bytes) -> None:
        """Send a message that is framed already (`text_frame`), after all that were said before."""

    def hang_up(self, code: int = WSCloseCode.OK) -> None:
        """Close the connection once everything that was said has been sent, but soon in any case."""
