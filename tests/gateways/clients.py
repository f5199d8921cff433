"""A WHIP publisher and a WHEP player on aiortc and aiohttp alone, as somebody else would write them.

python -m tests.gateways.clients URL     publishes, or plays, until it is killed; says "connected" when it is
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urljoin

import aiohttp
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, MediaStreamTrack, VideoStreamTrack
from av import VideoFrame

SDP = {"Content-Type": "application/sdp"}
LIMIT = 30.0  # seconds for anything that is waited for
SIZE = (160, 120)
COLOUR = (200, 40, 90)  # RGB
BAR = 4  # pixels


class Picture(VideoStreamTrack):
    """One colour, over which a narrow bar moves."""

    _number = 0

    async def recv(self) -> VideoFrame:
        stamp, base = await self.next_timestamp()
        image = np.full((SIZE[1], SIZE[0], 3), COLOUR, np.uint8)
        self._number = (self._number + 1) % SIZE[0]
        image[:, self._number : self._number + BAR] = 255
        frame = VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = stamp, base
        return frame


class Client:
    """One connection and its session; `answer` is what the server said to the offer."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.http = aiohttp.ClientSession()
        self.session = ""
        self.tag = ""
        self.frames: list[VideoFrame] = []
        self._news = asyncio.Event()
        self._draining: list[asyncio.Task[None]] = []
        self.pc.on("track", self._drain)
        self.pc.on("connectionstatechange", self._news.set)

    async def offer(self) -> str:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return str(self.pc.localDescription.sdp)

    async def begin(self, url: str, token: str | None = None) -> None:
        """Offer, and wait for the connection."""
        headers = {**SDP, **({} if token is None else {"Authorization": f"Bearer {token}"})}
        async with self.http.post(url, data=await self.offer(), headers=headers) as response:
            answer = await response.text()
            assert response.status == 201, answer
            self.session, self.tag = urljoin(url, response.headers["Location"]), response.headers["ETag"]
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await self.until(lambda: self.pc.connectionState == "connected")

    async def until(self, condition: object) -> None:
        """Wait until something holds of the connection or of what came."""
        assert callable(condition)
        async with asyncio.timeout(LIMIT):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def delete(self) -> int:
        async with self.http.delete(self.session) as response:
            return response.status

    async def patch(self, body: str, **headers: str) -> int:
        usual = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": self.tag}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        wanted = {name: value for name, value in {**usual, **named}.items() if value}
        async with self.http.patch(self.session, data=body, headers=wanted) as response:
            return response.status

    async def close(self) -> None:
        await self.pc.close()
        await self.http.close()
        if self._draining:
            await asyncio.wait(self._draining)

    def _drain(self, track: MediaStreamTrack) -> None:
        self._draining.append(asyncio.create_task(self._read(track)))

    async def _read(self, track: MediaStreamTrack) -> None:
        with suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, VideoFrame):
                    self.frames = [*self.frames[-99:], frame]
                    self._news.set()


@asynccontextmanager
async def client(
    publishes: bool, *, kinds: tuple[str, ...] = ("audio", "video"), codec: str = ""
) -> AsyncIterator[Client]:
    """Make one, to publish or to play; `codec` is the only one of the picture that it offers, like "video/H264"."""
    one = Client()
    tracks = {"audio": AudioStreamTrack, "video": Picture}
    for kind in kinds:
        direction = "sendonly" if publishes else "recvonly"
        transceiver = one.pc.addTransceiver(tracks[kind]() if publishes else kind, direction=direction)
        if codec and kind == "video":
            known = RTCRtpReceiver.getCapabilities("video").codecs
            transceiver.setCodecPreferences([one for one in known if one.mimeType == codec])
    try:
        yield one
    finally:
        await one.close()


async def main(url: str) -> None:
    async with client(publishes="/whip/" in url) as one:
        await one.begin(url)
        print("connected", flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
