"""Black and silence, and pictures in memory of their own."""

from typing import TypeVar

import numpy as np
from av import AudioFrame, VideoFrame

from peer.capture.convert import copy_picture

Frame = AudioFrame | VideoFrame
F = TypeVar("F", AudioFrame, VideoFrame)


def black(width: int, height: int) -> VideoFrame:
    """Return a black yuv420p picture."""
    planes = np.full((height * 3 // 2, width), 128, dtype=np.uint8)
    planes[:height] = 16
    return VideoFrame.from_ndarray(planes, format="yuv420p")


def silence(like: AudioFrame) -> AudioFrame:
    """Return silence of the same length and layout (packed s16)."""
    samples = np.zeros((1, like.samples * like.layout.nb_channels), dtype=np.int16)
    frame = AudioFrame.from_ndarray(samples, format="s16", layout=like.layout.name)
    frame.sample_rate = like.sample_rate
    return frame


def duplicate(frame: VideoFrame) -> VideoFrame:
    """Return a picture of its own: encoders mark the frame that they encode, in threads of their own."""
    return timed(copy_picture(frame), frame)


def timed(frame: F, like: Frame) -> F:
    """Give a frame another one's time."""
    frame.pts = like.pts
    if like.time_base is not None:
        frame.time_base = like.time_base
    return frame
