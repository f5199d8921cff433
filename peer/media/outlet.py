"""One viewer's stream of one kind: its numbering, its past, and what is known of how well it arrives.

An encoder's thread sends through it; everything else happens on the event loop.
"""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import getrandbits

from peer.media.burst import Burst, Layout
from peer.media.codecs import Codec
from peer.media.route import Route, Scratch

PAST = 3.0  # seconds for which lost packets can be sent again


@dataclass(slots=True)
class Counts:
    """What a stream has done so far, in the words of RTCOutboundRtpStreamStats (W3C webrtc-stats, section 8.5)."""

    packets_sent: int = 0
    bytes_sent: int = 0  # of payload
    frames_sent: int = 0
    key_frames_sent: int = 0
    retransmitted_packets_sent: int = 0
    retransmitted_bytes_sent: int = 0
    nack_count: int = 0
    pli_count: int = 0
    fir_count: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """A burst as one viewer got it."""

    first: int  # sequence number
    burst: Burst
    timestamp: int
    codec: Codec
    at: float  # monotonic seconds

    def index(self, sequence: int) -> int | None:
        """Return which of its packets a sequence number is, None if it is none."""
        index = (sequence - self.first) & 0xFFFF
        return index if index < len(self.burst.payloads) else None


@dataclass(eq=False, slots=True)
class Outlet:
    """One viewer's RTP stream. `user` and `kind` say whose and which."""

    user: str
    kind: str
    codecs: Sequence[Codec]
    ssrc: int
    layout: Layout
    route: Route
    awaits_key: bool = True
    lost: float = 0.0  # fraction of the packets, by the last report
    round_trip: float | None = None  # seconds
    codec: Codec = field(init=False)
    counts: Counts = field(default_factory=Counts)
    _sequence: int = field(default_factory=lambda: getrandbits(15))  # the lower half: see RFC 3711, section 3.3.1
    _origin: int = field(default_factory=lambda: getrandbits(32))
    _past: deque[Sent] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.codec = self.codecs[0]

    def send(self, burst: Burst, scratch: Scratch) -> None:
        """Send a burst, unless a key frame has to come first. Called by the encoder's thread."""
        if self.awaits_key and not (burst.is_key and burst.begins):
            return
        self.awaits_key = False
        with self.route.lock:
            first, self._sequence = self._sequence, self._sequence + len(burst.payloads) & 0xFFFF
            timestamp = self.timestamp(burst.timestamp)
            self.route.send(burst, self.layout, scratch, (self.codec.payload_type, first, timestamp, self.ssrc))
        self._remember(Sent(first, burst, timestamp, self.codec, time.monotonic()))
        counts = self.counts
        counts.packets_sent += len(burst.payloads)
        counts.bytes_sent += burst.size
        counts.frames_sent += burst.ends
        counts.key_frames_sent += burst.ends and burst.is_key

    def timestamp(self, ticks: int) -> int:
        """Return what the capture clock's `ticks` are in this stream (RFC 3550, section 5.1)."""
        return self._origin + ticks & 0xFFFFFFFF

    def find(self, sequence: int) -> tuple[Sent, int] | None:
        """Return a packet of the recent past: its burst, and which one it is."""
        for sent in reversed(tuple(self._past)):
            index = sent.index(sequence)
            if index is not None:
                return sent, index
        return None

    def _remember(self, sent: Sent) -> None:
        past = self._past
        past.append(sent)
        while past[0].at < sent.at - PAST:
            past.popleft()
