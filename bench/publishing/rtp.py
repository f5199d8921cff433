"""Reads the headers of RTP packets, which SRTP leaves in the clear, and counts the frames that came whole. Pure."""

import re
import struct
from dataclasses import dataclass

MARKER = 0x80
MOST_PENDING = 64  # incomplete frames that may still be completed by late packets
NAL_TYPE, NAL_IDR, NAL_SPS, STAP_A, FU_A = 0x1F, 5, 7, 24, 28  # of H.264 (RFC 6184)
FAR = 2000  # packets; a jump beyond this is a new beginning

_fixed = struct.Struct("!BBHLL")


@dataclass(frozen=True, slots=True)
class Header:
    """The fixed part of a packet's header (RFC 3550, section 5.1)."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int


def is_media(datagram: bytes) -> bool:
    """Whether this is RTP, and neither RTCP, STUN nor DTLS (RFC 5761, RFC 7983)."""
    return len(datagram) >= _fixed.size and 128 <= datagram[0] < 192 and not 192 <= datagram[1] <= 223


def read_header(datagram: bytes) -> Header:
    """Return the header of a datagram that `is_media`."""
    _, kind, sequence, timestamp, ssrc = _fixed.unpack_from(datagram)
    return Header(kind & 0x7F, kind >= MARKER, sequence, timestamp, ssrc)


def payload_types(sdp: str) -> dict[int, str]:
    """Return which payload types are "audio" and "video" media in a description: retransmissions are neither."""
    kinds: dict[int, str] = {}
    kind = ""
    for line in sdp.splitlines():
        if line.startswith("m="):
            kind = line[2:].split()[0]
        elif (found := re.match(r"a=rtpmap:(\d+) ([^/]+)/", line)) and found[2].lower() not in ("rtx", "red", "ulpfec"):
            kinds[int(found[1])] = kind
    return kinds


def offered_kinds(sdp: str) -> list[str]:
    """Return the kinds of media of a description, in its order."""
    return [kind for kind in re.findall(r"^m=(\w+)", sdp, re.MULTILINE) if kind in ("audio", "video")]


def begins_key_frame(codec: str, payload: bytes) -> bool:
    """Whether a packet's payload, in the clear, is the first of a key frame, or one of its slices."""
    if codec == "vp8":
        return _begins_vp8_key_frame(payload)
    kind = payload[0] & NAL_TYPE if payload else 0
    if kind == STAP_A and len(payload) > 3:
        kind = payload[3] & NAL_TYPE
    elif kind == FU_A and len(payload) > 1:
        kind = payload[1] & NAL_TYPE
    return kind in (NAL_IDR, NAL_SPS)


def _begins_vp8_key_frame(payload: bytes) -> bool:
    """Read the payload descriptor (RFC 7741, section 4.2) and the frame's first bit behind it."""
    if len(payload) < 2 or payload[0] & 0x17 != 0x10:  # the start of partition 0
        return False
    at = 1
    if payload[0] & 0x80:
        flags = payload[1]
        long_id = flags & 0x80 and len(payload) > 2 and payload[2] & 0x80
        at += 1 + (2 if long_id else flags >> 7) + (flags >> 6 & 1) + bool(flags & 0x30)
    return len(payload) > at and not payload[at] & 1


@dataclass(slots=True)
class _Span:
    """Packets from `first` to `last`, both of which are known, that hold so many frames."""

    first: int
    last: int
    frames: int = 1


class StreamCounter:
    """Counts the packets of one stream, and the frames of which all came, late ones included.

    The first packet is taken for the beginning of a frame: it is what a sender says first. A frame ends with the packet
    that has the marker; the next begins with the packet after it. Where a marker is missing, the frames on both sides
    of it wait for it together.
    """

    def __init__(self) -> None:
        self.whole = 0  # frames
        self.received = 0  # packets
        self._first = 0
        self._start = 0  # extended sequence number of the first packet of the frame that is under way
        self._next: int | None = None  # the packet after the highest seen
        self._missing: set[int] = set()
        self._pending: list[_Span] = []

    def add(self, sequence: int, *, marker: bool) -> None:
        """Take in a packet."""
        self.received += 1
        if self._next is None:
            self._first = self._start = self._next = sequence
        distance = (sequence - self._next + 0x8000 & 0xFFFF) - 0x8000
        number = self._next + distance
        if distance < 0:
            self._late(number, marker=marker)
            return
        if distance > FAR:
            self._begin_anew(number)
        elif distance:
            self._missing.update(range(self._next, number))
        self._next = number + 1
        if marker:
            self._end_frame(number)

    @property
    def expected(self) -> int:
        """How many packets there would be without loss."""
        return 0 if self._next is None else self._next - self._first

    @property
    def highest(self) -> int:
        """The highest sequence number, extended by how often it began anew (RFC 3550, section 6.4.1)."""
        return (self._next or 1) - 1

    def _late(self, number: int, *, marker: bool) -> None:
        if number not in self._missing:
            self.received -= 1
            return  # it came twice
        self._missing.discard(number)
        if number >= self._start:
            if marker:
                self._end_frame(number)
            return
        for span in [span for span in self._pending if span.first <= number <= span.last]:
            span.frames += marker
            if self._is_whole(span):
                self._pending.remove(span)
                self.whole += span.frames

    def _end_frame(self, last: int) -> None:
        span = _Span(self._start, last)
        if self._is_whole(span):
            self.whole += 1
        else:
            self._pending = [*self._pending, span][-MOST_PENDING:]
        self._start = last + 1

    def _is_whole(self, span: _Span) -> bool:
        return not self._missing or self._missing.isdisjoint(range(span.first, span.last + 1))

    def _begin_anew(self, number: int) -> None:
        self._start, self._first, self.received = number, number, 1
        self._missing.clear()
        self._pending.clear()
