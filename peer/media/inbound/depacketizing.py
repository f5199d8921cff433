"""What is in the payload of one packet: VP8 (RFC 7741), H.264 (RFC 6184) and Opus (RFC 7587). Pure."""

from typing import Protocol

START = b"\x00\x00\x00\x01"  # of a NAL unit, in Annex B
IDR, SPS, DELIMITER, STAP_A, FU_A = 5, 7, 9, 24, 28


class Format(Protocol):
    """How one codec is cut into packets."""

    name: str

    def begins(self, payload: bytes) -> bool:
        """Whether a frame begins with this packet, whatever came before."""

    def can_begin(self, payload: bytes) -> bool:
        """Whether a frame can begin with this packet, if the one before it ended a frame."""

    def begins_key(self, payload: bytes) -> bool:
        """Whether a frame that begins with this packet needs no other."""

    def content(self, payload: bytes) -> bytes:
        """Return what it adds to the frame. Raises `ValueError` if it is malformed."""

    def is_key(self, frame: bytes) -> bool:
        """Whether a whole frame needs no other."""


class Vp8:
    """Each packet has a descriptor of 1 to 6 bytes before its share of the frame."""

    name = "vp8"

    def begins(self, payload: bytes) -> bool:
        """The S bit, and the first partition."""
        return payload[0] & 0x17 == 0x10

    def can_begin(self, payload: bytes) -> bool:
        """As above: there is no doubt."""
        return self.begins(payload)

    def begins_key(self, payload: bytes) -> bool:
        """The P bit of the frame's first byte is the inverse of "key" (RFC 6386, section 9.1)."""
        rest = self.content(payload)
        return self.begins(payload) and self.is_key(rest)

    def content(self, payload: bytes) -> bytes:
        """Cut off the descriptor."""
        size = 1
        if payload[0] & 0x80:
            extensions = _at(payload, 1)
            size = 2
            if extensions & 0x80:
                size += 2 if _at(payload, size) & 0x80 else 1
            size += bool(extensions & 0x40) + bool(extensions & 0x30)
        if size >= len(payload):
            raise ValueError("a VP8 packet with nothing behind its descriptor")
        return payload[size:]

    def is_key(self, frame: bytes) -> bool:
        """The first bit of the frame."""
        return frame[0] & 1 == 0


class H264:
    """Packets are NAL units, several of them (STAP-A) or parts of one (FU-A)."""

    name = "h264"

    def begins(self, payload: bytes) -> bool:
        """An access unit delimiter or parameters come before all slices (H.264, section 7.4.1.2.3)."""
        kind = payload[0] & 0x1F
        return (_at(payload, 3) & 0x1F if kind == STAP_A else kind) in (SPS, DELIMITER)

    def can_begin(self, payload: bytes) -> bool:
        """Anything but a later part of a NAL unit."""
        return payload[0] & 0x1F != FU_A or bool(_at(payload, 1) & 0x80)

    def begins_key(self, payload: bytes) -> bool:
        """Senders put the parameter sets before what needs no other picture."""
        kind = payload[0] & 0x1F
        return kind == SPS or (kind == STAP_A and _at(payload, 3) & 0x1F == SPS)

    def content(self, payload: bytes) -> bytes:
        """Return NAL units with start codes, or a part of one."""
        kind = payload[0] & 0x1F
        if kind == STAP_A:
            return _units(payload)
        if kind == FU_A:
            return _part(payload)
        if not 0 < kind < STAP_A:
            raise ValueError(f"H.264 packets of type {kind} were not negotiated")
        return START + payload

    def is_key(self, frame: bytes) -> bool:
        """Whether there is a slice of an IDR picture."""
        at = frame.find(b"\x00\x00\x01")
        while at >= 0 and at + 3 < len(frame):
            if frame[at + 3] & 0x1F == IDR:
                return True
            at = frame.find(b"\x00\x00\x01", at + 3)
        return False


class Opus:
    """A packet is a frame."""

    name = "opus"

    def begins(self, payload: bytes) -> bool:
        """Always."""
        return True

    def can_begin(self, payload: bytes) -> bool:
        """Always."""
        return True

    def begins_key(self, payload: bytes) -> bool:
        """Always."""
        return True

    def content(self, payload: bytes) -> bytes:
        """All of it."""
        return payload

    def is_key(self, frame: bytes) -> bool:
        """Always."""
        return True


FORMATS: dict[str, Format] = {"vp8": Vp8(), "h264": H264(), "opus": Opus()}


def _units(payload: bytes) -> bytes:
    """Return the units of a STAP-A (section 5.7.1)."""
    units, at = [], 1
    while at < len(payload):
        size = int.from_bytes(payload[at : at + 2], "big")
        unit = payload[at + 2 : at + 2 + size]
        if not size or len(unit) < size:
            raise ValueError("a STAP-A that is cut off")
        units.append(START + unit)
        at += 2 + size
    if not units:
        raise ValueError("a STAP-A with nothing in it")
    return b"".join(units)


def _part(payload: bytes) -> bytes:
    """Return the part of an FU-A (section 5.8): the first of them begins a NAL unit."""
    header = _at(payload, 1)
    if len(payload) < 3:
        raise ValueError("an FU-A with nothing in it")
    if header & 0x80:
        return START + bytes([payload[0] & 0xE0 | header & 0x1F]) + payload[2:]
    return payload[2:]


def _at(payload: bytes, index: int) -> int:
    if index >= len(payload):
        raise ValueError("a packet that is cut off")
    return payload[index]
