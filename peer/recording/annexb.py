"""H.264 as it goes over the wire, made into what files hold (ISO/IEC 14496-15, RFC 6184). Pure."""

from collections.abc import Iterator, Sequence

_START_CODE = b"\x00\x00\x01"
_TYPE = 0x1F
SPS, PPS, DELIMITER, FILLER = 7, 8, 9, 12
_EXTENDED = frozenset({100, 110, 122, 144, 244, 44, 83, 86, 118, 128, 138})  # profiles with more fields in the SPS
_PLAIN = frozenset({66, 77, 88})  # profiles without more fields in the configuration record
_SHORTEST = 5  # bytes of an SPS: what it is, profile, constraints, level, and something more
_LARGEST = 16_384  # pixels of a side
_LARGEST_LIST = 64  # coefficients of a scaling list of 8x8


def units(bitstream: bytes) -> list[bytes]:
    """Return the NAL units of a picture in Annex B format, without delimiters and filler."""
    found = []
    at = bitstream.find(_START_CODE)
    while at >= 0:
        begin = at + len(_START_CODE)
        at = bitstream.find(_START_CODE, begin)
        unit = (bitstream[begin:at] if at >= 0 else bitstream[begin:]).rstrip(b"\x00")
        if unit and unit[0] & _TYPE not in (DELIMITER, FILLER):
            found.append(unit)
    return found


def with_lengths(nal_units: Sequence[bytes]) -> bytes:
    """Return NAL units with the length of each, 4 bytes, in front."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in nal_units)


def is_parameter_set(unit: bytes) -> bool:
    """Return whether a NAL unit is an SPS or a PPS."""
    return unit[0] & _TYPE in (SPS, PPS)


def configuration(nal_units: Sequence[bytes]) -> bytes | None:
    """Return the AVCDecoderConfigurationRecord for what these units hold; None if SPS or PPS are missing or broken."""
    sequences = [unit for unit in nal_units if unit[0] & _TYPE == SPS]
    pictures = [unit for unit in nal_units if unit[0] & _TYPE == PPS]
    if not pictures or (sps := _parameters(sequences)) is None:
        return None
    first = sequences[0]
    record = bytes((1, first[1], first[2], first[3], 0xFC | 3, 0xE0 | len(sequences)))
    record += b"".join(len(unit).to_bytes(2, "big") + unit for unit in sequences)
    record += bytes((len(pictures),)) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in pictures)
    if first[1] not in _PLAIN:
        chroma, luma_depth, chroma_depth = sps.samples
        record += bytes((0xFC | chroma, 0xF8 | luma_depth - 8, 0xF8 | chroma_depth - 8, 0))
    return record


def picture_size(nal_units: Sequence[bytes]) -> tuple[int, int] | None:
    """Return (width, height) in pixels as an SPS among the units says; None if there is none that can be read."""
    sps = _parameters([unit for unit in nal_units if unit[0] & _TYPE == SPS])
    return None if sps is None else sps.size


def _parameters(sequences: "Sequence[bytes]") -> "_Sps | None":
    """Return what the first of these sequence parameter sets says, if it can be."""
    try:
        sps = _Sps(sequences[0]) if sequences else None
    except EOFError:
        return None
    return sps if sps is not None and sps.is_possible else None


class _Sps:
    """A sequence parameter set, as far as files need it (ITU-T H.264, section 7.3.2.1.1)."""

    def __init__(self, unit: bytes) -> None:
        self.samples = (1, 8, 8)  # chroma format (1: 4:2:0), bits of luma, bits of chroma
        if len(unit) < _SHORTEST:
            raise EOFError("the parameter set is cut off")
        bits = _Bits(unit[4:].replace(b"\x00\x00\x03", b"\x00\x00"))
        bits.exp_golomb()  # its number
        is_separate = unit[1] in _EXTENDED and self._read_samples(bits)
        bits.exp_golomb()  # log2_max_frame_num_minus4
        self._skip_order(bits)
        bits.exp_golomb()  # max_num_ref_frames
        bits.take(1)
        columns, rows = bits.exp_golomb() + 1, bits.exp_golomb() + 1
        fields = 2 - bits.take(1)  # 1: whole frames only
        if fields == 2:
            bits.take(1)
        bits.take(1)
        left, right, top, bottom = [bits.exp_golomb() for _ in range(4)] if bits.take(1) else [0] * 4
        chroma = 0 if is_separate else self.samples[0]
        across = 2 if chroma in (1, 2) else 1
        down = (2 if chroma == 1 else 1) * fields
        self.size = (columns * 16 - across * (left + right), rows * 16 * fields - down * (top + bottom))

    @property
    def is_possible(self) -> bool:
        """Whether files can say what it says."""
        chroma, *depths = self.samples
        return all(0 < side <= _LARGEST for side in self.size) and chroma <= 3 and all(depth <= 14 for depth in depths)

    def _read_samples(self, bits: "_Bits") -> bool:
        """Read the fields of the high profiles. Says whether the colours are coded as three planes of their own."""
        chroma = bits.exp_golomb()
        is_separate = chroma == 3 and bits.take(1) == 1
        self.samples = (chroma, bits.exp_golomb() + 8, bits.exp_golomb() + 8)
        bits.take(1)
        if bits.take(1):
            for number in range(12 if chroma == 3 else 8):
                if bits.take(1):
                    _skip_scaling_list(bits, 16 if number < 6 else _LARGEST_LIST)
        return is_separate

    @staticmethod
    def _skip_order(bits: "_Bits") -> None:
        """Pass over how the order of pictures is told."""
        order = bits.exp_golomb()
        if order == 0:
            bits.exp_golomb()
        elif order == 1:
            bits.take(1)
            bits.exp_golomb()
            bits.exp_golomb()
            for _ in range(bits.exp_golomb()):
                bits.exp_golomb()


def _skip_scaling_list(bits: "_Bits", count: int) -> None:
    last = following = 8
    for _ in range(count):
        if following:
            following = (last + bits.signed_exp_golomb()) % 256
        last = following or last


class _Bits:
    """Reads bits from the most significant on. Raises `EOFError` beyond the end."""

    def __init__(self, content: bytes) -> None:
        self._bits: Iterator[int] = (byte >> shift & 1 for byte in content for shift in range(7, -1, -1))

    def take(self, count: int) -> int:
        """Return a number of so many bits."""
        value = 0
        for _ in range(count):
            bit = next(self._bits, None)
            if bit is None:
                raise EOFError("the parameter set is cut off")
            value = value << 1 | bit
        return value

    def exp_golomb(self) -> int:
        """Return a number of as many bits as its leading zeros say (section 9.1)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed_exp_golomb(self) -> int:
        """Return a number that may be negative (section 9.1.1)."""
        value = self.exp_golomb()
        return (value + 1) // 2 if value % 2 else -(value // 2)
