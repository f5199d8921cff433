"""A picture or a packet of sound as it was sent: received whole, not decoded. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One whole frame, as the other side encoded it.

    `codec` is "vp8", "h264" or "opus"; `payload` a VP8 frame (RFC 6386), an H.264 access unit in Annex B, or an Opus
    packet (RFC 6716). `timestamp` is RTP's, in units of `clock_rate` per second, counted on where RTP's 32 bits wrap.
    """

    kind: str  # "video" | "audio"
    codec: str
    payload: bytes
    is_key: bool  # a picture that needs no other; always true of sound
    timestamp: int
    clock_rate: int  # 90000 | 48000
    time: float  # seconds, this machine's monotonic clock: when it was captured, else when its first packet arrived
    is_mapped: bool  # whether `time` is by the sender's reports, which put picture and sound on one clock
    follows_gap: bool  # something before it is lost for good
