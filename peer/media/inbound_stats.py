"""What comes from each user and which way, in the words of the W3C's statistics."""

from dataclasses import dataclass

from peer.media.receive import RemoteMedia


@dataclass(frozen=True, kw_only=True, slots=True)
class InboundRtpStats:
    """One kind of one user's media: RTCInboundRtpStreamStats (W3C webrtc-stats, section 8.4), in Python's case.

    Counts are over all connections since the user came; `ssrc` and `codec` are those of the newest stream. What is
    decoded is so only while somebody reads: until then `frames_decoded`, `frame_width` and `frame_height` are 0.
    `concealed_samples` are those of sound that were made up in the place of what was lost, while it was decoded.
    `packets_lost` never came in time, `packets_discarded` came too late or twice. `jitter` and
    `total_freezes_duration` are in seconds. `last_frame_received_at` is a time of `time.monotonic()`, in seconds, 0.0
    before the first whole frame.
    """

    user: str
    kind: str
    ssrc: int
    codec: str
    packets_received: int
    bytes_received: int
    packets_lost: int
    packets_discarded: int
    retransmitted_packets_received: int
    jitter: float
    nack_count: int
    pli_count: int
    frames_received: int
    key_frames_received: int
    frames_decoded: int
    key_frames_decoded: int
    frames_dropped: int
    concealed_samples: int
    frame_width: int
    frame_height: int
    freeze_count: int
    total_freezes_duration: float
    last_frame_received_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CandidatePairStats:
    """The way that packets go between us and a user: RTCIceCandidatePairStats (section 8.16), in Python's case.

    The types are "host", "srflx", "prflx" or "relay". `current_round_trip_time` is the last STUN check's, in seconds;
    None before the first answer.
    """

    user: str
    local_candidate_type: str
    local_address: str
    local_port: int
    remote_candidate_type: str
    remote_address: str
    remote_port: int
    current_round_trip_time: float | None


def inbound(user: str, *media: RemoteMedia) -> tuple[InboundRtpStats, ...]:
    """Return what has come from a user, of each kind of which anything has."""
    return tuple(_stats(user, one) for one in media if one.counts.packets_received)


def _stats(user: str, media: RemoteMedia) -> InboundRtpStats:
    counts = media.counts
    return InboundRtpStats(
        user=user,
        kind=media.kind,
        ssrc=counts.ssrc,
        codec=counts.codec,
        packets_received=counts.packets_received,
        bytes_received=counts.bytes_received,
        packets_lost=counts.packets_lost,
        packets_discarded=counts.packets_discarded,
        retransmitted_packets_received=counts.retransmitted_packets_received,
        jitter=counts.jitter,
        nack_count=counts.nack_count,
        pli_count=counts.pli_count,
        frames_received=counts.frames_received,
        key_frames_received=counts.key_frames,
        frames_decoded=counts.frames_decoded,
        key_frames_decoded=counts.key_frames_decoded,
        frames_dropped=counts.frames_dropped,
        concealed_samples=counts.concealed_samples,
        frame_width=counts.frame_width,
        frame_height=counts.frame_height,
        freeze_count=counts.freeze_count,
        total_freezes_duration=counts.total_freezes_duration,
        last_frame_received_at=counts.last_frame_at,
    )
