"""Which container holds what, and what a file that cannot hold it is told."""

from pathlib import PurePath

import pytest

from peer.errors import UsageError
from peer.recording.coded import coder_of, picture_dimensions
from peer.recording.containers import container_of, make, refusal
from peer.recording.ebml import size, void
from peer.recording.matroska import Matroska
from peer.recording.mp4 import Mp4
from tests.peer.recording.frames import pictures


@pytest.mark.parametrize(("name", "container"), [("a.webm", "webm"), ("b.c.MP4", "mp4"), ("{user}.mkv", "mkv")])
def test_the_suffix_says_the_container(name: str, container: str) -> None:
    assert container_of(PurePath("folder", name)) == container


@pytest.mark.parametrize("name", ["room", "room.avi", ".mkv"])
def test_a_path_that_says_none_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(UsageError, match=r"let its name end with \.webm, \.mp4, \.mkv"):
        container_of(PurePath(name))


def test_what_a_container_cannot_hold_is_told_with_those_that_can() -> None:
    assert refusal("mp4", "vp8", "ana") == "ana sends VP8, which .mp4 cannot hold: record to .webm or .mkv"
    assert refusal("webm", "h264", "ana") == "ana sends H.264, which .webm cannot hold: record to .mp4 or .mkv"
    assert refusal("mkv", "av1", "ana") == "ana sends av1, which .mkv cannot hold: no container here can"
    assert refusal("mkv", "opus", "ana") is None


def test_each_container_has_its_writer() -> None:
    assert isinstance(make("mp4", 0.0), Mp4)
    assert isinstance(make("mkv", 0.0), Matroska)
    assert b"webm" in make("webm", 0.0).head([], 0.0)
    assert b"matroska" in make("mkv", 0.0).head([], 0.0)


def test_a_key_frame_says_its_size_and_another_does_not() -> None:
    for codec in ("vp8", "h264"):
        key, other = pictures(codec, size=(96, 64))[:2]
        assert picture_dimensions(codec, key.payload) == (96, 64)
        assert picture_dimensions(codec, other.payload) is None
        assert coder_of(codec, other.payload, "ana") is None
    assert coder_of("vp8", pictures("vp8")[0].payload[:6] + bytes(4), "ana") is None


@pytest.mark.parametrize("length", [2, 3, 127, 128, 129, 130, 5000])
def test_room_that_is_left_is_as_long_as_it_was_to_be(length: int) -> None:
    assert len(void(length)) == length


def test_a_size_takes_as_few_bytes_as_will_do() -> None:
    assert [size(length).hex() for length in (0, 126, 127, 16_382, 16_383)] == ["80", "fe", "407f", "7ffe", "203fff"]
