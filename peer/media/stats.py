"""What is sent to each viewer, in the words of the W3C's statistics."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from peer.media.audience import Audience
from peer.media.encoding import Encoding
from peer.media.limitation import LimitedBy
from peer.media.outlet import Outlet
from peer.media.packetizing import Packetizing
from peer.media.watchers import Watchers


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboundRtpStats:
    """One stream to one user: RTCOutboundRtpStreamStats (W3C webrtc-stats, section 8.5), in Python's case.

    What is the encoder's (`frames_encoded`, `key_frames_encoded`, `total_encode_time` in seconds, `target_bitrate` in
    bits per second) is shared by all viewers that get the same; `encoder_implementation` is "pass-through" where a
    source's own encoding is sent as it is. `tier` is "full", "half" or "audio" (no picture).
    `path` says how packets leave: "segments" (one call per frame), "datagrams" (one per packet), "transport" (by a
    relay). `packets_dropped` are those that the socket did not take, of all streams to this user.
    """

    user: str
    kind: str
    ssrc: int
    codec: str
    tier: str = "full"
    path: str
    encoder_implementation: str = ""
    frame_width: int = 0
    frame_height: int = 0
    frames_encoded: int = 0
    key_frames_encoded: int = 0
    total_encode_time: float = 0.0
    target_bitrate: int = 0
    frames_sent: int
    packets_sent: int
    bytes_sent: int
    retransmitted_packets_sent: int
    retransmitted_bytes_sent: int
    packets_dropped: int
    nack_count: int
    pli_count: int
    fir_count: int
    fraction_lost: float
    round_trip_time: float | None
    quality_limitation_reason: str = LimitedBy.NONE.value
    quality_limitation_durations: Mapping[str, float] = field(default_factory=dict)
    quality_limitation_resolution_changes: int = 0


def outbound(audiences: Iterable[Audience[Any]]) -> tuple[OutboundRtpStats, ...]:
    """Return what is sent to everybody."""
    return tuple(_stats(audience, outlet) for audience in audiences for outlet in audience.outlets)


def _stats(audience: Audience[Any], outlet: Outlet) -> OutboundRtpStats:
    counts = outlet.counts
    return OutboundRtpStats(
        user=outlet.user,
        kind=outlet.kind,
        ssrc=outlet.ssrc,
        codec=outlet.codec.name,
        path=outlet.route.path,
        packets_dropped=outlet.route.dropped,
        fraction_lost=outlet.lost,
        round_trip_time=outlet.round_trip,
        frames_sent=counts.frames_sent,
        packets_sent=counts.packets_sent,
        bytes_sent=counts.bytes_sent,
        retransmitted_packets_sent=counts.retransmitted_packets_sent,
        retransmitted_bytes_sent=counts.retransmitted_bytes_sent,
        nack_count=counts.nack_count,
        pli_count=counts.pli_count,
        fir_count=counts.fir_count,
        **_encoder(audience.encoding_of(outlet)),
        **_limitation(audience, outlet),
    )


def _encoder(encoding: Encoding | None) -> dict[str, Any]:
    if encoding is None:
        return {}
    stats: dict[str, Any] = {
        "encoder_implementation": encoding.implementation,
        "frames_encoded": encoding.frames_encoded,
        "total_encode_time": encoding.total_encode_time,
    }
    if isinstance(encoding, Packetizing):
        width, height = encoding.size
        stats |= {"frame_width": width, "frame_height": height, "target_bitrate": encoding.bitrate}
        stats |= {"key_frames_encoded": encoding.key_frames_encoded}
    return stats


def _limitation(audience: Audience[Any], outlet: Outlet) -> dict[str, Any]:
    stats: dict[str, Any] = {"tier": audience.tier_of(outlet).name.lower()}
    limitation = audience.limitation(outlet) if isinstance(audience, Watchers) else None
    if limitation is not None:
        stats["quality_limitation_reason"] = limitation.reason.value
        stats["quality_limitation_durations"] = {by.value: took for by, took in limitation.durations.items()}
        stats["quality_limitation_resolution_changes"] = limitation.resolution_changes
    return stats
