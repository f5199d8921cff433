"""What an encoder delivers, and what can be asked of one."""

from typing import Protocol

import av
from msgspec import Struct


class Encoded(Struct, frozen=True):
    """One frame as it goes over the wire.

    H.264: Annex B with start codes, SPS and PPS in band before each IDR. VP8: one whole frame, without IVF header.
    Opus: one packet of 20 ms.
    """

    bitstream: bytes
    is_key: bool
    level: int | None = None  # of sound, dBov: -127 (silence) to 0 (RFC 6465, appendix A)


class VideoEncoder(Protocol):
    """Encodes the pictures of one source, for one thread at a time.

    The first frame is a key frame; later ones only when they are asked for. There are no B frames and no delay: a frame
    that goes in comes out, but for hardware that works in the background.
    """

    codec: str  # "H264" | "VP8"
    implementation: str  # as in W3C's encoderImplementation: "libx264", "libvpx", "h264_nvenc"
    is_hardware: bool
    size: tuple[int, int]  # width, height
    needs_key_to_change_rate: bool  # then small changes of the bitrate are not made at all

    def encode(self, frame: av.VideoFrame, *, key: bool = False) -> Encoded | None:
        """Encode a picture of any size and format, scaled to ours; with `key`, so that decoding can begin with it.

        The frame is not changed, so that several encoders can be given the same one. Its time stamps tell how much
        time has passed since the one before, and with that how many bits it may have. None if nothing came out.
        """

    def set_bitrate(self, bitrate: int) -> None:
        """Aim at so many bits per second from the next frame on."""

    def close(self) -> None:
        """Let go of the codec. May be called twice."""
