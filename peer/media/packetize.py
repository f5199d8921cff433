"""Cuts one encoded picture into the payloads of RTP packets: H.264 by RFC 6184 (mode 1), VP8 by RFC 7741. Pure.

A picture is cut once, however many viewers it goes to. One `sendmsg` with UDP segmentation offload carries a run of
packets of one size, of which the last may be shorter. Hence the pieces of what does not fit into one packet: the fewest
that fit, all of one size, the last never longer.
"""

from collections.abc import Iterable, Iterator, Sequence

LARGEST_RUN = 65_000  # bytes that one call may send: an IP packet's 65,535 less what headers may take
_START_CODE = b"\x00\x00\x01"
_SLICE, _IDR_SLICE = 1, 5  # types of NAL units
_DELIMITER, _FILLER = 9, 12
_PARAMETER_SETS = frozenset({7, 8, 13, 15})  # of sequences, with their extension and subset; of pictures
_STAP_A, _FU_A = 24, 28
_NOT_SENT = frozenset({0, _DELIMITER, _FILLER, *range(24, 32)})  # in packets, the unspecified numbers mean packets
_FORBIDDEN, _IMPORTANCE, _TYPE = 0x80, 0x60, 0x1F  # the fields F, NRI and Type of a NAL unit's first byte
_FIRST, _LAST = 0x80, 0x40  # the bits S and E of a fragment's second byte
_VP8_FIRST, _VP8_OTHER = 0x90, 0x80  # X, and S: here the partition begins; N and PID are 0
_VP8_DESCRIPTOR = 4  # bytes


def h264_payloads(bitstream: bytes, limit: int) -> list[bytes]:
    """Cut one picture in Annex B format into payloads of at most `limit` bytes (at least 3).

    Neighbours that fit into one packet share it. Access unit delimiters and filler stay behind, and so do NAL units of
    types that H.264 leaves open: no decoder needs them, and receivers would take them for aggregates and fragments.
    """
    payloads: list[bytes] = []
    row: list[bytes] = []  # NAL units that wait for their neighbours
    room = 0
    for unit in _nal_units(bitstream):
        if row and len(unit) + 2 > room:
            payloads.append(_together(row))
            row = []
        if len(unit) > limit:
            payloads += _fragments(unit, limit)
            continue
        room = (room if row else limit - 1) - len(unit) - 2
        row.append(unit)
    if row:
        payloads.append(_together(row))
    return payloads


def vp8_payloads(frame: bytes, picture_id: int, limit: int) -> list[bytes]:
    """Cut one VP8 picture into payloads of at most `limit` bytes (at least 5). Of `picture_id`, 15 bits are sent."""
    if not frame:
        return []
    identity = bytes((0x80, 0x80 | picture_id >> 8 & 0x7F, picture_id & 0xFF))  # I; M and the long PictureID
    head = bytes((_VP8_OTHER,)) + identity
    size = _piece(len(frame), limit - _VP8_DESCRIPTOR)
    payloads = [head + frame[at : at + size] for at in range(0, len(frame), size)]
    payloads[0] = bytes((_VP8_FIRST,)) + identity + frame[:size]
    return payloads


def is_h264_key(bitstream: bytes) -> bool:
    """Return whether decoding can begin with this picture: its first slice, and so every slice, is an IDR slice."""
    at = bitstream.find(_START_CODE)
    while 0 <= at < len(bitstream) - len(_START_CODE):
        kind = bitstream[at + 3] & _TYPE
        if _SLICE <= kind <= _IDR_SLICE:
            return kind == _IDR_SLICE
        at = bitstream.find(_START_CODE, at + 3)
    return False


def parameter_sets(bitstream: bytes) -> bytes:
    """Return what a decoder has to know before the first picture: SPS and PPS alone, in Annex B format."""
    sets = [unit for unit in _nal_units(bitstream) if unit[0] & _TYPE in _PARAMETER_SETS]
    return b"".join(b"\x00" + _START_CODE + unit for unit in sets)


def is_vp8_key(frame: bytes) -> bool:
    """Return whether decoding can begin with this picture."""
    return bool(frame) and not frame[0] & 1


def runs(sizes: Sequence[int], most: int) -> list[tuple[int, int]]:
    """Group packets, given their sizes in bytes, into runs [begin, end) that one call with segmentation offload sends.

    All packets of a run are as long as its first, except that the last may be shorter. A run has at most `most` packets
    (the kernel takes 64) and 65,000 bytes.
    """
    found = []
    begin = 0
    while begin < len(sizes):
        end = _end_of_run(sizes, begin, most)
        found.append((begin, end))
        begin = end
    return found


def _end_of_run(sizes: Sequence[int], begin: int, most: int) -> int:
    size = sizes[begin]
    last = min(len(sizes), begin + most, begin + LARGEST_RUN // max(size, 1))
    end = begin + 1
    while end < last and sizes[end] == size:
        end += 1
    return end + (end < last and sizes[end] < size)


def _nal_units(bitstream: bytes) -> Iterator[bytes]:
    """Give the NAL units that are sent. None of them ends with a zero: those belong to the start code that follows."""
    at = bitstream.find(_START_CODE)
    while at >= 0:
        begin = at + 3
        at = bitstream.find(_START_CODE, begin)
        unit = (bitstream[begin:at] if at >= 0 else bitstream[begin:]).rstrip(b"\x00")
        if unit and unit[0] & _TYPE not in _NOT_SENT:
            yield unit


def _together(units: Sequence[bytes]) -> bytes:
    """Make one payload of NAL units: a single one as it is, several as STAP-A."""
    if len(units) == 1:
        return units[0]
    forbidden = max(unit[0] & _FORBIDDEN for unit in units)
    importance = max(unit[0] & _IMPORTANCE for unit in units)
    return bytes((forbidden | importance | _STAP_A,)) + b"".join(_with_lengths(units))


def _with_lengths(units: Iterable[bytes]) -> Iterator[bytes]:
    for unit in units:
        yield len(unit).to_bytes(2, "big")
        yield unit


def _fragments(unit: bytes, limit: int) -> list[bytes]:
    """Cut a NAL unit that is longer than `limit` into FU-A payloads: at least two, none with both S and E."""
    indicator, kind = unit[0] & ~_TYPE | _FU_A, unit[0] & _TYPE
    size = _piece(len(unit) - 1, limit - 2)
    head = bytes((indicator, kind))
    last = 1 + (len(unit) - 2) // size * size
    return [
        bytes((indicator, kind | _FIRST)) + unit[1 : 1 + size],
        *(head + unit[at : at + size] for at in range(1 + size, last, size)),
        bytes((indicator, kind | _LAST)) + unit[last:],
    ]


def _piece(length: int, limit: int) -> int:
    """Return how long the pieces of `length` bytes are, so that the fewest that fit `limit` are of one size."""
    pieces = -(-length // limit)
    return -(-length // pieces)
