"""A bitstream on its way into packets: cut once, big frames spread over a frame's time."""

import time
from collections.abc import Sequence

from peer.media.burst import Burst
from peer.media.encoding import MOST_PAYLOAD, Encoding, send_time
from peer.media.packetize import h264_payloads, vp8_payloads
from peer.media.route import Scratch

PART = 12  # packets that go out at once; the rest of a frame follows
MEASURE = 1.0  # seconds
SPREAD = 0.8  # of a frame's time over which a big frame is sent


class Packetizing(Encoding):
    """One codec's bitstream, of `fps` frames and about `bitrate` bits per second."""

    def __init__(self, name: str, codec: str, *, most: int, fps: float, bitrate: int) -> None:
        self.codec, self.fps = codec, fps
        self.size = (0, 0)  # of the pictures
        self.bytes_encoded = self._measured = 0
        self._measured_at, self._rate = time.monotonic(), float(bitrate)
        self._bitrate = bitrate
        self._picture_id = 0
        super().__init__(name, most=most)

    @property
    def bitrate(self) -> int:
        """Bits per second that are aimed at."""
        return self._bitrate

    @bitrate.setter
    def bitrate(self, bitrate: int) -> None:
        self._bitrate = bitrate

    def measure(self, now: float) -> float:
        """Return the bits per second that were made, over the last second or so."""
        elapsed = now - self._measured_at
        if elapsed >= MEASURE:
            before, self._measured, self._measured_at = self._measured, self.bytes_encoded, now
            self._rate = (self.bytes_encoded - before) * 8 / elapsed
        return self._rate

    def _bursts(self, bitstream: bytes, ticks: int, *, is_key: bool, marks: bool = True) -> list[Burst]:
        payloads, now = self._cut(bitstream), send_time()
        self.bytes_encoded += len(bitstream)
        return [
            Burst(
                payloads[begin : begin + PART],
                ticks,
                now,
                is_key=is_key,
                begins=begin == 0,
                ends=begin + PART >= len(payloads),
                marks=marks,
            )
            for begin in range(0, len(payloads), PART)
        ]

    def _cut(self, bitstream: bytes) -> list[bytes]:
        if self.codec == "H264":
            return h264_payloads(bitstream, MOST_PAYLOAD)
        if self.codec == "OPUS":
            return [bitstream]
        self._picture_id = self._picture_id + 1 & 0x7FFF
        return vp8_payloads(bitstream, self._picture_id, MOST_PAYLOAD)

    def _send(self, bursts: Sequence[Burst], scratch: Scratch) -> None:
        """Send the parts of a big frame one after another, the last well before the next frame."""
        began, distance = time.monotonic(), SPREAD / self.fps / max(len(bursts), 1)
        for number, burst in enumerate(bursts):
            self._pause(max(began + number * distance - time.monotonic(), 0)) if number else None
            super()._send((burst,), scratch)
