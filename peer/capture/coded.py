"""What a source delivers encoded already, and whether that can be sent as it is. Pure.

A browser decodes what an encoder for calls would send, and little else: pictures that come in the order in which they
are shown, each of them shown, with everything in band that decoding needs; sound of at most two channels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from peer.capture.source import Kind
from peer.media.packetize import is_h264_key, is_vp8_key, parameter_sets

SOUND_RATE = 48_000  # samples per second, whatever Opus encodes (RFC 7587, section 4.1)
# What decoders of browsers take for H.264 of a call: profiles without interlacing's rarities, 8 bits, 4:2:0.
PROFILES = {"Constrained Baseline", "Baseline", "Main", "High", "Constrained High"}
PIXELS = {"yuv420p", "yuvj420p"}
_VP8_SHOWN = 0x10  # a bit of a VP8 frame's first byte (RFC 6386, section 9.1)


@dataclass(frozen=True, slots=True)
class Coding:
    """How a source's pictures or its sound are encoded."""

    codec: str  # as in a mime type, in capitals: "H264", "VP8", "OPUS"
    width: int = 0
    height: int = 0
    bitrate: int | None = None  # bits per second, as far as the source tells
    ask_for_key: Callable[[], None] | None = None  # of pictures whose encoder makes a key frame soon when asked to


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """One picture, or one packet of sound, with a time stamp of the capture clock.

    H.264 is in Annex B format, with its parameter sets before each IDR picture. An empty one says that the source can
    no longer be sent as it is.
    """

    kind: Kind
    bitstream: bytes
    stamp: int  # ticks of the codec's RTP clock
    is_key: bool  # decoding can begin here


def picture_coding(
    name: str, *, profile: str | None, pixels: str | None, reorders: bool, size: tuple[int, int], bitrate: int | None
) -> Coding | None:
    """Return how pictures are encoded, None if they have to be encoded anew. Names are FFmpeg's."""
    width, height = size
    if name == "vp8":
        return Coding("VP8", width, height, bitrate)
    is_fit = name == "h264" and profile in PROFILES and pixels in PIXELS and not reorders
    return Coding("H264", width, height, bitrate) if is_fit else None


def sound_coding(name: str, *, channels: int, bitrate: int | None) -> Coding | None:
    """Return how sound is encoded, None if it has to be encoded anew."""
    return Coding("OPUS", bitrate=bitrate) if name == "opus" and channels <= 2 else None


class Pictures:
    """Makes what goes over the wire of a stream of encoded pictures. `extradata` is in Annex B format, if any."""

    def __init__(self, codec: str, extradata: bytes = b"") -> None:
        self.codec = codec
        self._sets = parameter_sets(extradata)

    def is_key(self, bitstream: bytes) -> bool:
        """Return whether decoding can begin here."""
        return is_h264_key(bitstream) if self.codec == "H264" else is_vp8_key(bitstream)

    def is_shown(self, bitstream: bytes) -> bool:
        """Return whether this is a picture, and not only what later ones refer to (VP8's alternate reference)."""
        return self.codec != "VP8" or bool(bitstream[0] & _VP8_SHOWN)

    def complete(self, bitstream: bytes) -> bytes:
        """Put the parameter sets that came last before a key frame that comes without its own."""
        if self.codec != "H264" or not is_h264_key(bitstream):
            return bitstream
        sets = parameter_sets(bitstream)
        if not sets:
            return self._sets + bitstream
        self._sets = sets
        return bitstream


def opus_samples(packet: Sequence[int]) -> int:
    """Return for how many samples at 48 kHz a packet of Opus stands, 0 if it is none (RFC 6716, section 3.1)."""
    if not packet or (packet[0] & 3 == 3 and len(packet) < 2):
        return 0
    mode, count = packet[0] >> 3, packet[0] & 3
    frames = packet[1] & 0x3F if count == 3 else min(count + 1, 2)
    if mode < 12:
        tenths = (100, 200, 400, 600)[mode & 3]  # of a millisecond: SILK
    elif mode < 16:
        tenths = (100, 200)[mode & 1]  # hybrid
    else:
        tenths = (25, 50, 100, 200)[mode & 3]  # CELT
    return frames * tenths * SOUND_RATE // 10_000
