"""One receive-only viewer that costs next to nothing: aiortc connects, and then packets are counted, not decrypted.

ICE, DTLS and RTCP are aiortc's. RTP is taken off before aiortc sees it; its headers are in the clear. What a sender
needs to hear goes out: a receiver report and a REMB every second, and requests for a key frame until there was one; up
to then, packets are decrypted.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
    rtcrtpreceiver,
)
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_PLI,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtpPacket,
    pack_remb_fci,
)
from pylibsrtp import Error as SrtpError

from bench.publishing.rtp import StreamCounter, begins_key_frame, is_media, offered_kinds, payload_types, read_header
from peer.media import aiortc_compat

FEEDBACK_EVERY = 1.0  # seconds
SSRC = 1  # of our reports
RECEIVE_BUFFER = 1 << 21  # bytes: a late viewer is no reason to lose frames
SO_RCVBUF, SOL_SOCKET = 8, 1

Received = Callable[[bytes, tuple[Any, ...]], None]


def prepare() -> None:
    """Make aiortc ready for viewers that decode nothing."""
    aiortc_compat.install()  # with the cipher suites that GStreamer needs
    vars(rtcrtpreceiver)["decoder_worker"] = lambda *_: None


class Stream:
    """What came of one kind; `ssrc` and the counter are those of the stream that is there."""

    def __init__(self) -> None:
        self.counter = StreamCounter()
        self.ssrc: int | None = None
        self.bytes = 0
        self._before = (0, 0)  # expected, received: at the last report

    def take(self, datagram: bytes) -> None:
        """Count a packet."""
        header = read_header(datagram)
        if header.ssrc != self.ssrc:
            self.ssrc, self.counter, self._before = header.ssrc, StreamCounter(), (0, 0)
        self.bytes += len(datagram)
        self.counter.add(header.sequence, marker=header.marker)

    def report(self, heard: tuple[int, float] | None) -> RtcpReceiverInfo:
        """Return what the sender is told. `heard`: its last report, middle 32 bits of the time, and when it came."""
        assert self.ssrc is not None
        now = self.counter.expected, self.counter.received
        expected, received = now[0] - self._before[0], now[1] - self._before[1]
        self._before = now
        return RtcpReceiverInfo(
            ssrc=self.ssrc,
            fraction_lost=min(max(256 * (expected - received) // max(expected, 1), 0), 255),
            packets_lost=now[0] - now[1],
            highest_sequence=self.counter.highest & 0xFFFFFFFF,
            jitter=0,
            lsr=heard[0] if heard else 0,
            dlsr=int((time.time() - heard[1]) * 65536) if heard else 0,
        )


class Viewer:
    """A viewer: `codec` ("h264", "vp8") is all it takes, `remb` what it lets the sender send, bits per second."""

    def __init__(self, codec: str, remb: int) -> None:
        self.streams = {"audio": Stream(), "video": Stream()}
        self.first_frame: float | None = None  # that can be shown: when it was whole, by the machine's monotonic clock
        self._before_key_frame: int | None = None  # frames that were whole before the first key frame
        self._asking: asyncio.Task[None] | None = None
        self._remb = remb
        self._kinds: dict[int, str] = {}
        self._codec = codec
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))

    async def offer(self) -> str:
        """Return the SDP of an offer."""
        self._take_in(("audio", "video"))
        await self.pc.setLocalDescription(await self.pc.createOffer())
        self._tap()
        return self.pc.localDescription.sdp

    async def accept(self, sdp: str) -> None:
        """Take the answer to our offer."""
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        self._kinds = payload_types(sdp)

    async def answer(self, sdp: str) -> str:
        """Take an offer and return the SDP of our answer."""
        self._take_in(offered_kinds(sdp))
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        self._kinds = payload_types(self.pc.localDescription.sdp)
        self._tap()
        return self.pc.localDescription.sdp

    def _take_in(self, kinds: Iterable[str]) -> None:
        """Want these kinds, in the order of the description: in another one aiortc's bundle never connects."""
        known = RTCRtpReceiver.getCapabilities("video")
        assert known is not None
        for kind in kinds:
            transceiver = self.pc.addTransceiver(kind, direction="recvonly")
            if kind == "video":
                wanted = [one for one in known.codecs if self._codec in one.mimeType.lower()]
                transceiver.setCodecPreferences(wanted)

    async def feed_back(self) -> None:
        """Tell the sender how it goes, and ask again for a key frame if there was none yet."""
        video = self.streams["video"]
        reports = [stream.report(self._heard(stream.ssrc)) for stream in self.streams.values() if stream.ssrc]
        if not reports:
            return
        said: list[object] = [RtcpRrPacket(ssrc=SSRC, reports=reports)]
        if video.ssrc is not None:
            fci = pack_remb_fci(self._remb, [video.ssrc])
            said.append(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=SSRC, media_ssrc=0, fci=fci))
            if self._before_key_frame is None:
                said.append(_request_for_key_frame(video.ssrc))
        await self._say(said)

    async def _say(self, said: list[object]) -> None:
        try:
            for packet in said:
                await self._transport._send_rtp(bytes(packet))  # type: ignore[call-overload]  # noqa: SLF001 - RTCP
        except ConnectionError:  # the publisher has gone
            return

    @property
    def _transport(self) -> Any:
        return self.pc.getTransceivers()[0].receiver.transport

    def _heard(self, ssrc: int | None) -> tuple[int, float] | None:
        for transceiver in self.pc.getTransceivers():
            named = vars(transceiver.receiver)
            if ssrc in named["_RTCRtpReceiver__lsr"]:
                return named["_RTCRtpReceiver__lsr"][ssrc], named["_RTCRtpReceiver__lsr_time"][ssrc]
        return None

    def _tap(self) -> None:
        """Take RTP off every socket of the connection."""
        for protocol in self._transport.transport._connection._protocols:  # noqa: SLF001 - before aiortc has it
            protocol.datagram_received = self._without_media(protocol.datagram_received)
            protocol.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER)

    def _without_media(self, received: Received) -> Received:
        def receive(datagram: bytes, address: tuple[Any, ...]) -> None:
            if is_media(datagram):
                self._take(datagram)
            else:
                received(datagram, address)

        return receive

    def _take(self, datagram: bytes) -> None:
        kind = self._kinds.get(datagram[1] & 0x7F)
        if kind is None:
            return  # a retransmission or padding
        if kind == "video" and self.first_frame is None:
            self._look_for_key_frame(datagram)
        self.streams[kind].take(datagram)
        whole = self.streams["video"].counter.whole
        if self.first_frame is None and self._before_key_frame is not None and whole > self._before_key_frame:
            self.first_frame = time.monotonic()

    def _look_for_key_frame(self, datagram: bytes) -> None:
        """Decrypt a packet and see whether a key frame begins; ask for one if it is not what comes first."""
        session = self._transport._rx_srtp  # noqa: SLF001 - there once DTLS is done
        if session is None or self._before_key_frame is not None:
            return
        try:
            packet = RtpPacket.parse(session.unprotect(datagram))
        except (SrtpError, ValueError):  # another connection's
            return
        if begins_key_frame(self._codec, packet.payload):
            self._before_key_frame = self.streams["video"].counter.whole
        elif self._asking is None:
            self._asking = asyncio.create_task(self._say([_request_for_key_frame(packet.ssrc)]), name="ask")


def _request_for_key_frame(ssrc: int) -> RtcpPsfbPacket:
    return RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=SSRC, media_ssrc=ssrc)
