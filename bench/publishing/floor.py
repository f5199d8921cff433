"""What source and encoder cost alone, in one thread.

    python -m bench.publishing.floor FILM CODEC BITRATE WARM SECONDS

A film is decoded and encoded at its own pace, nothing else. Prints `{"cpu": ..., "fps": ..., "kbit": ...}` at the end.
"""

import itertools
import json
import sys
import time
from collections.abc import Iterator
from fractions import Fraction

import av
from av.video.frame import PictureType

from bench.publishing.footage import FPS

OPTIONS = {
    "h264": {"preset": "superfast", "tune": "zerolatency", "profile": "baseline", "g": "3000"},
    "vp8": {"deadline": "realtime", "cpu-used": "-12", "lag-in-frames": "0", "g": "3000"},
}
CODECS = {"h264": "libx264", "vp8": "libvpx"}


def encoder(codec: str, bitrate: int, width: int, height: int) -> av.VideoCodecContext:
    """Open an encoder as a publisher would."""
    opened = av.CodecContext.create(CODECS[codec], "w")
    assert isinstance(opened, av.VideoCodecContext)
    opened.width, opened.height, opened.pix_fmt = width, height, "yuv420p"
    opened.bit_rate, opened.thread_count = bitrate, 1
    opened.time_base, opened.framerate = Fraction(1, FPS), Fraction(FPS)
    opened.options = {**OPTIONS[codec], "maxrate": str(bitrate), "bufsize": str(bitrate // 2)}
    return opened


def film(path: str) -> Iterator[av.VideoFrame]:
    """Yield the pictures of a film again and again."""
    while True:
        with av.open(path) as container:
            yield from container.decode(video=0)


def main(path: str, codec: str, bitrate: int, warm: float, seconds: float) -> None:
    """Encode for so many seconds, of which the first are not counted."""
    began = time.monotonic()
    opened: av.VideoCodecContext | None = None
    size = 0
    for number, frame in zip(itertools.count(), film(path), strict=False):
        opened = opened or encoder(codec, bitrate, frame.width, frame.height)
        if number == round(warm * FPS):
            counted, cpu, size, since = number, time.process_time(), 0, time.monotonic()
        elif number == round((warm + seconds) * FPS):
            break
        frame.pts, frame.pict_type = number, PictureType.NONE
        size += sum(packet.size for packet in opened.encode(frame))
        time.sleep(max(began + (number + 1) / FPS - time.monotonic(), 0))
    took = time.monotonic() - since
    figures = {
        "cpu": (time.process_time() - cpu) / took,
        "fps": (number - counted) / took,
        "kbit": size * 8 / took / 1000,
    }
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]))
