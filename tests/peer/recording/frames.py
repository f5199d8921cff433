"""Frames as they come over the wire, made by real encoders; and files read back."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np

from peer.media.encoded import EncodedFrame

FPS = 25
BLOCK, RATE = 960, 48_000
BEGIN = 1000.0  # seconds of the monotonic clock: when the first frame was captured
ENCODERS = {"vp8": "libvpx", "h264": "libx264"}
OPTIONS = {
    "vp8": {"deadline": "realtime", "cpu-used": "8"},
    "h264": {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"},
}


@cache
def pictures(codec: str, count: int = 50, size: tuple[int, int] = (64, 48), gop: int = 1000) -> list[EncodedFrame]:
    """Return so many pictures, of which the first is a key frame, and each `gop`th."""
    context = av.CodecContext.create(ENCODERS[codec], "w")
    context.width, context.height = size
    context.pix_fmt, context.time_base, context.gop_size = "yuv420p", Fraction(1, FPS), gop
    context.options = OPTIONS[codec]
    found = []
    for number in range(count):
        image = np.full((size[1], size[0], 3), 40 + number * 3 % 200, np.uint8)
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts = number
        (packet,) = context.encode(frame)
        found.append(encoded("video", codec, packet, 90_000 * number // FPS, 90_000))
    return found


@cache
def sounds(count: int = 100) -> list[EncodedFrame]:
    """Return so many packets of Opus, 20 ms of a tone each."""
    context = av.CodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format = RATE, "stereo", "s16"
    found = []
    for number in range(count):
        wave = 8000 * np.sin((np.arange(BLOCK) + number * BLOCK) * (2 * np.pi * 440 / RATE))
        frame = av.AudioFrame.from_ndarray(wave.astype(np.int16).repeat(2)[None], "s16", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, number * BLOCK, Fraction(1, RATE)
        (packet,) = context.encode(frame)
        found.append(encoded("audio", "opus", packet, BLOCK * number, RATE))
    return found


def encoded(kind: str, codec: str, packet: av.Packet, ticks: int, rate: int) -> EncodedFrame:
    """Return a packet as what came over the wire, `ticks` after the first."""
    return EncodedFrame(
        kind,
        codec,
        bytes(packet),
        is_key=packet.is_keyframe,
        timestamp=ticks + 12_345,
        clock_rate=rate,
        time=BEGIN + ticks / rate,
        is_mapped=True,
        follows_gap=False,
    )


def later(frames: list[EncodedFrame], seconds: float) -> list[EncodedFrame]:
    """Return the frames as they would be so many seconds later."""
    return [
        replace(frame, time=frame.time + seconds, timestamp=frame.timestamp + round(seconds * frame.clock_rate))
        for frame in frames
    ]


def in_order(**users: list[EncodedFrame]) -> Iterator[tuple[str, EncodedFrame]]:
    """Give the frames of all users in the order in which they come."""
    yield from sorted(
        ((name, frame) for name, frames in users.items() for frame in frames), key=lambda pair: pair[1].time
    )


@dataclass(frozen=True)
class ReadTrack:
    """One track of a file: the seconds at which its frames are shown, all decoded."""

    name: str
    codec: str
    size: tuple[int, int]
    times: list[float]
    keys: list[float]


@dataclass(frozen=True)
class ReadFile:
    """What PyAV finds in a file."""

    seconds: float | None
    tracks: list[ReadTrack]

    @property
    def names(self) -> list[str]:
        return [f"{track.name} {track.codec}" for track in self.tracks]


def read(path: Path, *, is_torn: bool = False) -> ReadFile:
    """Read a file and decode every frame; fails for one that cannot be decoded, unless the file is torn."""
    with av.open(str(path)) as container:
        seconds = None if container.duration is None else container.duration / 1_000_000
        times: dict[int, list[float]] = {stream.index: [] for stream in container.streams}
        keys: dict[int, list[float]] = {stream.index: [] for stream in container.streams}
        for packet in container.demux():
            assert is_torn or not packet.is_corrupt
            if packet.dts is None or packet.is_corrupt:
                continue
            if packet.is_keyframe:
                keys[packet.stream.index].append(float(packet.pts * packet.time_base))
            for frame in packet.decode():
                times[packet.stream.index].append(float(frame.pts * frame.time_base))
        tracks = [
            ReadTrack(
                stream.metadata.get("title") or stream.metadata.get("handler_name", ""),
                stream.codec_context.name,
                (getattr(stream, "width", 0), getattr(stream, "height", 0)),
                times[stream.index],
                keys[stream.index],
            )
            for stream in container.streams
        ]
    return ReadFile(seconds, tracks)
