"""Which codec a viewer gets. Pure.

What the viewers have negotiated is what they can all decode at any time (RFC 3264, section 6.1), so that the codec is
the sender's choice, and may change.
"""

from collections.abc import Collection, Sequence

from msgspec import Struct

PREFERENCE = ("H264", "VP8")  # x264 needs fewer instructions for a picture than libvpx


class Codec(Struct, frozen=True):
    """A codec as negotiated with one viewer."""

    name: str  # as in the mime type, in capitals: "H264", "VP8", "OPUS"
    payload_type: int
    rtx: int | None = None  # payload type of its retransmissions (RFC 4588)


def choose(offered: Sequence[Codec], wanted: str, running: Collection[str]) -> Codec | None:
    """Return the codec to send to a viewer, None if it takes none that we encode.

    `wanted` is a codec's name, or "auto": one that is encoded already for others, else the cheapest. A viewer that does
    not take the wanted one gets another.
    """
    names = [codec.name for codec in offered]
    order = [wanted, *PREFERENCE] if wanted != "auto" else [*(n for n in PREFERENCE if n in running), *PREFERENCE]
    for name in order:
        if name in names:
            return offered[names.index(name)]
    return None
