"""What a source delivers encoded: whether it can be sent as it is, and what it is to be completed with."""

import pytest

from peer.capture.coded import Coding, Pictures, opus_samples, picture_coding, sound_coding

SPS, PPS = b"\0\0\0\1\x67\x42\xc0\x1f", b"\0\0\0\1\x68\xce"
IDR, SLICE, SEI = b"\0\0\0\1\x65\x88\x84", b"\0\0\0\1\x41\x9a\x22", b"\0\0\0\1\x06\x05"
FIT = {"profile": "High", "pixels": "yuv420p", "reorders": False, "size": (640, 360), "bitrate": 900_000}


def test_h264_as_calls_have_it_is_sent_as_it_is() -> None:
    for profile in ("Constrained Baseline", "Baseline", "Main", "High"):
        assert picture_coding("h264", **(FIT | {"profile": profile})) == Coding("H264", 640, 360, 900_000)


@pytest.mark.parametrize(
    "flaw", [{"reorders": True}, {"profile": "High 10"}, {"profile": None}, {"pixels": "yuv422p"}, {"pixels": None}]
)
def test_h264_that_calls_do_not_know_is_encoded_anew(flaw: dict[str, object]) -> None:
    assert picture_coding("h264", **(FIT | flaw)) is None


def test_vp8_is_sent_as_it_is_and_other_codecs_are_not() -> None:
    assert picture_coding("vp8", **(FIT | {"profile": None})) == Coding("VP8", 640, 360, 900_000)
    assert picture_coding("hevc", **FIT) is None


def test_opus_of_one_or_two_channels_is_sent_as_it_is() -> None:
    assert sound_coding("opus", channels=2, bitrate=None) == Coding("OPUS")
    assert sound_coding("opus", channels=6, bitrate=None) is None
    assert sound_coding("aac", channels=2, bitrate=None) is None


def test_a_key_frame_gets_the_parameters_that_came_last() -> None:
    pictures = Pictures("H264", SPS + PPS)
    assert pictures.complete(SEI + IDR) == SPS + PPS + SEI + IDR
    assert pictures.complete(SLICE) == SLICE
    other = SPS[:-1] + b"\x28"
    assert pictures.complete(other + PPS + IDR) == other + PPS + IDR
    assert pictures.complete(IDR) == other + PPS + IDR


def test_key_frames_of_both_codecs_are_recognised() -> None:
    h264, vp8 = Pictures("H264"), Pictures("VP8")
    assert h264.is_key(SPS + PPS + IDR)
    assert not h264.is_key(SLICE)
    assert vp8.is_key(b"\x10\0\0")
    assert not vp8.is_key(b"\x11\0\0")
    assert vp8.complete(b"\x10\0\0") == b"\x10\0\0"


def test_a_vp8_frame_that_is_not_shown_is_no_picture() -> None:
    assert Pictures("VP8").is_shown(b"\x11\0\0")
    assert not Pictures("VP8").is_shown(b"\x01\0\0")
    assert Pictures("H264").is_shown(SLICE)


@pytest.mark.parametrize(
    ("packet", "milliseconds"),
    [
        (b"\xfc\xff", 20),  # CELT, 20 ms, one frame
        (b"\xe0\0", 2.5),
        (b"\xfd\0\0", 40),  # two of equal size
        (b"\xfe\1\0\0", 40),  # two of different size
        (b"\xff\x03\0\0\0", 60),  # a number of them
        (b"\x08\0", 20),  # SILK
        (b"\x18\0", 60),
        (b"\x60\0", 10),  # both
        (b"\x78\0", 20),
    ],
)
def test_the_length_of_an_opus_packet_is_read_off_its_first_bytes(packet: bytes, milliseconds: float) -> None:
    assert opus_samples(packet) == milliseconds * 48


def test_what_is_no_opus_packet_has_no_length() -> None:
    assert opus_samples(b"") == 0
    assert opus_samples(b"\xff") == 0
