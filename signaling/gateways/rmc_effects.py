"""What is decided of a page of RTCMultiConnection, as values: the gateway carries them out in their order. A core."""

from dataclasses import dataclass
from typing import Any

from signaling.messages import ClientMessage, Join


@dataclass(frozen=True, slots=True)
class Emit:
    """Send an event to the page."""

    event: str
    args: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer what the page has just asked."""

    args: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Enter:
    """Begin a stay: open a session, and say this in it first."""

    join: Join


@dataclass(frozen=True, slots=True)
class Tell:
    """Say something in the session of the present stay."""

    message: ClientMessage


@dataclass(frozen=True, slots=True)
class End:
    """Close the page's socket once everything that was said has been sent."""


Effect = Emit | Reply | Enter | Tell | End
