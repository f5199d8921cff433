"""Small films for tests, made with PyAV: a time code from 0, a moving bar, and a tone."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from peer.capture import timecode

RATE, FPS = 48_000, 25
WIDTH, HEIGHT = 320, 180


def make_movie(
    path: Path,
    *,
    seconds: float = 2.0,
    video: str = "libvpx",
    audio: str = "libopus",
    gop: int | None = None,
    options: Mapping[str, str] | None = None,
    sound: Mapping[str, str] | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> Path:
    """Write a film and return its path. `gop`: frames from one key frame to the next; `sound`: its options."""
    width, height = size
    with av.open(str(path), "w") as container:
        pictures = container.add_stream(video, rate=FPS, width=width, height=height, pix_fmt="yuv420p")
        usual = {"deadline": "realtime", "cpu-used": "8"} if video == "libvpx" else {}
        pictures.options = dict(usual if options is None else options)
        if gop is not None:
            pictures.codec_context.gop_size = gop
        tones = container.add_stream(audio, rate=RATE)
        tones.options = dict(sound or {})
        for number in range(int(seconds * FPS)):
            picture = np.full((height, width, 3), 40, dtype=np.uint8)
            picture[:, number * 4 % width : number * 4 % width + 40] = 220
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            timecode.draw(_luma(frame), 1000 * number // FPS)
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(pictures.encode(frame))
            container.mux(tones.encode(_tone(number)))
        container.mux(pictures.encode(None))
        container.mux(tones.encode(None))
    return path


def _luma(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """Return the brightness of a picture, to be written into."""
    plane = frame.planes[0]
    return np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


def _tone(number: int) -> av.AudioFrame:
    count = RATE // FPS
    wave = 8000 * np.sin((np.arange(count) + number * count) * (2 * np.pi * 440 / RATE))
    frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None].repeat(2, 0).T.reshape(1, -1), "s16", "stereo")
    frame.sample_rate, frame.pts, frame.time_base = RATE, number * count, Fraction(1, RATE)
    return frame
