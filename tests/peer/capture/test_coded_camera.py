"""A camera that encodes, against FFmpeg's real V4L2 code."""

import json
from pathlib import Path

import av
import pytest

from peer import Camera, UsageError
from peer.capture.ladder import camera_attempts
from tests.devices.v4l2 import FakeCamera, child
from tests.e2e.movie import FPS, make_movie

CHILD = Path(__file__).with_name("coded_child.py")


def access_units(folder: Path, *, gop: int = FPS, seconds: float = 4.0) -> Path:
    """Write what a camera gives: each access unit of an H.264 film after its length."""
    film = make_movie(folder / "film.ts", seconds=seconds, video="libx264", gop=gop, options={"profile": "baseline"})
    units = folder / "units"
    with av.open(str(film)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    units.write_bytes(b"".join(len(packet).to_bytes(4, "big") + packet for packet in packets))
    return units


def test_a_camera_is_asked_for_h264_only_if_the_user_says_so() -> None:
    asked = [attempt.options.get("input_format") for attempt in camera_attempts(Camera("/dev/video0"), "linux")]
    assert asked == ["mjpeg", "yuyv422", None, None]
    camera = Camera("/dev/video0", coding="h264")
    assert [attempt.options.get("input_format") for attempt in camera_attempts(camera, "linux")] == ["h264", *asked]


def test_a_coding_that_cameras_are_not_asked_for_is_refused() -> None:
    with pytest.raises(UsageError, match="coding is 'h264' or None"):
        Camera(coding="av1")


async def test_a_camera_gives_what_it_encoded_and_pictures_only_for_those_who_want_them(tmp_path: Path) -> None:
    camera = FakeCamera(tmp_path, size="320x180", h264=access_units(tmp_path))
    async with child(CHILD, camera.environment, str(camera.path), json.dumps({"coding": "h264"})) as lines:
        opened = await lines.next("opened")
        assert opened["form"] == "320x180 at 30 fps, h264 (asked for 1280x720)"
        assert opened["coded"] == "H264"
        passed = await lines.next("passed")
        assert passed["taken"] == 0
        assert passed["rises"] is True
        assert passed["keys"] >= 2
        assert passed["parameters"] is True
        shown = await lines.next("shown")
        assert shown["late"] < FPS / 2  # long before the next key frame
        assert shown["pictures"] == 5
        rested = await lines.next("rested")
        assert rested["more"] == 0
        released = await lines.next("released")
        assert released["outcome"] == "verified"
        assert await lines.ended() == 0


async def test_a_camera_that_does_not_encode_gives_what_it_gives_without(tmp_path: Path) -> None:
    camera = FakeCamera(tmp_path)
    async with child(CHILD, camera.environment, str(camera.path), json.dumps({"coding": "h264"})) as lines:
        opened = await lines.next("opened")
        assert opened["form"] == "640x480 at 30 fps, yuyv422 (asked for 1280x720)"
        assert opened["coded"] is None
        assert (await lines.next("released"))["outcome"] == "verified"
        assert await lines.ended() == 0
