"""One user's pictures, decoded, of which each composed picture shows the newest that is due."""

from collections import deque

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from peer.media.encoded import EncodedFrame
from peer.recording.grid import Box, fit

PIXELS = "yuv420p"
LIFE = 2.0  # seconds without a new picture after which nobody is there
MOST = 16  # pictures that wait: one for each that is composed, no more

Planes = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]


class Pane:
    """Decodes the pictures of one user. Composed pictures are numbered; `at` is their time, in seconds."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        decoder = av.CodecContext.create(codec, "r")
        assert isinstance(decoder, av.VideoCodecContext)
        decoder.thread_count = 1
        self._decoder = decoder
        self._reformatter = VideoReformatter()
        self._waits_for_key = True
        self._coming: deque[tuple[int, float, av.VideoFrame]] = deque(maxlen=MOST)
        self._shown: tuple[float, av.VideoFrame] | None = None
        self._scaled: tuple[av.VideoFrame, Box, Planes] | None = None

    def take(self, frame: EncodedFrame, number: int) -> None:
        """Take in a frame, to be shown from a composed picture on; after a loss none until decoding can begin again."""
        self._waits_for_key = (self._waits_for_key or frame.follows_gap) and not frame.is_key
        if self._waits_for_key:
            return
        try:
            pictures = self._decoder.decode(av.Packet(frame.payload))
        except av.FFmpegError:
            self._waits_for_key = True
            return
        for picture in pictures:
            if self._coming and self._coming[-1][0] == number:
                self._coming.pop()  # nobody would see it
            self._coming.append((number, frame.time, picture))

    def is_there(self, number: int, at: float) -> bool:
        """Go on to a composed picture. Says whether there is something to be shown in it."""
        while self._coming and self._coming[0][0] <= number:
            self._shown = self._coming.popleft()[1:]
        return self._shown is not None and at - self._shown[0] < LIFE

    def draw(self, canvas: Planes, cell: Box) -> None:
        """Draw the picture that is shown into its cell."""
        assert self._shown is not None
        picture = self._shown[1]
        box = fit(picture.width, picture.height, cell)
        if self._scaled is None or self._scaled[0] is not picture or self._scaled[1] != box:
            scaled = self._reformatter.reformat(picture, box.width, box.height, PIXELS)
            self._scaled = (picture, box, planes_of(scaled))
        for plane, (target, source) in enumerate(zip(canvas, self._scaled[2], strict=True)):
            shift = 1 if plane else 0
            top, left = box.top >> shift, box.left >> shift
            target[top : top + source.shape[0], left : left + source.shape[1]] = source


def planes_of(frame: av.VideoFrame) -> Planes:
    """Return the planes of a yuv420p picture, as (rows, columns) each, to be read or written; no copies."""
    luma, *chroma = (
        np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
        for plane in frame.planes
    )
    return luma, chroma[0], chroma[1]
