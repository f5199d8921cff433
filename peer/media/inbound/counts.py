"""What was counted of one kind of one user's media, over all connections. Pure."""

from dataclasses import dataclass


@dataclass(slots=True)
class InboundCounts:
    """In the words of RTCInboundRtpStreamStats (W3C webrtc-stats, section 8.4), in Python's case.

    `packets_lost` are those that never came in time, repeated ones not counted; `jitter` in seconds;
    `last_frame_at` by this machine's monotonic clock, seconds, 0 before the first.
    """

    codec: str = ""
    ssrc: int = 0
    packets_received: int = 0
    bytes_received: int = 0
    packets_lost: int = 0
    packets_discarded: int = 0
    retransmitted_packets_received: int = 0
    jitter: float = 0.0
    nack_count: int = 0
    pli_count: int = 0
    frames_received: int = 0
    frames_decoded: int = 0
    frames_dropped: int = 0
    concealed_samples: int = 0
    key_frames: int = 0  # that came whole
    key_frames_decoded: int = 0
    frame_width: int = 0
    frame_height: int = 0
    freeze_count: int = 0
    total_freezes_duration: float = 0.0
    last_frame_at: float = 0.0
