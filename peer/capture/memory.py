"""Memory that two processes share, and how a frame is laid into it: its planes one after the other, without gaps.

It is a file without a name: no other process finds it, and it is gone with the last of the two. Only the process that
writes frames makes it larger, nobody makes it smaller.
"""

import mmap
import os
import tempfile

import av
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

from peer.capture.clock import BLOCK
from peer.capture.convert import BLOCK_BYTES, PIXELS, block_frame, plane_array, stamp_picture

Bytes = NDArray[np.uint8]


def picture_bytes(width: int, height: int) -> int:
    """Return how much a yuv420p picture of even dimensions takes."""
    return width * height * 3 // 2


class SharedMemory:
    """One process' view of the memory. It owns the descriptor."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._map: mmap.mmap | None = None

    @classmethod
    def create(cls) -> "SharedMemory":
        """Make a new one, empty. Raises `OSError`."""
        if hasattr(os, "memfd_create"):
            return cls(os.memfd_create("exeunt", os.MFD_CLOEXEC))
        with tempfile.TemporaryFile() as file:
            return cls(os.dup(file.fileno()))

    def grow(self, size: int) -> None:
        """Make room for at least `size` bytes. Raises `OSError` if there is none."""
        if os.fstat(self.number).st_size < size:
            os.ftruncate(self.number, size)

    def close(self) -> None:
        """Let go of it. May be called twice."""
        self._map = None  # unmapped as soon as the last view of it is gone
        if self.number >= 0:
            os.close(self.number)
        self.number = -1

    def write_picture(self, offset: int, picture: av.VideoFrame) -> None:
        """Lay a picture into the memory, which must have room for it."""
        for index in range(3):
            plane = plane_array(picture, index)
            self._view(offset, plane.size).reshape(plane.shape)[:] = plane
            offset += plane.size

    def read_picture(self, offset: int, width: int, height: int, stamp: int) -> av.VideoFrame:
        """Return a copy of a picture in the memory, with its time stamp."""
        picture = av.VideoFrame(width, height, PIXELS)
        for index in range(3):
            plane = plane_array(picture, index)
            plane[:] = self._view(offset, plane.size).reshape(plane.shape)
            offset += plane.size
        picture.pict_type = PictureType.NONE
        return stamp_picture(picture, stamp)

    def write_block(self, offset: int, block: av.AudioFrame) -> None:
        """Lay a block of sound into the memory, which must have room for it."""
        assert block.samples == BLOCK
        self._view(offset, BLOCK_BYTES)[:] = np.frombuffer(bytes(block.planes[0])[:BLOCK_BYTES], np.uint8)

    def read_block(self, offset: int, stamp: int) -> av.AudioFrame:
        """Return a copy of a block in the memory, with its time stamp."""
        return block_frame(self._view(offset, BLOCK_BYTES).tobytes(), stamp)

    def _view(self, offset: int, size: int) -> Bytes:
        """Look at a part of the memory; it has to be mapped anew when it has grown."""
        if self._map is None or len(self._map) < offset + size:
            self._map = mmap.mmap(self.number, 0)
        return np.frombuffer(self._map, np.uint8, size, offset)
