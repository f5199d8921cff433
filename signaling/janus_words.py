"""What is said of the media server of a room: where it is, what opens it, who somebody is there. A core.

A room of the topology `janus` has its media carried by a VideoRoom of a Janus server. Who is in the room is said by us
alone; the VideoRoom lets in whom we let in.
"""

from hashlib import sha256
from typing import Literal

from signaling.forms import Message, Part

MAX_DIGITS = 16  # of the number of a stay
MAX_JANUS_ID = 2**53 - 1  # numbers of JSON that every reader takes exactly (RFC 8259, section 6)

Topology = Literal["mesh", "janus"]  # how the media of a room pass: from each to each, or by a VideoRoom


class Janus(Part, frozen=True):
    """The VideoRoom that carries a room's media, as one session is told of it."""

    url: str  # ws:// or wss:// of Janus' WebSocket API
    room: int  # the VideoRoom's id
    token: str  # what lets this session in, and no other
    pin: str  # what everybody in it is asked for


class MediaServer(Message, frozen=True):
    """The media of your room pass there from now on; `None`: nowhere, until there is a media server again.

    Nobody has come or gone. Said by the server in rooms of the topology `janus`.
    """

    media: Janus | None = None


def janus_id(session: str) -> int:
    """Return as which publisher a session is known in its VideoRoom: 1 to `MAX_JANUS_ID`.

    Everybody who knows the roster can tell whose a feed is; a feed that is nobody's is to be left alone.
    """
    return janus_number("publisher", session)


def stay_name(stay: int, token: str) -> str:
    """Return as what a session is shown in its VideoRoom during one stay there, a number that is higher each time.

    Janus lets in whoever has a token under whichever id they say. This name is made by who has the token that goes with
    the id, and by nobody else; everybody there can read it, so it is good for that stay alone.
    """
    return f"{stay} {janus_number('stay', str(stay), token)}"


def stay_of(name: str, token: str) -> int | None:
    """Return which stay a name is for; `None`: it was not made with this token."""
    number = name.partition(" ")[0]
    is_number = number.isascii() and number.isdigit() and len(number) <= MAX_DIGITS
    return int(number) if is_number and name == stay_name(int(number), token) else None


def janus_number(*words: str) -> int:
    """Return a number, 1 to `MAX_JANUS_ID`, that is always the same for the same words, and hardly for others."""
    digest = sha256("\n".join(words).encode()).digest()
    return int.from_bytes(digest[:8]) % MAX_JANUS_ID + 1
