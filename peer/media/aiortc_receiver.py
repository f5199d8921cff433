"""What one of aiortc's receivers receives goes through our cores: the private names of `RTCRtpReceiver`.

aiortc keeps what it does well: negotiation, ICE, DTLS, its receiver reports and its estimate of the bit rate. Its
jitter buffer, which asks once for what is missing and then waits for seconds, is not used, and neither is its decoder:
that thread ends as soon as it has begun, and whoever wants pictures decodes `EncodedFrame`s.
"""

import asyncio
import functools
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import aiortc
from aiortc import RTCRtpReceiver
from aiortc.codecs import is_rtx
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import RTCP_PSFB_APP, RtcpPsfbPacket, RtcpSrPacket, RtpPacket, pack_remb_fci, unwrap_rtx

from peer.errors import ExeuntError
from peer.media.aiortc_compat import STOP_DECODER
from peer.media.inbound import Ledger, Reception, SenderClock, Step
from peer.media.inbound.depacketizing import FORMATS

MOST_STREAMS = 4  # of one track at a time: a sender that changes its SSRC has one of them
NAMES = {
    name: f"_RTCRtpReceiver__{name}"
    for name in ("codecs", "rtx_ssrc", "remote_streams", "remote_bitrate_estimator", "rtcp_ssrc")
}


class Listener(Protocol):
    """Whoever gets what a track delivers. On the event loop."""

    ledger: Ledger

    def stepped(self, step: Step) -> None:
        """Frames are whole, or the picture has come to rest or to life."""

    def heard(self, level: int, now: float) -> None:
        """A packet of sound is as loud as that, dBov (RFC 6464)."""


@functools.cache
def self_test() -> None:
    """Raise `ExeuntError` if this aiortc is not one that we know; later calls do nothing."""
    known = set(RTCRtpReceiver.__init__.__code__.co_names)
    missing = [name for name in NAMES.values() if name not in known]
    methods = ("_handle_rtp_packet", "_handle_rtcp_packet", "_send_rtcp", "_send_rtcp_nack", "_send_rtcp_pli")
    missing += [name for name in (*methods, STOP_DECODER) if not hasattr(RTCRtpReceiver, name)]
    if missing:
        raise ExeuntError(f"aiortc {aiortc.__version__} has no {', '.join(missing)}: install aiortc>=1.16,<1.17")


class Inbound:
    """One incoming track. Replaces the methods of its receiver; to be made before that is started.

    `clock` is shared with the other tracks of the same sender.
    """

    def __init__(self, receiver: RTCRtpReceiver, kind: str, clock: SenderClock) -> None:
        self_test()
        self.kind = kind
        self.packets = 0  # that have come, listened to or not
        self._receiver: Any = receiver
        self._clock = clock
        self._listener: Listener | None = None
        self._receptions: dict[tuple[int, str], Reception] = {}
        self._newest: tuple[int, str] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0  # by time.monotonic()
        self._sending: set[asyncio.Task[None]] = set()
        self._is_closed = False
        hooks: Any = receiver
        self._begin_theirs: Callable[[Any], Coroutine[Any, Any, None]] = hooks.receive
        self._hear_theirs: Callable[[Any], Coroutine[Any, Any, None]] = hooks._handle_rtcp_packet
        hooks.receive, hooks._handle_rtcp_packet, hooks._handle_rtp_packet = self._begin, self._report, self._packet

    def listen(self, listener: Listener) -> None:
        """Give what comes to a listener from now on."""
        self._listener = listener

    def is_of(self, receiver: RTCRtpReceiver | None) -> bool:
        """Whether this is what that receiver receives."""
        return self._receiver is receiver

    def begin_anew(self, clock: SenderClock) -> None:
        """Another sender's media come on this track from now on, for whoever listens next."""
        self._clock, self._listener, self._newest = clock, None, None
        self._receptions.clear()

    def request_key_frame(self) -> None:
        """Ask the sender for a picture that needs no other (PLI, RFC 4585), unless that was done a moment ago."""
        if self._is_closed:
            return
        reception = None if self._newest is None else self._receptions[self._newest]
        if reception is not None and self._newest is not None and reception.key_wanted(time.monotonic()):
            self._send(self._receiver._send_rtcp_pli(self._newest[0]))

    def close(self) -> None:
        """Take in nothing more. May be called twice."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        for task in self._sending:
            task.cancel()

    # -- in the place of aiortc's own methods --

    async def _begin(self, parameters: Any) -> None:
        await self._begin_theirs(parameters)
        getattr(self._receiver, STOP_DECODER)()

    async def _report(self, packet: Any) -> None:
        await self._hear_theirs(packet)
        if isinstance(packet, RtcpSrPacket):
            wall, timestamp = packet.sender_info.ntp_timestamp / (1 << 32), packet.sender_info.rtp_timestamp
            for (ssrc, _), reception in self._receptions.items():
                if ssrc == packet.ssrc:
                    reception.reported(wall, timestamp, time.monotonic())

    async def _packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        self.packets += 1
        if self._is_closed or self._listener is None:
            return
        await self._estimate(packet, arrival_time_ms)
        codec: RTCRtpCodecParameters | None = self._get("codecs").get(packet.payload_type)
        if codec is None:
            return
        self._count(packet, codec)
        if is_rtx(codec):
            original = self._repeated(packet, codec)
            if original is None:
                return
            packet, codec = original
        await self._take(packet, codec, self._listener)

    async def _estimate(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        """Have aiortc estimate what the link takes, and tell the sender (REMB)."""
        estimator, ssrc = self._get("remote_bitrate_estimator"), self._get("rtcp_ssrc")
        if estimator is None or packet.extensions.abs_send_time is None:
            return
        remb = estimator.add(
            abs_send_time=packet.extensions.abs_send_time,
            arrival_time_ms=arrival_time_ms,
            payload_size=len(packet.payload) + packet.padding_size,
            ssrc=packet.ssrc,
        )
        if ssrc is not None and remb is not None:
            fci = pack_remb_fci(*remb)
            await self._receiver._send_rtcp(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=ssrc, media_ssrc=0, fci=fci))

    def _count(self, packet: RtpPacket, codec: RTCRtpCodecParameters) -> None:
        """Have aiortc report what came."""
        streams = self._get("remote_streams")
        if packet.ssrc not in streams:
            streams[packet.ssrc] = StreamStatistics(codec.clockRate)
        streams[packet.ssrc].add(packet)

    def _repeated(self, packet: RtpPacket, codec: RTCRtpCodecParameters) -> tuple[RtpPacket, Any] | None:
        """Return the packet that is repeated (RFC 4588); None: padding, or nothing that we know."""
        ssrc, kind = self._get("rtx_ssrc").get(packet.ssrc), codec.parameters.get("apt")
        original = self._get("codecs").get(kind)
        if ssrc is None or original is None or len(packet.payload) < 2:
            return None
        assert self._listener is not None
        self._listener.ledger.counts.retransmitted_packets_received += 1
        return unwrap_rtx(packet, payload_type=original.payloadType, ssrc=ssrc), original

    # -- what becomes of it --

    async def _take(self, packet: RtpPacket, codec: RTCRtpCodecParameters, listener: Listener) -> None:
        name = codec.name.lower()
        if name not in FORMATS:
            return
        now = time.monotonic()
        if packet.extensions.audio_level is not None:
            listener.heard(-packet.extensions.audio_level[1], now)
        reception = self._reception((packet.ssrc, name), codec.clockRate, listener)
        step = reception.packet(packet.sequence_number, packet.timestamp, bool(packet.marker), packet.payload, now)
        for work in self._outcome(packet.ssrc, step, listener):
            await work
        self._arm(now)

    def _reception(self, key: tuple[int, str], clock_rate: int, listener: Listener) -> Reception:
        reception = self._receptions.get(key)
        if reception is None or reception.is_astray:
            while len(self._receptions) >= MOST_STREAMS:
                del self._receptions[next(iter(self._receptions))]
            reception = Reception(self.kind, key[1], clock_rate, listener.ledger, self._clock)
            self._receptions[key] = reception
        if self._newest != key:
            counts = listener.ledger.counts
            self._newest, counts.ssrc, counts.codec = key, key[0], key[1]
        return reception

    def _outcome(self, ssrc: int, step: Step, listener: Listener) -> list[Coroutine[Any, Any, None]]:
        """Hand on what is whole; return what is to be sent."""
        if step.frames or step.freezes:
            listener.stepped(step)
        feedback: list[Coroutine[Any, Any, None]] = []
        if step.missing:
            feedback.append(self._receiver._send_rtcp_nack(ssrc, step.missing))
        if step.wants_key:
            feedback.append(self._receiver._send_rtcp_pli(ssrc))
        return feedback

    def _arm(self, now: float) -> None:
        """See to it that `_advance` is called in time; a timer that is too early looks again."""
        due = min(
            (one for each in self._receptions.values() if (one := each.next_deadline()) is not None), default=None
        )
        if due is None or (self._timer is not None and self._timer_at <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer, self._timer_at = loop.call_later(max(due - now, 0.0), self._advance), due

    def _advance(self) -> None:
        self._timer = None
        if self._is_closed or self._listener is None:
            return
        now = time.monotonic()
        for (ssrc, _), reception in self._receptions.items():
            for work in self._outcome(ssrc, reception.advance(now), self._listener):
                self._send(work)
        self._arm(now)

    def _send(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name=f"feedback {self.kind}")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def _get(self, name: str) -> Any:
        return getattr(self._receiver, NAMES[name])
