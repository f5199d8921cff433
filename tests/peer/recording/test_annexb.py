"""H.264 for files: what the parameter sets say, whoever wrote them."""

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from peer.recording.annexb import configuration, is_parameter_set, picture_size, units, with_lengths

# profile, pixels, options: each takes another way through the sequence parameter set
STREAMS = [
    ("baseline", "yuv420p", {}),
    ("main", "yuv420p", {"x264-params": "interlaced=1"}),
    ("high", "yuv420p", {"x264-params": "cqm=jvt:bframes=2"}),
    ("high422", "yuv422p", {}),
    ("high444", "yuv444p", {"x264-params": "cqm=jvt"}),
    ("high10", "yuv420p10le", {}),
]


def stream(size: tuple[int, int], profile: str, pixels: str, options: dict[str, str]) -> tuple[bytes, bytes]:
    """Return the first picture of a stream, and the record that libavformat writes for it."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height = size
    context.pix_fmt, context.time_base = pixels, Fraction(1, 25)
    context.options = {"profile": profile, "preset": "medium", "tune": "zerolatency", **options}
    picture = av.VideoFrame.from_ndarray(np.zeros((size[1], size[0], 3), np.uint8), format="rgb24").reformat(
        format=pixels
    )
    picture.pts = 0
    packets = [*context.encode(picture), *context.encode(None)]
    return bytes(packets[0]), bytes(context.extradata or b"")


@pytest.mark.parametrize(("profile", "pixels", "options"), STREAMS)
@pytest.mark.parametrize("size", [(1280, 720), (322, 184)])
def test_the_size_and_the_record_are_right_for_every_profile(
    size: tuple[int, int], profile: str, pixels: str, options: dict[str, str]
) -> None:
    found = units(stream(size, profile, pixels, options)[0])
    assert picture_size(found) == size
    record = configuration(found)
    assert record is not None
    decoder = av.CodecContext.create("h264", "r")
    decoder.extradata = record
    pictures = [unit for unit in found if not is_parameter_set(unit)]
    frames = [*decoder.decode(av.Packet(with_lengths(pictures))), *decoder.decode(None)]
    assert [(frame.width, frame.height, frame.format.name) for frame in frames] == [(*size, pixels)]
    if profile.startswith("high"):
        depth = 10 if profile == "high10" else 8
        chroma = {"yuv422p": 2, "yuv444p": 3}.get(pixels, 1)
        assert record[-4:] == bytes((0xFC | chroma, 0xF8 | depth - 8, 0xF8 | depth - 8, 0))


def test_without_parameter_sets_there_is_no_record_and_no_size() -> None:
    picture = [b"\x65\x01\x02\x03\x04\x05"]
    assert configuration(picture) is None
    assert picture_size(picture) is None
    sequence = [b"\x67\x42\xe0\x1f"]
    assert configuration(sequence) is None
    assert picture_size([b"\x67\x42\xe0\x1f\x00"]) is None
    assert picture_size([b"\x67\x42\xe0\x1f\x00", b"\x68\x01"]) is None


def test_delimiters_and_filler_stay_behind() -> None:
    assert units(b"\x00\x00\x00\x01\x09\xf0\x00\x00\x01\x0c\xff\x00\x00\x01\x65\xaa\x00") == [b"\x65\xaa"]
    assert units(b"") == units(b"\x00\x00\x01") == []
    assert with_lengths([b"ab", b"c"]) == b"\0\0\0\2ab\0\0\0\1c"


REST = "1" + "0" + "010" + "1" + "1" + "0" + "0" + "1"  # no reference frames, 2 x 1 macroblocks, not cropped
FIRST_ORDER = "010" + "1" + "1" + "1" + "011" + "1" + "1"  # a cycle of two
HIGH = "010" + "1" + "1" + "0"  # 4:2:0, 8 bits of each


@pytest.mark.parametrize(
    ("profile", "fields"),
    [
        (66, "1" + FIRST_ORDER),
        (66, "1" + "011"),
        (100, HIGH + "0" + "1" + "011"),
        (100, HIGH + "1" + "1" + "000010001" + "0000000" + "1" + "011"),  # the first list repeats a default at once
        (244, "00100" + "1" + "1" + "1" + "0" + "0" + "1" + "011"),  # 4:4:4 as three planes
    ],
)
def test_every_way_through_a_sequence_parameter_set_ends_at_its_size(profile: int, fields: str) -> None:
    """An encoder writes only some of them: these are sets by hand, of 32 x 16 pixels."""
    bits = "1" + fields + REST
    content = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    assert picture_size([bytes((0x67, profile, 0xE0, 0x1F)) + content]) == (32, 16)


@settings(deadline=None)  # a busy machine takes its time
@given(st.binary(max_size=60))
@example(b"")
def test_nonsense_is_no_size_and_harms_nothing(content: bytes) -> None:
    size = picture_size([b"\x67\x64\x00\x1f" + content])
    assert size is None or len(size) == 2
    configuration([b"\x67\x64\x00\x1f" + content, b"\x68\x01"])
