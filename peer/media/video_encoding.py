"""Pictures encoded once, with key frames when they are wanted."""

import time
from collections.abc import Sequence

from av import VideoFrame

from peer.capture.clock import VIDEO_RATE
from peer.capture.input import capture_time
from peer.media.burst import Burst
from peer.media.encoders import VideoEncoder, open_video_encoder
from peer.media.encoding import Frame
from peer.media.keyframes import KeyFrames
from peer.media.outlet import Outlet
from peer.media.packetizing import PART as PART, Packetizing
from peer.media.tiers import Tier

PATIENCE = 0.05  # seconds that a key frame which is due waits for a fresh picture
OVERLOAD = 2  # pictures dropped between two looks


class VideoEncoding(Packetizing):
    """One codec at one size. `fps` is what the source delivers, `bitrate` in bits per second."""

    def __init__(self, codec: str, tier: Tier, *, fps: float, bitrate: int, encoder: str) -> None:
        self.tier = tier
        self._wanted = encoder
        self._encoder: VideoEncoder | None = None
        self._keys = KeyFrames()
        self._last: VideoFrame | None = None  # what is encoded again when a key frame is due and the source rests
        self._last_at = 0.0  # monotonic seconds
        self._ticks = -1  # of the last picture, on the capture clock
        self._dropped = 0
        super().__init__(f"{codec} {tier.name.lower()}", codec, most=1, fps=fps, bitrate=bitrate)

    @property
    def implementation(self) -> str:
        """The encoder's name; empty before the first picture."""
        return self._encoder.implementation if self._encoder is not None else ""

    @property
    def is_overloaded(self) -> bool:
        """Whether pictures had to be dropped since this was asked last: the encoder cannot keep up."""
        before, self._dropped = self._dropped, self.frames_dropped
        return self.frames_dropped - before > OVERLOAD

    def ask_for_key_frame(self, round_trip: float | None = None) -> None:
        """Have a key frame sent soon; many who ask get one. `round_trip` of who asks, seconds, if it is known."""
        with self._changed:
            self._keys.ask(time.monotonic(), *([] if round_trip is None else [round_trip]))
            self._changed.notify()

    def add(self, outlet: Outlet) -> None:
        """Feed one more, from its first key frame on, which comes at once."""
        with self._changed:  # at once, or a key frame could be sent in between, to all but this one
            self._keys.joined(time.monotonic())
            super().add(outlet)

    def _wait(self) -> Frame | None:
        while not self._is_over:
            if self._frames:
                return self._frames.popleft()
            due = self._keys.next_deadline()
            late = None if due is None or self._last is None else max(due, self._last_at) + PATIENCE - time.monotonic()
            if late is not None and late <= 0:
                return self._last
            self._changed.wait(late)
        return None

    def _encode(self, frame: Frame) -> Sequence[Burst]:
        assert isinstance(frame, VideoFrame)
        now, is_again = time.monotonic(), frame is self._last
        self._last, self._last_at = frame, now
        self._ticks = max(_now() if is_again else _ticks(frame), self._ticks + 1)
        encoder = self._opened(frame)
        encoder.set_bitrate(self._bitrate)
        encoded = encoder.encode(frame, key=self._is_key_due(now))
        if encoded is None:
            return ()
        if encoded.is_key:
            self._key_sent()
        return self._bursts(encoded.bitstream, self._ticks, is_key=encoded.is_key)

    def _opened(self, frame: VideoFrame) -> VideoEncoder:
        """Return the encoder of this tier's size."""
        part = 1 if self.tier is Tier.FULL else 2
        size = (frame.width // part & ~1, frame.height // part & ~1)
        if self._encoder is not None and self._encoder.size != size:
            self._release()
        if self._encoder is None:
            self._encoder = open_video_encoder(
                self.codec, size=size, fps=self.fps, bitrate=self._bitrate, encoder=self._wanted
            )
            self.size = size
        return self._encoder

    def _is_key_due(self, now: float) -> bool:
        with self._changed:
            return self._keys.is_due(now)

    def _key_sent(self) -> None:
        self.key_frames_encoded += 1
        with self._changed:
            self._keys.sent(time.monotonic())

    def _release(self) -> None:
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            encoder.close()


def _ticks(frame: VideoFrame) -> int:
    """Return when a picture was taken, on the capture clock."""
    return _now() if frame.pts is None else round(frame.time * VIDEO_RATE)


def _now() -> int:
    return round(capture_time() * VIDEO_RATE)
