"""One picture of 1280x720 at 30 per second, or sound, sent by plain aiortc to whoever answers on stdin.

    python -m bench.receiving.sender film|live|sound

Of a film each picture is encoded beforehand, so that sending costs little. What is live is smaller, and encoded while
it is sent, so that a key frame comes when one is asked for. Sound says when it was.
"""

import asyncio
import json
import sys
import time
from fractions import Fraction
from typing import Any, cast

import av
import numpy as np
from aiortc import (
    AudioStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
    VideoStreamTrack,
)
from av import AudioFrame, VideoFrame
from av.video.codeccontext import VideoCodecContext

from bench.publishing.footage import FPS, pictures
from bench.receiving.sweep import RATE, tone

FILM, LIVE = (1280, 720), (640, 360)
COUNT = 60  # pictures, over and over
BITRATE = 1_500_000  # bits per second
TIME_BASE = Fraction(1, 90_000)
BLOCK = RATE // 50  # samples


class Showing(VideoStreamTrack):
    """Shows pictures, or packets of them, in a loop and in their time."""

    def __init__(self, shown: "list[VideoFrame] | list[av.Packet[Any]]") -> None:
        super().__init__()
        self._shown = shown
        self._count = 0
        self._began = time.monotonic()

    async def recv(self) -> VideoFrame:
        """Return the next when it is due."""
        one = self._shown[self._count % len(self._shown)]
        await asyncio.sleep(max(self._began + self._count / FPS - time.monotonic(), 0))
        one.pts, one.time_base = self._count * 90_000 // FPS, TIME_BASE
        self._count += 1
        return cast("VideoFrame", one)


class Sounding(AudioStreamTrack):
    """A tone by which the time can be told, in its time."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._began = time.monotonic()

    async def recv(self) -> AudioFrame:
        """Return the next 20 ms when they are over."""
        moment = self._began + self._count * BLOCK / RATE
        await asyncio.sleep(max(moment + BLOCK / RATE - time.monotonic(), 0))
        frame = AudioFrame.from_ndarray(tone(moment, BLOCK).reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._count * BLOCK, Fraction(1, RATE)
        self._count += 1
        return frame


def frames(size: tuple[int, int]) -> list[VideoFrame]:
    """Draw the pictures."""
    drawn = []
    for planes in pictures(*size, COUNT):
        stacked = np.concatenate([np.ascontiguousarray(plane).reshape(-1) for plane in planes])
        drawn.append(VideoFrame.from_ndarray(stacked.reshape(size[1] * 3 // 2, size[0]), format="yuv420p"))
    return drawn


def packets(drawn: list[VideoFrame]) -> "list[av.Packet[Any]]":
    """Encode them, the first as a key frame."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = drawn[0].width, drawn[0].height, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.bit_rate = Fraction(1, FPS), Fraction(FPS), BITRATE
    encoder.gop_size = COUNT
    encoder.options = {"preset": "veryfast", "tune": "zerolatency", "profile": "baseline"}
    coded = []
    for number, frame in enumerate(drawn):
        frame.pts, frame.time_base = number, Fraction(1, FPS)
        coded += encoder.encode(frame)
    return [*coded, *encoder.encode(None)]


async def main(kind: str) -> None:
    """Send until the end of stdin."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    if kind == "sound":
        pc.addTrack(Sounding())
    else:
        _show(pc, is_film=kind == "film")
    await pc.setLocalDescription(await pc.createOffer())
    print(json.dumps(pc.localDescription.sdp), flush=True)
    answer = await asyncio.to_thread(sys.stdin.readline)
    await pc.setRemoteDescription(RTCSessionDescription(json.loads(answer), "answer"))
    await asyncio.to_thread(sys.stdin.read)
    await pc.close()


def _show(pc: RTCPeerConnection, *, is_film: bool) -> None:
    drawn = frames(FILM if is_film else LIVE)
    pc.addTrack(Showing(packets(drawn) if is_film else drawn))
    known = RTCRtpSender.getCapabilities("video").codecs
    wanted = "H264" if is_film else "VP8"
    pc.getTransceivers()[0].setCodecPreferences([one for one in known if one.name in (wanted, "rtx")])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
