"""The test pattern sent by aiortc alone, from a track of one's own: `python -m bench.publishing.pub_pattern URL`.

It is a member of our room, since that is where the viewers are; what it sends, aiortc encodes as it always does.
"""

import asyncio
import sys
import time
from fractions import Fraction

import aiohttp
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
    VideoStreamTrack,
)
from av import VideoFrame

from bench.publishing.member import entered
from peer.capture.convert import plane_array
from peer.capture.picture import Pattern

ROOM, USER = "bench", "publisher"
WIDTH, HEIGHT, FPS = 640, 480, 30
CLOCK_RATE = 90_000  # Hz


class PatternTrack(VideoStreamTrack):
    """Draws each picture when it is due."""

    def __init__(self) -> None:
        super().__init__()
        self._pattern = Pattern(WIDTH, HEIGHT)
        self._began: float | None = None
        self._number = -1

    async def recv(self) -> VideoFrame:
        """Return the next picture at its time."""
        if self._began is None:
            self._began = time.monotonic()
        late = (time.monotonic() - self._began) * FPS
        self._number = max(self._number + 1, int(late))  # what is over is left out
        await asyncio.sleep(max(self._began + self._number / FPS - time.monotonic(), 0))
        frame = VideoFrame(WIDTH, HEIGHT, "yuv420p")
        now = time.time()
        planes = plane_array(frame, 0), plane_array(frame, 1), plane_array(frame, 2)
        self._pattern.draw(planes, int(now * 1000), time.strftime("%H:%M:%S.000", time.gmtime(now)))
        frame.pts, frame.time_base = self._number * CLOCK_RATE // FPS, Fraction(1, CLOCK_RATE)
        return frame


class Sender:
    """A connection that sends the pattern."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.pc.addTrack(PatternTrack())

    async def offer(self) -> str:
        """Return the SDP of an offer."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    async def accept(self, sdp: str) -> None:
        """Take the answer to it."""
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def answer(self, sdp: str) -> str:
        """Take an offer; return the SDP of the answer."""
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        return self.pc.localDescription.sdp


async def main(url: str) -> None:
    """Publish until ended."""
    connections: list[Sender] = []

    def connect(_: str) -> Sender:
        connections.append(Sender())
        return connections[-1]

    async with aiohttp.ClientSession() as http, entered(http, url, ROOM, USER, connect) as member:
        await member.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
