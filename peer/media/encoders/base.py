"""What encoders of pictures have in common: an FFmpeg codec, opened when needed and opened anew when it must be."""

from abc import ABC, abstractmethod
from fractions import Fraction

import av
from av.codec.hwaccel import HWAccel

from peer.errors import UsageError
from peer.media.encoders.encoded import Encoded
from peer.media.encoders.pace import Pace, follows
from peer.media.encoders.reference import TICKS, TIME_BASE, Referrer

ENDLESS = 1 << 30  # frames between key frames: those that are asked for suffice
FINEST_FPS = 1001  # denominator, as in 30000/1001


class CodecEncoder(ABC):
    """A `VideoEncoder` around one FFmpeg codec. A subclass says how that is opened and how its bitrate is changed."""

    codec: str
    implementation: str
    is_hardware = False
    needs_key_to_change_rate = False
    pixels = "yuv420p"  # what the codec takes

    def __init__(self, *, size: tuple[int, int], fps: float, bitrate: int) -> None:
        if min(size) < 2 or size[0] % 2 or size[1] % 2:
            raise UsageError(f"Pictures of {size[0]}x{size[1]} cannot be encoded: width and height have to be even.")
        if not 0 < fps <= TICKS or bitrate <= 0:
            raise UsageError(f"{fps} frames and {bitrate} bits per second are no rates to encode at.")
        self.size, self.fps, self.bitrate = size, fps, bitrate
        self.pace = Pace(fps)
        self.opened_with = bitrate  # bits per second
        self._context: av.VideoCodecContext | None = None
        self._referrer = Referrer(size, self.pixels)
        self._stamp = 0

    def encode(self, frame: av.VideoFrame, *, key: bool = False) -> Encoded | None:
        """Encode a picture: see `VideoEncoder.encode`."""
        interval = self.pace.step(frame.time)
        context = self._opened()
        self.steer(context)
        self._stamp += max(round(self.duration(interval) * TICKS), 1)
        packets = context.encode(self._referrer.refer(frame, self._stamp, key=key))
        bitstream = b"".join(bytes(packet) for packet in packets)
        return Encoded(bitstream, any(packet.is_keyframe for packet in packets)) if bitstream else None

    def set_bitrate(self, bitrate: int) -> None:
        """Aim at so many bits per second from the next frame on."""
        if bitrate <= 0:
            raise UsageError(f"{bitrate} bits per second are no rate to encode at.")
        self.bitrate = bitrate

    def prepare(self) -> None:
        """Open the codec now rather than with the first frame. Raises what FFmpeg raises if it does not work."""
        self._opened()

    def close(self) -> None:
        """Let go of the codec. May be called twice; encoding again would open it again, with a key frame."""
        self._context = None

    def can_follow(self) -> bool:
        """Whether the open codec can go over to the present bitrate. If not it is opened anew, with a key frame."""
        return follows(self.opened_with, self.bitrate)

    def steer(self, context: av.VideoCodecContext) -> None:
        """Make the open codec aim at the present bitrate, if that is done by telling it."""
        return  # most cannot be told

    def duration(self, interval: float) -> float:
        """Return the seconds that the codec is told a frame stands for."""
        return interval

    @abstractmethod
    def open(self, context: av.VideoCodecContext) -> None:
        """Open a codec for the present bitrate. Size, frame rate and pixel format are set already."""

    def device(self) -> HWAccel | None:
        """Return the device whose memory the codec takes pictures from, None for ours."""
        return None

    def _opened(self) -> av.VideoCodecContext:
        if self._context is None or not self.can_follow():
            self._context = None  # first, as hardware may allow but one
            context = av.CodecContext.create(self.implementation, "w", self.device())
            assert isinstance(context, av.VideoCodecContext)
            context.width, context.height = self.size
            context.pix_fmt, context.time_base = self.pixels, TIME_BASE
            context.framerate = Fraction(self.fps).limit_denominator(FINEST_FPS)
            context.gop_size, context.max_b_frames = ENDLESS, 0
            context.bit_rate = self.opened_with = self.bitrate
            self.open(context)
            self._context = context
        return self._context
