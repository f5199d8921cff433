import pytest
from hypothesis import given, settings, strategies as st

from peer.media.inbound.depacketizing import FORMATS, Format
from peer.media.packetize import h264_payloads, vp8_payloads
from tests.peer.media.inbound.material import START, h264_frame, vp8_frame

VP8, H264, OPUS = FORMATS["vp8"], FORMATS["h264"], FORMATS["opus"]


def together(form: Format, payloads: list[bytes]) -> bytes:
    return b"".join(form.content(payload) for payload in payloads)


@settings(deadline=None)
@given(st.integers(1, 2000), st.integers(5, 300), st.integers(0, 40_000), st.booleans())
def test_vp8_that_was_cut_is_as_before(size: int, limit: int, picture_id: int, is_key: bool) -> None:
    frame = vp8_frame(7, is_key=is_key, size=size)
    payloads = vp8_payloads(frame, picture_id, limit)
    assert together(VP8, payloads) == frame
    assert [VP8.begins(payload) and VP8.can_begin(payload) for payload in payloads] == [
        index == 0 for index in range(len(payloads))
    ]
    assert VP8.begins_key(payloads[0]) == VP8.is_key(frame) == is_key


@settings(deadline=None)
@given(st.integers(1, 2000), st.integers(20, 300), st.booleans())
def test_h264_that_was_cut_is_as_before(size: int, limit: int, is_key: bool) -> None:
    frame = h264_frame(7, is_key=is_key, size=size)
    payloads = h264_payloads(frame, limit)
    assert together(H264, payloads) == frame
    assert H264.begins(payloads[0]) == H264.begins_key(payloads[0]) == H264.is_key(frame) == is_key
    assert H264.can_begin(payloads[0])
    assert not any(H264.begins(payload) for payload in payloads[1:])


@pytest.mark.parametrize(
    ("descriptor", "length"),
    [
        (b"\x10", 1),
        (b"\x90\x00", 2),
        (b"\x90\x80\x11", 3),
        (b"\x90\x80\x91\x22", 4),
        (b"\x90\xc0\x91\x22\x33", 5),
        (b"\x90\xe0\x91\x22\x33\x44", 6),
        (b"\x90\x20\x44", 3),
    ],
)
def test_every_length_of_a_vp8_descriptor(descriptor: bytes, length: int) -> None:
    assert len(descriptor) == length
    assert VP8.content(descriptor + b"\x10frame") == b"\x10frame"
    with pytest.raises(ValueError, match=r"VP8|cut off"):
        VP8.content(descriptor)


def test_a_vp8_descriptor_that_is_cut_off_is_malformed() -> None:
    for payload in (b"\x90", b"\x90\x80"):
        with pytest.raises(ValueError, match="cut off"):
            VP8.content(payload)
    assert not VP8.begins(b"\x11\x00")  # another partition than the first


def test_h264_that_no_sender_may_send_is_malformed() -> None:
    for payload, message in (
        (b"\x78", "nothing in it"),
        (b"\x78\x00\x00", "cut off"),
        (b"\x78\x00\x05\x67", "cut off"),
        (b"\x7c", "cut off"),
        (b"\x7c\x85", "nothing in it"),
        (b"\x79\x00\x00", "type 25"),
        (b"\x60\x00", "type 0"),
    ):
        with pytest.raises(ValueError, match=message):
            H264.content(payload)


def test_what_an_h264_frame_begins_with() -> None:
    assert H264.begins(b"\x09\xf0")  # access unit delimiter
    assert not H264.begins_key(b"\x09\xf0")
    assert H264.begins_key(b"\x78\x00\x04\x67\x42\xe0\x1f")
    assert H264.can_begin(b"\x7c\x85\x00")
    assert not H264.can_begin(b"\x7c\x05\x00")
    assert not H264.is_key(START + b"\x41\x00" + START[1:])


def test_a_packet_of_sound_is_a_frame() -> None:
    assert OPUS.content(b"opus") == b"opus"
    assert OPUS.begins(b"opus")
    assert OPUS.can_begin(b"opus")
    assert OPUS.begins_key(b"opus")
    assert OPUS.is_key(b"opus")


@settings(deadline=None)
@given(st.sampled_from(sorted(FORMATS)), st.binary(min_size=1, max_size=40))
def test_whatever_comes_is_content_or_malformed(codec: str, payload: bytes) -> None:
    form = FORMATS[codec]
    try:
        content = form.content(payload)
    except ValueError:
        return
    assert content
    form.is_key(content)
    form.begins_key(payload)
