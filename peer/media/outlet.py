"""One viewer's stream of one kind: its numbering, its past, and what is known of how well it arrives.

An encoder's thread sends through it; everything else happens on the event loop.
"""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import getrandbits
from typing import Protocol

from msgspec import Struct, structs

from peer.media.burst import Burst, Layout
from peer.media.codecs import Codec
from peer.media.repeating import Repeating
from peer.media.route import Route, Scratch

PAST = 1.5  # seconds for which lost packets can be sent again


class Counts(Struct):
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


class Sent(Struct, frozen=True):
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


class Feeder(Protocol):
    """What sends through outlets."""

    def remove(self, outlet: "Outlet") -> None:
        """Send through an outlet no more."""


@dataclass(eq=False, slots=True)
class Outlet:
    """One viewer's RTP stream. `user` and `kind` say whose and which."""

    user: str
    kind: str
    codecs: Sequence[Codec]
    ssrc: int
    layout: Layout
    route: Route
    rtx_ssrc: int = 0  # of packets that are sent again
    awaits_key: bool = True
    repeating: Repeating = field(default_factory=Repeating)  # whether every packet is sent twice
    lost: float = 0.0  # fraction of the packets, by the last reports about enough of them
    round_trip: float | None = None  # seconds
    feeder: Feeder | None = None  # the only one that may send, though another be in the middle of a frame
    codec: Codec = field(init=False)
    counts: Counts = field(default_factory=Counts)
    _sequence: int = field(default_factory=lambda: getrandbits(15))  # the lower half: see RFC 3711, section 3.3.1
    _rtx_sequence: int = field(default_factory=lambda: getrandbits(15))
    _origin: int = field(default_factory=lambda: getrandbits(32))
    _ticks: int = -1  # of the last frame, on the capture clock
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
            if burst.begins:  # the next feeder may have the same picture once more: time goes on all the same
                self._ticks = max(burst.timestamp, self._ticks + 1)
            timestamp = self.timestamp(self._ticks)
            self.route.send(burst, self.layout, scratch, (self.codec.payload_type, first, timestamp, self.ssrc))
            if self.repeating.is_on and self.codec.rtx is not None:
                self._send_again(burst, scratch, (self.codec.rtx, first, timestamp))
        self._remember(Sent(first, burst, timestamp, self.codec, time.monotonic()))
        counts = self.counts
        counts.packets_sent += len(burst.payloads)
        counts.bytes_sent += burst.size
        counts.frames_sent += burst.ends
        counts.key_frames_sent += burst.ends and burst.is_key

    def number_again(self, packets: int) -> int:
        """Return the first RTX sequence number of so many packets. To be called with the route's lock held."""
        first, self._rtx_sequence = self._rtx_sequence, self._rtx_sequence + packets & 0xFFFF
        return first

    def _send_again(self, burst: Burst, scratch: Scratch, head: tuple[int, int, int]) -> None:
        """Send a burst once more, as RTX: each payload behind its packet's number (RFC 4588, section 4)."""
        payload_type, first, timestamp = head
        numbers = ((first + index & 0xFFFF).to_bytes(2, "big") for index in range(len(burst.payloads)))
        payloads = [number + payload for number, payload in zip(numbers, burst.payloads, strict=True)]
        again = structs.replace(burst, payloads=payloads, _laid={})
        number = self.number_again(len(payloads))
        self.route.send(again, self.layout, scratch, (payload_type, number, timestamp, self.rtx_ssrc))
        self.counts.retransmitted_packets_sent += len(payloads)
        self.counts.retransmitted_bytes_sent += burst.size

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
