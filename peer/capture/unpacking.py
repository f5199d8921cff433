"""Takes out of a container's packets what goes over the wire."""

from dataclasses import dataclass
from typing import Protocol

import av
from av.bitstream import BitStreamFilterContext

from peer.capture.clock import AUDIO_RATE, BLOCK
from peer.capture.coded import Coding, Pictures, opus_samples, picture_coding, sound_coding
from peer.capture.decoding import Packet

ANNEX_B = "h264_mp4toannexb"
_CONFIGURATION = 1  # first byte of H.264's parameters as they are in MP4 and Matroska (ISO/IEC 14496-15)


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """One picture or one packet of sound, not yet stamped. An empty one: the stream can no longer be sent as it is."""

    bitstream: bytes
    is_key: bool
    samples: int = BLOCK  # of sound
    delay: float = 0.0  # seconds by which a decoder is behind, of sound


UNFIT = Unit(b"", is_key=False)


class Unpacker(Protocol):
    """Takes the packets of one stream, in their order."""

    coding: Coding

    def unpack(self, packet: Packet) -> Unit | None:
        """Return what goes over the wire, None if there is nothing in it. The packet is left as it is."""

    def begin_anew(self) -> None:
        """The next packet does not continue those before it."""


def unpacker_of(stream: "av.VideoStream | av.AudioStream | None") -> Unpacker | None:
    """Return what unpacks a stream; None if it has to be encoded anew."""
    if isinstance(stream, av.VideoStream):
        context = stream.codec_context
        coding = picture_coding(
            context.name,
            profile=context.profile,
            pixels=context.pix_fmt,
            reorders=bool(context.has_b_frames),
            size=(stream.width, stream.height),
            bitrate=context.bit_rate,
        )
        return None if coding is None else PictureUnpacker(stream, coding)
    if stream is None:
        return None
    sound = stream.codec_context
    coding = sound_coding(sound.name, channels=sound.channels, bitrate=sound.bit_rate)
    return None if coding is None else SoundUnpacker(coding, sound.extradata or b"")


class PictureUnpacker:
    """Pictures: H.264 comes out in Annex B format, with its parameter sets before each IDR picture."""

    def __init__(self, stream: av.VideoStream, coding: Coding) -> None:
        self.coding = coding
        extradata = stream.codec_context.extradata or b""
        is_annex_b = coding.codec != "H264" or extradata[:1] != bytes((_CONFIGURATION,))
        self._filter = None if is_annex_b else BitStreamFilterContext(ANNEX_B, stream)
        self._pictures = Pictures(coding.codec, extradata if is_annex_b else b"")
        self._last: int | None = None  # time stamp of the last picture

    def unpack(self, packet: Packet) -> Unit | None:
        """Return the picture; `UNFIT` if it is one that calls do not know."""
        bitstream = self._converted(packet)
        if not bitstream:
            return None
        if self._goes_back(packet.pts) or not self._pictures.is_shown(bitstream):
            return UNFIT
        return Unit(self._pictures.complete(bitstream), self._pictures.is_key(bitstream))

    def begin_anew(self) -> None:
        """The next packet does not continue those before it."""
        self._last = None

    def _converted(self, packet: Packet) -> bytes:
        bitstream = bytes(packet)
        if self._filter is None or not bitstream:
            return bitstream
        try:  # of a copy: the filter takes what it gets
            return b"".join(bytes(part) for part in self._filter.filter(av.Packet(bitstream)))
        except av.InvalidDataError:  # damaged: it costs its picture
            return b""

    def _goes_back(self, stamp: int | None) -> bool:
        """Whether pictures come in another order than they are shown in, which was not known before."""
        goes_back = stamp is not None and self._last is not None and stamp <= self._last
        self._last = stamp
        return goes_back


class SoundUnpacker:
    """Opus: every packet stands for itself.

    What a decoder makes of it is behind what it was made of, by what the head of the file says (RFC 7845, section 4.2).
    Files name the former, calls the latter.
    """

    def __init__(self, coding: Coding, head: bytes) -> None:
        self.coding = coding
        self._delay = int.from_bytes(head[10:12], "little") / AUDIO_RATE if head.startswith(b"OpusHead") else 0.0

    def unpack(self, packet: Packet) -> Unit | None:
        """Return the packet."""
        bitstream = bytes(packet)
        samples = opus_samples(bitstream)
        return Unit(bitstream, is_key=True, samples=samples, delay=self._delay) if samples else None

    def begin_anew(self) -> None:
        """Nothing: packets do not depend on each other."""
