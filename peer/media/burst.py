"""One encoded frame, or a part of a big one, as RTP packets for many viewers: laid out once, stamped for each.

    header │ extensions │ payload │ tag ┊ header │ extensions │ payload │ tag ┊ …        one block of memory

What is the same for all viewers is written once for every layout of header extensions that they negotiated; a viewer
adds its header fields in place, and SRTP encrypts in place (RFC 3711, section 3.1; RFC 8285).
"""

from collections.abc import Hashable, Sequence
from typing import Protocol

from msgspec import Struct

from peer.media.packetize import runs

HEADER = 12  # bytes of an RTP header without extensions
MOST_SEGMENTS = 40  # packets that go out with one call, fewer than the kernel's 64


class Layout(Protocol):
    """The header extensions and the protection that a viewer negotiated; equal ones share what is laid out."""

    @property
    def key(self) -> Hashable:
        """What two layouts have in common if they lay out the same."""

    @property
    def tag(self) -> int:
        """Bytes that SRTP adds to each packet."""

    def extensions(self, send_time: int, level: int | None) -> bytes:
        """Return the header extensions with their header; `send_time`: 24 bits, `level`: dBov of sound, 0 to -127."""


class Slot(Struct, frozen=True):
    """Where a packet lies in the block."""

    offset: int
    length: int  # bytes before protection
    marker: int  # 0x80 on the last packet of a frame


class Laid(Struct, frozen=True):
    """The packets of a burst in one layout."""

    block: bytes
    slots: tuple[Slot, ...]
    runs: tuple[tuple[int, int, int, int], ...]  # first byte, byte after the last, bytes of a segment, packets
    has_extensions: bool


class Burst(Struct):
    """Payloads that go out together. `timestamp` counts in ticks of the codec's clock, as the capture clock stamps."""

    payloads: Sequence[bytes]
    timestamp: int
    send_time: int  # abs-send-time: 24 bits of the NTP clock
    is_key: bool = False
    begins: bool = True  # whether these are the first packets of their frame
    ends: bool = True  # ... the last
    marks: bool = True  # whether the last packet of the frame bears the marker
    level: int | None = None  # of sound, dBov
    size: int = 0  # bytes of the payloads
    _laid: dict[Hashable, Laid] = {}

    def __post_init__(self) -> None:
        self.size = sum(map(len, self.payloads))

    def laid_out(self, layout: Layout) -> Laid:
        """Return the packets as one block of memory; equal layouts get the same."""
        laid = self._laid.get(layout.key)
        if laid is None:
            laid = self._laid[layout.key] = self._lay_out(layout)
        return laid

    def _lay_out(self, layout: Layout) -> Laid:
        extensions = layout.extensions(self.send_time, self.level)
        head, tail = bytes(HEADER) + extensions, bytes(layout.tag)
        slots, offset = [], 0
        for payload in self.payloads:
            slots.append(Slot(offset, len(head) + len(payload), 0))
            offset += len(head) + len(payload) + len(tail)
        if self.ends and self.marks:
            slots[-1] = Slot(slots[-1].offset, slots[-1].length, 0x80)
        block = b"".join(part for payload in self.payloads for part in (head, payload, tail))
        return Laid(block, tuple(slots), _runs(slots, len(tail)), bool(extensions))


def _runs(slots: list[Slot], tag: int) -> tuple[tuple[int, int, int, int], ...]:
    sizes = [slot.length + tag for slot in slots]
    return tuple(
        (slots[begin].offset, slots[end - 1].offset + sizes[end - 1], sizes[begin], end - begin)
        for begin, end in runs(sizes, MOST_SEGMENTS)
    )
