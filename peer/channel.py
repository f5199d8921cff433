"""What two peers say to each other straight, over the data channel of their call. Pure.

The channel is called "exeunt"; a message is one text of JSON, `type` says which. A goodbye said here arrives when the
server is gone, too.
"""

from collections.abc import Collection
from typing import Literal

import msgspec

from peer.rtcmulticonnection.text import LABEL
from signaling.messages import PAGE_MARK, MediaKind, Message, Text
from signaling.reasons import Reason

CHANNEL = "exeunt"  # the channel's label
TALK = "exeunt.talk"  # of another, for the application's words: they must not be in the way of a goodbye
LOSSY = "exeunt.lossy"  # of a third, unordered, on which nothing is said twice
CHANNELS = (CHANNEL, TALK, LOSSY)
MAX_CHANNEL_MESSAGE = 8 * 1024  # characters
OwnReason = Literal["left", "error", "network_lost"]


class ChannelLeave(Message, frozen=True, tag="leave"):
    """I am leaving the room. `wants_ack`: I wait for your `ack`."""

    reason: OwnReason = "left"
    text: Text | None = None
    wants_ack: bool = False


class ChannelAck(Message, frozen=True, tag="ack"):
    """I know that you leave."""


class ChannelMedia(Message, frozen=True, tag="media"):
    """What I send now: of the kinds published something, and of those muted silence or black in its place.

    Said when a channel opens, and whenever it changes. A kind may be muted before it is published.
    """

    published: tuple[MediaKind, ...] = ()
    muted: tuple[MediaKind, ...] = ()


ChannelMessage = ChannelLeave | ChannelAck | ChannelMedia

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[ChannelMessage] = msgspec.json.Decoder(ChannelMessage)


def channels_to(session: str, channels: Collection[str] = CHANNELS) -> Collection[str]:
    """Return the labels of the data channels with a user's session: pages of RTCMultiConnection have their own."""
    return (LABEL,) if session.startswith(PAGE_MARK) else channels


def own_reason(reason: Reason) -> OwnReason | None:
    """Return a reason that is ours to tell; None: the server decided it, and has told everybody."""
    match reason.value:
        case "left" | "error" | "network_lost" as own:
            return own
        case _:
            return None


def encode(message: ChannelMessage) -> str:
    """Return the text of a message."""
    return _encoder.encode(message).decode()


def decode(text: str | bytes) -> ChannelMessage | None:
    """Read what came over the channel; None: nothing that we know, from whoever uses the channel for more."""
    if len(text) > MAX_CHANNEL_MESSAGE:
        return None
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
