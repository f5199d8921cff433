"""Pictures encoded once: key frames when they are wanted, big frames spread over a frame's time."""

import time
from collections.abc import Sequence

from av import VideoFrame

from peer.capture.clock import VIDEO_RATE
from peer.capture.input import capture_time
from peer.media.burst import Burst
from peer.media.encoders import VideoEncoder, open_video_encoder
from peer.media.encoding import MOST_PAYLOAD, Encoding, Frame, send_time
from peer.media.keyframes import KeyFrames
from peer.media.outlet import Outlet
from peer.media.packetize import h264_payloads, vp8_payloads
from peer.media.route import Scratch
from peer.media.tiers import Tier

PATIENCE = 0.05  # seconds that a key frame which is due waits for a fresh picture
PART = 12  # packets that go out at once; the rest of a frame follows
OVERLOAD = 2  # pictures dropped between two looks
MEASURE = 1.0  # seconds
SPREAD = 0.8  # of a frame's time over which a big frame is sent


class VideoEncoding(Encoding):
    """One codec at one size. `fps` is what the source delivers, `bitrate` in bits per second."""

    def __init__(self, codec: str, tier: Tier, *, fps: float, bitrate: int, encoder: str) -> None:
        self.codec, self.tier = codec, tier
        self._fps, self._bitrate, self._wanted = fps, bitrate, encoder
        self._encoder: VideoEncoder | None = None
        self._keys = KeyFrames()
        self._last: VideoFrame | None = None  # what is encoded again when a key frame is due and the source rests
        self._last_at = 0.0  # monotonic seconds
        self._ticks = -1  # of the last picture, on the capture clock
        self._picture_id = 0
        self.size = (0, 0)
        self.bytes_encoded = self._measured = self._dropped = 0
        self._measured_at, self._rate = time.monotonic(), float(bitrate)
        super().__init__(f"{codec} {tier.name.lower()}", most=1)

    @property
    def implementation(self) -> str:
        """The encoder's name; empty before the first picture."""
        return self._encoder.implementation if self._encoder is not None else ""

    @property
    def bitrate(self) -> int:
        """Bits per second that are aimed at."""
        return self._bitrate

    @bitrate.setter
    def bitrate(self, bitrate: int) -> None:
        self._bitrate = bitrate

    @property
    def is_overloaded(self) -> bool:
        """Whether pictures had to be dropped since this was asked last: the encoder cannot keep up."""
        before, self._dropped = self._dropped, self.frames_dropped
        return self.frames_dropped - before > OVERLOAD

    def measure(self, now: float) -> float:
        """Return the bits per second that were made, over the last second or so."""
        elapsed = now - self._measured_at
        if elapsed >= MEASURE:
            before, self._measured, self._measured_at = self._measured, self.bytes_encoded, now
            self._rate = (self.bytes_encoded - before) * 8 / elapsed
        return self._rate

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
        self.bytes_encoded += len(encoded.bitstream)
        if encoded.is_key:
            self._key_sent()
        return self._bursts(self._cut(encoded.bitstream), is_key=encoded.is_key)

    def _opened(self, frame: VideoFrame) -> VideoEncoder:
        """Return the encoder of this tier's size."""
        part = 1 if self.tier is Tier.FULL else 2
        size = (frame.width // part & ~1, frame.height // part & ~1)
        if self._encoder is not None and self._encoder.size != size:
            self._release()
        if self._encoder is None:
            self._encoder = open_video_encoder(
                self.codec, size=size, fps=self._fps, bitrate=self._bitrate, encoder=self._wanted
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

    def _cut(self, bitstream: bytes) -> list[bytes]:
        if self.codec == "H264":
            return h264_payloads(bitstream, MOST_PAYLOAD)
        self._picture_id = self._picture_id + 1 & 0x7FFF
        return vp8_payloads(bitstream, self._picture_id, MOST_PAYLOAD)

    def _bursts(self, payloads: list[bytes], *, is_key: bool) -> list[Burst]:
        ticks, now = self._ticks, send_time()
        return [
            Burst(
                payloads[begin : begin + PART],
                ticks,
                now,
                is_key=is_key,
                begins=begin == 0,
                ends=begin + PART >= len(payloads),
            )
            for begin in range(0, len(payloads), PART)
        ]

    def _send(self, bursts: Sequence[Burst], scratch: Scratch) -> None:
        """Send the parts of a big frame one after another, the last well before the next frame."""
        began, distance = time.monotonic(), SPREAD / self._fps / max(len(bursts), 1)
        for number, burst in enumerate(bursts):
            self._pause(max(began + number * distance - time.monotonic(), 0)) if number else None
            super()._send((burst,), scratch)

    def _release(self) -> None:
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            encoder.close()


def _ticks(frame: VideoFrame) -> int:
    """Return when a picture was taken, on the capture clock."""
    return _now() if frame.pts is None else round(frame.time * VIDEO_RATE)


def _now() -> int:
    return round(capture_time() * VIDEO_RATE)
