"""A film whose every picture says when it is, and that beeps at each full second; and how far they are apart in a file.

Pictures may be missing, as a busy machine leaves some out: what counts is where those are that are there.
"""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from peer.capture import timecode
from peer.capture.convert import plane_array
from peer.media.encoded import EncodedFrame
from peer.recording.form import PRE_SKIP
from tests.peer.recording.frames import BEGIN

RATE, FPS = 48_000, 25
SIZE = (320, 180)
BEEP_FRAMES = 5  # a fifth of a second
MILLISECOND = RATE // 1000  # samples
LOUD, QUIET = 0.1, 0.1  # of full scale; seconds between two beeps
TICKS = {"video": 90_000, "audio": RATE}


def make_film(path: Path, seconds: int) -> Path:
    """Write it, as VP8 and Opus, with beeps from the first second on."""
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libvpx", rate=FPS, width=SIZE[0], height=SIZE[1], pix_fmt="yuv420p")
        pictures.options = {"deadline": "realtime", "cpu-used": "8"}
        tones = container.add_stream("libopus", rate=RATE)
        for number in range(seconds * FPS):
            container.mux(pictures.encode(_picture(number)))
            container.mux(tones.encode(_tone(number)))
        container.mux(pictures.encode(None))
        container.mux(tones.encode(None))
    return path


def packets(path: Path, later: float = 0.0) -> list[EncodedFrame]:
    """Return what is in a film as it would come over the wire, so many seconds after `BEGIN`."""
    found = []
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.pts is None:
                continue
            kind, codec = packet.stream.type, "vp8" if packet.stream.type == "video" else "opus"
            at = later + float(packet.pts * packet.time_base) + (PRE_SKIP / RATE if kind == "audio" else 0.0)
            ticks = round(at * TICKS[kind])
            is_key = packet.is_keyframe or kind == "audio"
            found.append(EncodedFrame(kind, codec, bytes(packet), is_key, ticks, TICKS[kind], BEGIN + at, True, False))
    return found


def apart(path: Path, picture: int, sound: int) -> list[float]:
    """Return for each beep in a file how much later the pictures of that moment are, in seconds."""
    pictures: list[tuple[float, float]] = []  # seconds of the file, and by how much that is later than in the film
    levels: list[tuple[float, float]] = []
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams[picture], container.streams[sound]):
            if isinstance(frame, av.AudioFrame):
                levels += _levels(frame)
            elif (code := timecode.read(frame.to_ndarray(format="gray"))) is not None:
                pictures.append((frame.time, frame.time - code / 1000))
    found = []
    for beep in _onsets(levels):
        _, later = min(pictures, key=lambda one: abs(one[0] - beep))
        found.append(later - (beep - round(beep - later)))
    return found


def _picture(number: int) -> av.VideoFrame:
    grey = np.full((SIZE[1], SIZE[0], 3), 80 + number % 50, np.uint8)
    frame = av.VideoFrame.from_ndarray(grey, "rgb24").reformat(format="yuv420p")
    timecode.draw(plane_array(frame, 0), 1000 * number // FPS)
    frame.pts, frame.time_base = number, Fraction(1, FPS)
    return frame


def _tone(number: int) -> av.AudioFrame:
    block = RATE // FPS
    is_on = number >= FPS and number % FPS < BEEP_FRAMES
    wave = 12_000 * is_on * np.sin(np.arange(block) * (2 * np.pi * 1000 / RATE))
    frame = av.AudioFrame.from_ndarray(wave.astype(np.int16).repeat(2)[None], "s16", "stereo")
    frame.sample_rate, frame.pts, frame.time_base = RATE, number * block, Fraction(1, RATE)
    return frame


def _levels(frame: av.AudioFrame) -> list[tuple[float, float]]:
    """Return how loud each millisecond of sound is, of full scale."""
    samples = frame.to_ndarray()
    full = 32_768 if samples.dtype == np.int16 else 1.0
    peaks = np.abs(samples.astype(float)).max(axis=0) / full
    return [
        (frame.time + at / RATE, float(peaks[at : at + MILLISECOND].max())) for at in range(0, len(peaks), MILLISECOND)
    ]


def _onsets(levels: list[tuple[float, float]]) -> list[float]:
    found, last_loud = [], -1.0
    for at, level in levels:
        if level > LOUD:
            if at - last_loud > QUIET:
                found.append(at)
            last_loud = at
    return found
