"""A connection of ours with a plain aiortc peer, in which everything that comes is seen."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.rtp import RtcpSrPacket, RtpPacket

from peer.capture.input import capture_time
from peer.media.audience import Audience
from peer.media.connection import Connection
from peer.media.fanout import Fanout
from peer.media.outlet import Outlet
from peer.media.watchers import Watchers
from tests.peer.media.encoders.material import tone
from tests.peer.media.viewing import LIMIT, Film

EVERY = 0.02  # seconds between two pictures, and two blocks of sound


class Told(Watchers):
    """Remembers what viewers say."""

    def __init__(self) -> None:
        super().__init__()
        self.estimates: list[int] = []
        self.reports: list[tuple[float, float | None]] = []

    def estimated(self, outlet: Outlet, bitrate: int) -> None:
        self.estimates.append(bitrate)
        super().estimated(outlet, bitrate)

    def reported(self, outlet: Outlet, lost: float, round_trip: float | None) -> None:
        self.reports.append((lost, round_trip))
        super().reported(outlet, lost, round_trip)


class Us:
    """What we send, to as many as connect; a picture and a block of sound every 20 ms."""

    def __init__(self) -> None:
        self.fanouts = {kind: Fanout(kind) for kind in ("audio", "video")}
        self.watchers = self.fanouts["video"].audience = Told()
        self._film, self._numbers = Film(), count()
        self._blocks = tone(50)

    def connection(self) -> Connection:
        nothing: Callable[[object], None] = lambda _: None  # noqa: E731
        return Connection(
            "them.1",
            "them",
            outgoing=self.fanouts,
            ice_servers=[],
            on_track=nothing,
            on_state=nothing,
            on_said=nothing,
        )

    async def push(self) -> None:
        began = capture_time()
        while True:
            number = next(self._numbers)
            self.fanouts["video"].push(self._film.next())
            block = self._blocks[number % len(self._blocks)]
            block.pts = round(began * 48_000) + number * 960
            self.fanouts["audio"].push(block)
            await asyncio.sleep(max(began + (number + 1) * EVERY - capture_time(), 0))

    def outlet(self, kind: str = "video") -> Outlet:
        audience: Audience[object] = self.fanouts[kind].audience
        (outlet,) = audience.outlets
        return outlet


class Them:
    """A plain aiortc peer. `packets` and `reports` are those that came, for each kind."""

    def __init__(self) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.packets: dict[str, list[RtpPacket]] = {"audio": [], "video": []}
        self.reports: dict[str, list[RtcpSrPacket]] = {"audio": [], "video": []}
        self.arrivals: list[tuple[int, float]] = []  # of pictures: RTP time stamp, Unix time
        self._news = asyncio.Event()

    def take(self, kind: str, *names: str) -> None:
        """Offer to receive a kind, by certain codecs only if some are named."""
        transceiver = self.pc.addTransceiver(kind)
        if names:
            offered = RTCRtpReceiver.getCapabilities(kind).codecs
            transceiver.setCodecPreferences([one for one in offered if one.mimeType.split("/")[1] in names])
        self._watch(kind, transceiver.receiver)

    def receiver(self, kind: str = "video") -> RTCRtpReceiver:
        return next(one.receiver for one in self.pc.getTransceivers() if one.kind == kind)

    def _watch(self, kind: str, receiver: RTCRtpReceiver) -> None:
        theirs, theirs_rtcp = receiver._handle_rtp_packet, receiver._handle_rtcp_packet

        async def heard(packet: RtpPacket, arrival_time_ms: int) -> None:
            self.packets[kind].append(packet)
            if kind == "video":
                self.arrivals.append((packet.timestamp, time.time()))
            await theirs(packet, arrival_time_ms)
            self._news.set()

        async def reported(packet: object) -> None:
            if isinstance(packet, RtcpSrPacket):
                self.reports[kind].append(packet)
            await theirs_rtcp(packet)
            self._news.set()

        receiver._handle_rtp_packet, receiver._handle_rtcp_packet = heard, reported

    def lose(self, is_lost: Callable[[int, int], bool]) -> None:
        """Let packets get lost on their way, before anything sees them: by payload type and sequence number."""
        ice = self.receiver().transport.transport
        receive = ice._recv

        async def receiving() -> bytes:
            while True:
                packet: bytes = await receive()
                is_rtp = 128 <= packet[0] < 192 and not 64 <= packet[1] & 0x7F < 96  # RFC 5761, section 4
                if not is_rtp or not is_lost(packet[1] & 0x7F, int.from_bytes(packet[2:4], "big")):
                    return packet

        ice._recv = receiving

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def say(self, packet: object) -> None:
        """Send RTCP."""
        await self.receiver()._send_rtcp(packet)


@asynccontextmanager
async def connected(
    *offered: Sequence[str], prepare: Callable[[Them], None] = lambda _: None
) -> AsyncIterator[tuple[Us, Them]]:
    """Connect an aiortc peer that offers m-lines: a kind and the names of codecs each. Afterwards nothing runs."""
    us, them = Us(), Them()
    prepare(them)
    for kind, *names in offered or (("audio",), ("video",)):
        them.take(kind, *names)
    connection = us.connection()
    pushing = asyncio.create_task(us.push())
    try:
        await negotiate(connection, them)
        yield us, them
    finally:
        await asyncio.gather(connection.close(), them.pc.close())
        pushing.cancel()
        await asyncio.wait({pushing})
        for fanout in us.fanouts.values():
            fanout.close()
            await fanout.wait_until_ended(LIMIT)
            assert fanout.audience.outlets == ()
            assert fanout.audience.has_ended


async def negotiate(connection: Connection, them: Them) -> None:
    await them.pc.setLocalDescription(await them.pc.createOffer())
    answer = await connection.answer(them.pc.localDescription.sdp)
    await them.pc.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))


async def media(us: Us, them: Them, number: int = 20) -> None:
    """Wait until so many packets of the picture have come."""
    await them.until(lambda: len(them.packets["video"]) >= number)
