"""Opus by libopus: blocks of 20 ms of 48 kHz s16 stereo in, one packet each out, or none while there is silence."""

from collections import deque
from fractions import Fraction
from typing import cast

import av
import numpy as np
from numpy.typing import NDArray

from peer.errors import UsageError
from peer.media.encoders.encoded import Encoded
from peer.media.encoders.quiet import LOUDEST_SILENCE, Quiet, loss_band
from peer.media.loudness import dbov

RATE = 48_000  # Hz
TIME_BASE = Fraction(1, RATE)
BLOCK = 960  # samples per channel
BITRATES = {1: 32_000, 2: 64_000}  # bits per second: speech is transparent, music good
LAYOUTS = {1: "mono", 2: "stereo"}
PRIMING = 5  # blocks after which a new codec's memory is that of the one it replaces

Samples = NDArray[np.int16]  # of one channel, or of both in turn


class OpusEncoder:
    """Encodes sound as Opus, with error correction for the loss that is reported.

    It is opened as "audio": "voip" filters what is below the voice, which takes the ground from music, and the modes
    for speech with their error correction are chosen by "audio" as well, where the sound and the loss ask for them.
    """

    codec = "opus"
    implementation = "libopus"

    def __init__(self, *, channels: int = 2, bitrate: int | None = None) -> None:
        if channels not in LAYOUTS:
            raise UsageError(f"Opus is sent with 1 or 2 channels, not with {channels}.")
        self.channels, self.bitrate = channels, bitrate or BITRATES[channels]
        self.band = 0  # per cent of loss that it is prepared for
        self._quiet = Quiet()
        self._recent: deque[bytes] = deque(maxlen=PRIMING)
        self._count = 0
        self._context: av.AudioCodecContext | None = None

    @property
    def is_resting(self) -> bool:
        """Whether the last block was one of a long silence, of which little is sent."""
        return self._quiet.is_resting

    def encode(self, frame: av.AudioFrame) -> Encoded | None:
        """Encode a block of 960 samples, s16 stereo. None in silence, but for one packet each 400 ms.

        The first block with sound is encoded at once. Whoever sends lets the time stamps go on over what was left out.
        """
        samples = self._mixed(frame)
        wide = samples.astype(np.float32)
        power = float(wide @ wide) / samples.size
        if not self._quiet.goes_out(is_silent=power <= LOUDEST_SILENCE**2 and _peak(samples) <= LOUDEST_SILENCE):
            return None
        context = self._context = self._context or self._opened()
        block = samples.tobytes()
        self._recent.append(block)
        return Encoded(self._packet(context, block), is_key=True, level=dbov(power))

    def set_loss(self, loss: float) -> None:
        """Prepare for a fraction of packets to get lost, as 0.1.

        libopus learns it only when it is opened. It is opened anew where the loss passes 5, 10 or 20 %, and led through
        the last 100 ms first: within a mode of Opus nothing is heard of it.
        """
        band = loss_band(loss, self.band)
        if band != self.band:
            self.band, self._context = band, None

    def close(self) -> None:
        """Let go of the codec. May be called twice."""
        self._context = None

    def _opened(self) -> av.AudioCodecContext:
        context = av.CodecContext.create("libopus", "w")
        context.format, context.layout = "s16", LAYOUTS[self.channels]
        context.sample_rate, context.time_base = RATE, TIME_BASE
        context.bit_rate = self.bitrate
        context.options = {
            "application": "audio",
            "vbr": "constrained",
            "frame_duration": "20",
            "fec": "1",
            "packet_loss": str(self.band),
        }
        for block in self._recent:
            self._packet(context, block)
        return context

    def _packet(self, context: av.AudioCodecContext, block: bytes) -> bytes:
        frame = av.AudioFrame("s16", LAYOUTS[self.channels], BLOCK)
        frame.planes[0].update(block)
        frame.sample_rate, frame.time_base = RATE, TIME_BASE
        frame.pts = self._count * BLOCK  # without the gaps, which would be filled
        self._count += 1
        (packet,) = context.encode(frame)
        return bytes(packet)

    def _mixed(self, frame: av.AudioFrame) -> Samples:
        form = (frame.format.name, frame.layout.name, frame.sample_rate, frame.samples)
        if form != ("s16", "stereo", RATE, BLOCK):
            raise UsageError(f"Opus is made of blocks of s16 stereo, {RATE} Hz, {BLOCK} samples, not of {form}.")
        samples = np.frombuffer(cast("memoryview", frame.planes[0]), np.int16, BLOCK * 2)  # not kept
        if self.channels == 2:
            return samples
        left, right = samples[::2].astype(np.int32), samples[1::2]
        return ((left + right) >> 1).astype(np.int16)


def _peak(samples: Samples) -> int:
    return max(int(samples.max()), -int(samples.min()))
