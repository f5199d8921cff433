"""The camera against FFmpeg's real V4L2 code and a driver that is a preloaded library."""

import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import av
import numpy as np
import pytest

from tests.devices.v4l2 import FakeCamera, Lines, child

CHILD = Path(__file__).with_name("child.py")
AT_ONCE = 3.0  # seconds, on a machine that is busy; alone it takes some milliseconds


class Conversation:
    def __init__(self, lines: Lines) -> None:
        self.lines = lines

    async def ask(self, command: str, event: str) -> dict:
        await self.lines.say(command)
        return await self.lines.next(event)

    async def bring_to_an_end(self) -> None:
        assert await self.lines.ended() == 0, "the process crashed"


@asynccontextmanager
async def camera_child(camera: FakeCamera, **options: object) -> AsyncIterator[Conversation]:
    async with child(CHILD, camera.environment, "camera", str(camera.path), json.dumps(options)) as lines:
        yield Conversation(lines)


@pytest.fixture
def camera(tmp_path: Path) -> FakeCamera:
    return FakeCamera(tmp_path)


def assert_free(state: dict) -> None:
    assert state["outcome"] == "verified"
    assert state["handles"] == []
    assert state["threads"] == []


async def test_pictures_are_fresh_stamped_and_in_our_form_and_the_camera_opens_again(camera: FakeCamera) -> None:
    async with camera_child(camera) as talk:
        for _ in range(2):
            opened = await talk.ask("acquire", "opened")
            assert opened["form"] == "640x480 at 30 fps, yuyv422 (asked for 1280x720)"
            assert opened["handles"] == [str(camera.path)]
            pictures = await talk.ask("pictures 10", "pictures")
            assert pictures["forms"] == ["yuv420p 640x480 0 1/90000"]
            assert pictures["codes"] == sorted(pictures["codes"])
            assert len(set(pictures["codes"])) == 10
            assert pictures["age"] < 1000
            assert pictures["stamps"] == sorted(set(pictures["stamps"]))
            assert_free(await talk.ask("release", "released"))
        await talk.bring_to_an_end()


async def test_a_size_the_camera_knows_is_as_asked(camera: FakeCamera) -> None:
    async with camera_child(camera, width=320, height=240) as talk:
        assert (await talk.ask("acquire", "opened"))["form"] == "320x240 at 30 fps, yuyv422 (as asked)"
        assert_free(await talk.ask("release", "released"))


async def test_a_frame_outlives_the_camera(camera: FakeCamera) -> None:
    async with camera_child(camera) as talk:
        await talk.ask("acquire", "opened")
        await talk.ask("keep", "kept")
        assert_free(await talk.ask("release", "released"))
        looked = await talk.ask("look", "looked")
        assert None not in looked["codes"]
        await talk.bring_to_an_end()


async def test_a_frame_that_is_not_copied_ends_the_process(camera: FakeCamera, tmp_path: Path) -> None:
    """Not of our code, but why it copies, and that this camera would show it if it did not."""
    script = tmp_path / "careless.py"
    script.write_text(
        "import av, sys\ncontainer = av.open(sys.argv[1], format='v4l2')\nframe = next(container.decode(video=0))\n"
        "container.close()\nprint(bytes(frame.planes[0])[0])\n"
    )
    async with child(script, camera.environment, str(camera.path)) as lines:
        assert await lines.ended() == -signal.SIGSEGV


async def test_a_compressed_camera_is_preferred_and_let_go_with_its_packets(tmp_path: Path) -> None:
    jpeg = tmp_path / "picture.jpg"
    write_jpeg(jpeg, 640, 480)
    camera = FakeCamera(tmp_path, jpeg=jpeg)
    async with camera_child(camera, width=640, height=480) as talk:
        assert (await talk.ask("acquire", "opened"))["form"] == "640x480 at 30 fps, mjpeg (as asked)"
        pictures = await talk.ask("pictures 5", "pictures")
        assert pictures["forms"] == ["yuv420p 640x480 0 1/90000"]
        assert_free(await talk.ask("release", "released"))
        await talk.ask("acquire", "opened")
        assert_free(await talk.ask("release", "released"))
        await talk.bring_to_an_end()


def write_jpeg(path: Path, width: int, height: int) -> None:
    with av.open(str(path), "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        picture = av.VideoFrame.from_ndarray(np.full((height, width, 3), 90, np.uint8), "rgb24")
        container.mux(stream.encode(picture.reformat(format="yuvj420p")))
        container.mux(stream.encode(None))


async def test_a_stalled_camera_is_let_go_at_once(camera: FakeCamera) -> None:
    async with camera_child(camera) as talk:
        await talk.ask("acquire", "opened")
        await talk.ask("pictures 3", "pictures")
        camera.command("stall 0")
        released = await talk.ask("release 5", "released")
        assert_free(released)
        assert released["took"] < AT_ONCE
        print(f"stalled camera released in {released['took'] * 1000:.1f} ms")
        camera.command("")
        await talk.ask("acquire", "opened")
        assert_free(await talk.ask("release", "released"))


async def test_a_camera_that_gives_nothing_fails_within_the_limit_and_is_let_go(camera: FakeCamera) -> None:
    camera.command("stall 0")
    async with camera_child(camera) as talk:
        failed = await talk.ask("acquire 0.5", "failed")
        assert failed["error"] == "DeviceFailed"
        assert "gave nothing within 0.5 s" in failed["text"]
        assert failed["took"] < 2.0
        assert (failed["handles"], failed["threads"]) == ([], [])
        camera.command("")
        await talk.ask("acquire", "opened")
        assert_free(await talk.ask("release", "released"))


async def test_an_unplugged_camera_ends_with_a_sentence_and_opens_when_it_is_back(camera: FakeCamera) -> None:
    async with camera_child(camera) as talk:
        await talk.ask("acquire", "opened")
        camera.command("unplug")
        ended = await talk.lines.next("ended")
        assert ended["text"] == f"The camera {camera.path} is gone (No such device): was it unplugged?"
        assert_free(await talk.ask("release", "released"))
        assert (await talk.ask("acquire", "failed"))["error"] == "DeviceNotFound"
        camera.command("")
        await talk.ask("acquire", "opened")
        assert_free(await talk.ask("release", "released"))
        await talk.bring_to_an_end()


async def test_a_camera_that_breaks_ends_with_a_sentence(camera: FakeCamera) -> None:
    async with camera_child(camera) as talk:
        await talk.ask("acquire", "opened")
        camera.command("error")
        assert "failed while it ran (Input/output error)" in str((await talk.lines.next("ended"))["text"])
        assert_free(await talk.ask("release", "released"))


async def test_busy_says_who_holds_the_camera(camera: FakeCamera) -> None:
    async with camera_child(camera) as first, camera_child(camera) as second:
        await first.ask("acquire", "opened")
        failed = await second.ask("acquire", "failed")
        assert failed["error"] == "DeviceBusy"
        assert f"process {first.lines.running.pid} (" in failed["text"]
        assert (failed["handles"], failed["threads"]) == ([], [])
        assert_free(await first.ask("release", "released"))
        await second.ask("acquire", "opened")
        assert_free(await second.ask("release", "released"))


async def test_without_permission_the_group_is_named(camera: FakeCamera) -> None:
    camera.command("deny")
    async with camera_child(camera) as talk:
        failed = await talk.ask("acquire", "failed")
        assert failed["error"] == "DeviceDenied"
        assert "group 'video'" in failed["text"]


async def test_a_camera_that_is_not_there_is_not_found(camera: FakeCamera) -> None:
    camera.path.unlink()
    async with camera_child(camera) as talk:
        failed = await talk.ask("acquire", "failed")
        assert failed["error"] == "DeviceNotFound"
        assert "enumerate_devices()" in failed["text"]


async def test_cancelled_while_opening_holds_nothing(camera: FakeCamera) -> None:
    camera.command("stall 0")
    async with camera_child(camera) as talk:
        await talk.ask("begin", "begun")
        while not (await talk.ask("look_around", "state"))["handles"]:
            pass
        cancelled = await talk.ask("cancel", "cancelled")
        assert cancelled["is_cancelled"] is True
        assert (cancelled["handles"], cancelled["threads"]) == ([], [])
        camera.command("")
        await talk.ask("acquire", "opened")
        assert_free(await talk.ask("release", "released"))


async def test_a_driver_that_hangs_costs_its_thread_until_it_returns(camera: FakeCamera) -> None:
    camera.command("hang")
    async with camera_child(camera) as talk:
        failed = await talk.ask("acquire 0.2", "failed")
        assert failed["error"] == "DeviceFailed"
        assert len(failed["threads"]) == 1
        camera.command("")
        await talk.ask("acquire", "opened")  # waits until the first thread has let go of the camera
        assert_free(await talk.ask("release", "released"))


async def test_two_users_share_one_camera_and_the_last_one_closes_it(camera: FakeCamera) -> None:
    async with camera_child(camera) as talk:
        await talk.ask("acquire", "opened")
        second = await talk.ask("acquire", "opened")
        assert second["handles"] == [str(camera.path)]
        given_back = await talk.ask("release", "released")
        assert (given_back["outcome"], given_back["text"]) == ("closed", "given back, still used by 1 more")
        assert given_back["handles"] == [str(camera.path)]
        assert (await talk.ask("pictures 3", "pictures"))["age"] < 1000
        assert_free(await talk.ask("release", "released"))
