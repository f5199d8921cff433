"""Opus, decoded, and made up where packets were lost, so that little is heard of a gap.

libopus goes on with what it heard last, ever more quietly, and leads over to the next packet (RFC 6716, section 4.4).
FFmpeg has no call for that; but a packet that is a table of contents alone, whose one frame has no bytes (section
3.2.1), has it done. The copy of a lost packet that the next may carry (FEC) is out of reach: FFmpeg never asks for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

from peer.media.encoded import EncodedFrame

RATE = 48_000  # Hz
CHANNELS = 2
ONE_FRAME = 0b11111100  # of a table of contents: mode, length and channels, with the code for one frame (section 3.1)
MOST_MADE_UP = RATE // 10  # samples: nothing is left to be heard of it after 100 ms
LONGEST = RATE  # samples: after a longer gap it is another story that begins

Samples = NDArray[np.int16]  # (samples, channels)


@dataclass(frozen=True, slots=True)
class DecodedSound:
    """`(samples, 2)` at 48 kHz. `timestamp` and `time` are those of the first, as of an `EncodedFrame`."""

    samples: Samples
    timestamp: int
    time: float
    is_made_up: bool = False  # in the place of what was lost


class OpusDecoder:
    """Decodes the packets of one stream, in their order."""

    def __init__(self) -> None:
        decoder = av.CodecContext.create("libopus", "r")
        assert isinstance(decoder, av.AudioCodecContext)
        decoder.sample_rate, decoder.layout = RATE, "stereo"
        self._decoder = decoder
        self._contents = b""  # the last packet's table of contents, for one frame
        self._end: int | None = None  # the time stamp at which the last packet ended

    def decode(self, frame: EncodedFrame) -> list[DecodedSound]:
        """Return what a packet holds, after what is made up for those lost before it.

        Raises `av.FFmpegError` if it is broken.
        """
        made_up = list(self._made_up(frame))
        samples = self._samples(frame.payload)
        self._contents, self._end = bytes([frame.payload[0] & ONE_FRAME]), frame.timestamp + len(samples)
        return [*made_up, DecodedSound(samples, frame.timestamp, frame.time)]

    def _made_up(self, frame: EncodedFrame) -> Iterator[DecodedSound]:
        at = frame.timestamp if self._end is None or not frame.follows_gap else self._end
        until = min(frame.timestamp, at + MOST_MADE_UP) if frame.timestamp - at <= LONGEST else at
        while at < until and len(samples := self._samples(self._contents)[: until - at]):
            yield DecodedSound(samples, at, frame.time - (frame.timestamp - at) / RATE, is_made_up=True)
            at += len(samples)

    def _samples(self, payload: bytes) -> Samples:
        decoded = self._decoder.decode(av.Packet(payload))
        pieces = [np.asarray(one.to_ndarray(), np.int16).reshape(-1, CHANNELS) for one in decoded]
        return np.concatenate(pieces) if pieces else np.zeros((0, CHANNELS), np.int16)
