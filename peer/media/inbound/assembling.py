"""Packets in order become whole frames; after a loss nothing is handed on before a frame that needs no other. Pure."""

from dataclasses import dataclass, field

from peer.media.inbound.depacketizing import Format
from peer.media.inbound.packet import RtpPart

LARGEST = 4 * 1024 * 1024  # bytes of one frame: more is no picture


@dataclass(frozen=True, slots=True)
class Whole:
    """A frame of which every packet came."""

    payload: bytes
    timestamp: int
    arrived_at: float  # its first packet, seconds
    is_key: bool
    follows_gap: bool


@dataclass(slots=True)
class Assembling:
    """The frame that is being put together."""

    form: Format
    needs_key: bool = True  # what comes next cannot be decoded otherwise
    follows_gap: bool = False  # something was lost since the last frame
    dropped: int = 0  # frames that came whole and were of no use
    _parts: list[bytes] = field(default_factory=list)
    _size: int = 0  # bytes of them
    _is_between: bool = False  # the last packet ended a frame, and nothing was lost since
    _timestamp: int | None = None  # of the last packet
    _arrived_at: float = 0.0

    def push(self, part: RtpPart) -> list[Whole]:
        """Take in the next packet; return what is whole with it."""
        if not part.payload:
            return []  # padding
        whole = self._end() if self._timestamp is not None and self._timestamp != part.timestamp else []
        self._timestamp = part.timestamp
        try:
            self._add(part)
        except ValueError:
            self.lost()
            self._timestamp = part.timestamp  # what follows of this frame is of no use
        return whole + (self._end() if part.is_last else [])

    def lost(self) -> None:
        """What comes next in order is lost."""
        self._parts.clear()
        self._is_between, self._timestamp = False, None
        self.needs_key = self.follows_gap = True

    def _add(self, part: RtpPart) -> None:
        if not self._parts:
            begins = self.form.can_begin if self._is_between else self.form.begins
            if not begins(part.payload):
                raise ValueError("a frame without a beginning")
            self._arrived_at, self._size = part.arrived_at, 0
        self._is_between = False
        self._parts.append(self.form.content(part.payload))
        self._size += len(self._parts[-1])
        if self._size > LARGEST:
            raise ValueError("a frame without an end")

    def _end(self) -> list[Whole]:
        self._is_between = True
        if not self._parts:
            return []
        payload = b"".join(self._parts)
        self._parts.clear()
        is_key = self.form.is_key(payload)
        if self.needs_key and not is_key:
            self.dropped += 1
            return []
        assert self._timestamp is not None
        whole = Whole(payload, self._timestamp, self._arrived_at, is_key, self.follows_gap)
        self.needs_key = self.follows_gap = False
        return [whole]
