"""What one of aiortc's senders sends comes from our encoders: the private names of `RTCRtpSender` and around it.

aiortc keeps what it does well: negotiation, ICE, DTLS, the schedule of its RTCP, and NACK with RTX. Its task that reads
a track, encodes, packs and sends, packet by packet, does nothing any more: an `Outlet` takes its place. A viewer that
takes none of our codecs is served by aiortc's own task, from the frames of its `StubTrack`.
"""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Protocol

import aiortc
from aiortc import RTCRtpSender
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpSendParameters
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    HeaderExtensions,
    HeaderExtensionsMap,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    RtpPacket,
    unpack_remb_fci,
    wrap_rtx,
)

from peer.capture.clock import AUDIO_RATE, VIDEO_RATE
from peer.capture.input import capture_time
from peer.errors import ExeuntError
from peer.media.aiortc_route import SharedRoute, shared_route
from peer.media.codecs import Codec
from peer.media.encoding import NTP_EPOCH, send_time
from peer.media.losses import Losses
from peer.media.outlet import Outlet, Sent
from peer.media.repeating import LOSSY

RATES = {"audio": AUDIO_RATE, "video": VIDEO_RATE}  # ticks per second
NAMES = {
    name: f"_RTCRtpSender__{name}"
    for name in (
        "rtp_started", "rtp_exited", "mid", "rtp_header_extensions_map",
        "lsr", "lsr_time", "octet_count", "packet_count", "rtt",
    )
}  # fmt: skip


class Viewers(Protocol):
    """What an outlet is plugged into: it encodes, and is told how the viewer fares. On the event loop."""

    def plug(self, outlet: Outlet) -> bool:
        """Send to a viewer from now on; false if it takes none of our codecs."""

    def unplug(self, outlet: Outlet) -> None:
        """Send to a viewer no more. One that is not plugged in is ignored."""

    def ask_for_key_frame(self, outlet: Outlet) -> None:
        """A viewer has lost its picture."""

    def estimated(self, outlet: Outlet, bitrate: int) -> None:
        """A viewer says how many bits per second its link takes (REMB)."""

    def reported(self, outlet: Outlet, lost: float, round_trip: float | None) -> None:
        """A viewer says what fraction of the packets was lost, and we know its round trip, seconds."""


class SenderLayout:
    """The header extensions that one sender negotiated."""

    def __init__(self, sender: RTCRtpSender, tag: int) -> None:
        self.tag = tag
        self._map: HeaderExtensionsMap = _get(sender, "rtp_header_extensions_map")
        self._mid: str = _get(sender, "mid")
        self.key: Hashable = (tag, self.extensions(0, -1), self.extensions(0x010203, None))

    def extensions(self, send_time: int, level: int | None) -> bytes:
        """Return the extensions as they are on the wire (RFC 8285)."""
        values = HeaderExtensions()
        values.mid, values.abs_send_time = self._mid, send_time
        values.audio_level = None if level is None else (False, -level)
        profile, block = self._map.set(values)
        return profile.to_bytes(2, "big") + (len(block) // 4).to_bytes(2, "big") + block if block else b""


@functools.cache
def self_test() -> None:
    """Raise `ExeuntError` if this aiortc is not one that we know; later calls do nothing."""
    known = set(RTCRtpSender.__init__.__code__.co_names)
    missing = [name for name in NAMES.values() if name not in known]
    missing += [name for name in ("_run_rtp", "_retransmit", "_handle_rtcp_packet", "_send_rtcp")
                if not hasattr(RTCRtpSender, name)]  # fmt: skip
    if missing or not hasattr(RTCDtlsTransport, "_setup_srtp"):
        raise ExeuntError(f"aiortc {aiortc.__version__} has no {', '.join(missing)}: install aiortc>=1.16,<1.17")


def take_over(sender: RTCRtpSender, user: str, viewers: Viewers) -> None:
    """Have `sender` send what `viewers` encodes, to `user`, as soon as it is connected; before it is negotiated."""
    self_test()
    Tap(sender, user, viewers)


class Tap:
    """Replaces the methods of one sender."""

    def __init__(self, sender: RTCRtpSender, user: str, viewers: Viewers) -> None:
        self._sender, self._user, self._viewers = sender, user, viewers
        self._codecs: list[Codec] = []
        self._outlet: Outlet | None = None
        self._losses = Losses()
        hooks: Any = sender
        self._start = hooks.send
        self._run_theirs: Callable[[RTCRtpCodecParameters], Awaitable[None]] = hooks._run_rtp
        self._hear_theirs: Callable[[Any], Awaitable[None]] = hooks._handle_rtcp_packet
        self._report_theirs: Callable[[list[Any]], Awaitable[None]] = hooks._send_rtcp
        hooks.send, hooks._run_rtp, hooks._retransmit = self._send, self._run, self._retransmit
        hooks._handle_rtcp_packet, hooks._send_rtcp = self._hear, self._report

    async def _send(self, parameters: RTCRtpSendParameters) -> None:
        self._codecs = _codecs(parameters)
        await self._start(parameters)

    async def _run(self, first: RTCRtpCodecParameters) -> None:
        """Stand in for aiortc's task: plug the outlet in, and wait for the end."""
        _get(self._sender, "rtp_started").set()  # before anything can fail, or closing would wait for it for ever
        try:
            self._outlet = self._plugged_in()
            if self._outlet is None:
                await self._run_theirs(first)
            else:
                await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            pass  # how aiortc ends its task
        finally:
            self._end()

    def _plugged_in(self) -> Outlet | None:
        """Return our outlet; None if the viewer takes none of our codecs."""
        route = shared_route(self._sender.transport) if self._codecs else None
        if route is None:
            return None
        outlet = self._make_outlet(route)
        try:
            is_plugged = self._viewers.plug(outlet)
        except BaseException:
            self._unplug(outlet)
            raise
        if is_plugged:
            self._end_track()
            return outlet
        route.close()
        return None

    def _make_outlet(self, route: SharedRoute) -> Outlet:
        return Outlet(
            user=self._user,
            kind=self._sender.kind,
            codecs=self._codecs,
            rtx_ssrc=self._sender._rtx_ssrc,
            ssrc=self._sender._ssrc,
            layout=SenderLayout(self._sender, route.tag),
            route=route,
        )

    def _end(self) -> None:
        try:
            if self._outlet is not None:
                self._unplug(self._outlet)
                self._end_track()
        finally:
            _get(self._sender, "rtp_exited").set()  # or closing would wait for it for ever

    def _unplug(self, outlet: Outlet) -> None:
        try:
            self._viewers.unplug(outlet)
        finally:
            outlet.route.close()

    def _end_track(self) -> None:
        if self._sender.track is not None:
            self._sender.track.stop()

    async def _hear(self, packet: Any) -> None:
        outlet = self._outlet
        if outlet is None:
            await self._hear_theirs(packet)
            return
        match packet:
            case RtcpPsfbPacket(fmt=fmt) if fmt in (RTCP_PSFB_PLI, RTCP_PSFB_FIR):
                outlet.counts.pli_count += fmt == RTCP_PSFB_PLI
                outlet.counts.fir_count += fmt == RTCP_PSFB_FIR
                self._viewers.ask_for_key_frame(outlet)
                return
            case RtcpPsfbPacket(fmt=fmt, fci=fci) if fmt == RTCP_PSFB_APP:
                self._estimated(outlet, fci)
                return
            case RtcpRtpfbPacket(fmt=fmt) if fmt == RTCP_RTPFB_NACK:
                outlet.counts.nack_count += 1
        await self._hear_theirs(packet)
        if isinstance(packet, RtcpRrPacket | RtcpSrPacket):
            for report in packet.reports:
                if report.ssrc == outlet.ssrc:
                    self._reported(outlet, report)

    def _reported(self, outlet: Outlet, report: Any) -> None:
        outlet.round_trip = _get(self._sender, "rtt")
        lost = self._losses.report(report.fraction_lost / 256, report.highest_sequence)
        if lost is not None:
            self._viewers.reported(outlet, lost, outlet.round_trip)

    def _estimated(self, outlet: Outlet, fci: bytes) -> None:
        try:
            bitrate, ssrcs = unpack_remb_fci(fci)
        except ValueError:
            return
        if outlet.ssrc in ssrcs:
            self._viewers.estimated(outlet, bitrate)

    async def _report(self, packets: list[Any]) -> None:
        """Put what was really sent into a sender report, and when: the capture clock's now, by both clocks."""
        outlet = self._outlet
        for packet in packets:
            if outlet is not None and isinstance(packet, RtcpSrPacket):
                counts, now = outlet.counts, int((time.time() + NTP_EPOCH) * 2**32)
                info = packet.sender_info
                info.ntp_timestamp = now
                info.rtp_timestamp = outlet.timestamp(round(capture_time() * RATES[outlet.kind]))
                info.packet_count, info.octet_count = counts.packets_sent & 0xFFFFFFFF, counts.bytes_sent & 0xFFFFFFFF
                _set(self._sender, lsr=now >> 16 & 0xFFFFFFFF, lsr_time=time.time())
                _set(self._sender, packet_count=counts.packets_sent, octet_count=counts.bytes_sent)
        await self._report_theirs(packets)

    async def _retransmit(self, sequence: int) -> None:
        """Send a lost packet again, as RTX where that was negotiated (RFC 4588), else as it was.

        On a link that loses much it is sent twice: a repetition that is lost, too, costs another round trip, for which
        the picture stands still.
        """
        outlet = self._outlet
        found = outlet.find(sequence) if outlet is not None else None
        if outlet is None or found is None:
            return
        packet = _packet(outlet, *found, sequence)
        packet.extensions.mid = _get(self._sender, "mid")
        rtx = found[0].codec.rtx
        for _ in range(1 if rtx is None or outlet.repeating.loss < LOSSY else 2):
            await self._send_again(outlet, packet if rtx is None else _as_rtx(outlet, packet, rtx))

    async def _send_again(self, outlet: Outlet, packet: RtpPacket) -> None:
        outlet.counts.retransmitted_packets_sent += 1
        outlet.counts.retransmitted_bytes_sent += len(packet.payload)
        await self._sender.transport._send_rtp(packet.serialize(_get(self._sender, "rtp_header_extensions_map")))


def _packet(outlet: Outlet, sent: Sent, index: int, sequence: int) -> RtpPacket:
    burst = sent.burst
    packet = RtpPacket(
        payload_type=sent.codec.payload_type,
        marker=int(burst.ends and burst.marks and index == len(burst.payloads) - 1),
        sequence_number=sequence,
        timestamp=sent.timestamp,
        ssrc=outlet.ssrc,
        payload=burst.payloads[index],
    )
    packet.extensions.abs_send_time = send_time()
    return packet


def _codecs(parameters: RTCRtpSendParameters) -> list[Codec]:
    """List what the other side takes, in its order, with the payload types of the retransmissions."""
    payload_types = [(codec.name.upper(), codec.payloadType or 0, codec) for codec in parameters.codecs]
    rtx = {codec.parameters.get("apt"): number for name, number, codec in payload_types if name == "RTX"}
    return [Codec(name, number, rtx.get(number)) for name, number, _ in payload_types if name != "RTX"]


def _as_rtx(outlet: Outlet, packet: RtpPacket, payload_type: int) -> RtpPacket:
    with outlet.route.lock:
        number = outlet.number_again(1)
    return wrap_rtx(packet, payload_type=payload_type, sequence_number=number, ssrc=outlet.rtx_ssrc)


def _get(sender: RTCRtpSender, name: str) -> Any:
    return getattr(sender, NAMES[name])


def _set(sender: RTCRtpSender, **values: object) -> None:
    for name, value in values.items():
        setattr(sender, NAMES[name], value)
