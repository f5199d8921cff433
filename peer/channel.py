"""What two peers say to each other straight, over the data channel of their call. Pure.

The channel is called "exeunt"; a message is one text of JSON, `type` says which. A goodbye said here arrives when the
server is gone, too.
"""

from typing import Literal

import msgspec

from signaling.messages import Message, Text
from signaling.reasons import Reason

CHANNEL = "exeunt"  # the channel's label
MAX_CHANNEL_MESSAGE = 8 * 1024  # characters
OwnReason = Literal["left", "error", "network_lost"]


class ChannelLeave(Message, frozen=True, tag="leave"):
    """I am leaving the room. `wants_ack`: I wait for your `ack`."""

    reason: OwnReason = "left"
    text: Text | None = None
    wants_ack: bool = False


class ChannelAck(Message, frozen=True, tag="ack"):
    """I know that you leave."""


ChannelMessage = ChannelLeave | ChannelAck

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[ChannelMessage] = msgspec.json.Decoder(ChannelMessage)


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
