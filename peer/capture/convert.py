"""Brings what devices and decoders give into the form that leaves this package, always in memory of its own.

A picture of a V4L2 device lies in the memory of the driver: touched after the device is closed, it ends the process.
Hence what devices give is copied here, in the reader's thread, and nothing here keeps a frame it was given.
"""

from typing import cast

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.video.frame import PictureType
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from peer.capture.clock import AUDIO_BASE, AUDIO_RATE, BLOCK, VIDEO_BASE

PIXELS = "yuv420p"
SAMPLE_BYTES = 4  # one sample of s16 stereo
BLOCK_BYTES = BLOCK * SAMPLE_BYTES


class PictureConverter:
    """Turns any picture into yuv420p of even dimensions, in memory of its own. For one thread.

    `owned`: the pictures that come in own their memory already, as those of a decoder do and those of a driver do not.
    """

    def __init__(self, *, owned: bool = False) -> None:
        self._reformatter = VideoReformatter()
        self._owned = owned

    def convert(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the picture in our form, without a time stamp."""
        width, height = frame.width & ~1, frame.height & ~1
        if frame.format.name == PIXELS and (frame.width, frame.height) == (width, height):
            picture = frame if self._owned else copy_picture(frame)  # reformat() would return the frame itself
        else:
            picture = self._reformatter.reformat(frame, width, height, PIXELS)
        picture.pict_type = PictureType.NONE  # decoders say I, and VP8 encoders would obey
        return picture


def plane_array(frame: av.VideoFrame, index: int) -> NDArray[np.uint8]:
    """Return one plane of a yuv420p picture as (rows, columns). It keeps the frame alive: let go of it."""
    plane = frame.planes[index]
    rows = np.frombuffer(cast("memoryview", plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]


def copy_picture(frame: av.VideoFrame) -> av.VideoFrame:
    """Return a yuv420p picture with the same content in memory of its own."""
    picture = av.VideoFrame(frame.width, frame.height, PIXELS)
    for index in range(3):
        plane_array(picture, index)[:] = plane_array(frame, index)
    picture.color_range, picture.colorspace = frame.color_range, frame.colorspace
    return picture


def stamp_picture(picture: av.VideoFrame, stamp: int) -> av.VideoFrame:
    """Give a picture its time stamp."""
    picture.pts, picture.time_base = stamp, VIDEO_BASE
    return picture


class SoundConverter:
    """Turns sound of any form into bytes of s16 stereo at 48 kHz. For one thread."""

    def __init__(self) -> None:
        self._form: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None

    def convert(self, frame: av.AudioFrame) -> bytes:
        """Return the samples in our form."""
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form == ("s16", "stereo", AUDIO_RATE):
            return bytes(frame.planes[0])[: frame.samples * SAMPLE_BYTES]
        if form != self._form or self._resampler is None:
            self._form, self._resampler = form, AudioResampler("s16", "stereo", AUDIO_RATE)
        frame.pts = None  # the resampler would fill the gaps between time stamps, which are not ours
        pieces = self._resampler.resample(frame)
        return b"".join(bytes(piece.planes[0])[: piece.samples * SAMPLE_BYTES] for piece in pieces)


class Blocks:
    """Cuts a stream of samples into blocks of 20 ms and knows when each begins."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def push(self, samples: bytes, at: float) -> list[tuple[float, bytes]]:
        """Add samples of which the first belongs to `at`, in seconds; return the blocks that are complete."""
        start = at - len(self._pending) / SAMPLE_BYTES / AUDIO_RATE
        self._pending += samples
        whole = len(self._pending) // BLOCK_BYTES
        blocks = [
            (start + n * BLOCK / AUDIO_RATE, bytes(self._pending[n * BLOCK_BYTES : (n + 1) * BLOCK_BYTES]))
            for n in range(whole)
        ]
        del self._pending[: whole * BLOCK_BYTES]
        return blocks


def block_frame(block: bytes, stamp: int) -> av.AudioFrame:
    """Return a block of samples as a frame with its time stamp."""
    frame = av.AudioFrame("s16", "stereo", BLOCK)
    frame.planes[0].update(block)
    frame.sample_rate = AUDIO_RATE
    frame.pts, frame.time_base = stamp, AUDIO_BASE
    return frame
