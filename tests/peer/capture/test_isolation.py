"""Devices that are read by a process of their own: what crosses, what does not hang, and that nothing is left."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from peer.capture import File, Kind, Screen, acquire
from peer.capture.handles import Holder, holders, open_handles
from peer.cli.arguments import SourceOptions
from peer.cli.publish import sources
from peer.errors import DeviceFailed
from tests.devices import xvfb
from tests.devices.pulse import microphone
from tests.devices.v4l2 import FakeCamera, child
from tests.peer.capture.collecting import Collector, assert_forms, assert_released, stamps
from tests.peer.capture.test_camera import AT_ONCE, CHILD, Conversation

LIMIT = 20.0  # seconds


@asynccontextmanager
async def camera_child(camera: FakeCamera, **options: object) -> AsyncIterator[Conversation]:
    arguments = ("camera", str(camera.path), json.dumps({"isolation": "process", **options}))
    async with child(CHILD, camera.environment, *arguments) as lines:
        yield Conversation(lines)


@pytest.fixture
def camera(tmp_path: Path) -> FakeCamera:
    return FakeCamera(tmp_path)


@pytest.fixture(autouse=True)
def no_memory_is_left() -> Iterator[None]:
    shared = set(Path("/dev/shm").iterdir())
    yield
    assert [handle for handle in open_handles() or () if "memfd:exeunt" in handle.target] == []
    assert {path for path in Path("/dev/shm").iterdir() if "exeunt" in path.name} <= shared


def assert_nothing_is_left(state: dict) -> None:
    assert (state["handles"], state["threads"], state["processes"], state["memory"]) == ([], [], [], [])


def assert_free(state: dict) -> None:
    assert (state["outcome"], state["text"]) == ("verified", None)
    assert_nothing_is_left(state)


@asynccontextmanager
async def outlived(pid: int) -> AsyncIterator[None]:
    """Have a process ended by the block, and wait for that: its number may mean nothing once it has ended."""
    watch = os.pidfd_open(pid)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(watch, ended.set)
    try:
        yield
        async with asyncio.timeout(LIMIT):
            await ended.wait()
    finally:
        asyncio.get_running_loop().remove_reader(watch)
        os.close(watch)


async def until(is_true: Callable[[], bool]) -> None:
    """Return when something of another process is true, which no event tells."""
    async with asyncio.timeout(LIMIT):
        while not is_true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def ignores_sigterm(pid: int) -> bool:
    """Whether a process is held by a frozen camera."""
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(status.split("SigIgn:")[1].split()[0], 16) >> signal.SIGTERM - 1 & 1)


async def freeze(camera: FakeCamera, talk: Conversation) -> int:
    """Open a camera whose driver then does not return; return the process that it holds."""
    opened = await talk.ask("acquire", "opened")
    held = next(iter(opened["processes"]), talk.lines.running.pid)
    camera.command("freeze 0")
    await until(lambda: ignores_sigterm(held))
    return held


def switches(pid: int) -> int:
    """Return how often a process has waited for something: it rises as long as it is not held up."""
    texts = []
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        with suppress(OSError):  # this thread has ended since they were listed
            texts.append(status.read_text())
    return sum(int(text.split("voluntary_ctxt_switches:")[1].split()[0]) for text in texts)


# -- what crosses --


async def test_pictures_are_as_those_of_a_thread_and_the_device_is_held_by_the_process_alone(
    camera: FakeCamera,
) -> None:
    async with camera_child(camera) as talk:
        for _ in range(2):
            opened = await talk.ask("acquire", "opened")
            assert opened["form"] == "640x480 at 30 fps, yuyv422 (asked for 1280x720)"
            (reader,) = opened["processes"]
            assert opened["handles"] == []
            assert [holder.pid for holder in holders(str(camera.path))] == [reader]
            pictures = await talk.ask("pictures 10", "pictures")
            assert pictures["forms"] == ["yuv420p 640x480 0 1/90000"]
            assert len(set(pictures["codes"])) == 10
            assert pictures["codes"] == sorted(pictures["codes"])
            assert pictures["age"] < 1000
            assert pictures["stamps"] == sorted(set(pictures["stamps"]))
            assert_free(await talk.ask("release 5", "released"))
        await talk.bring_to_an_end()


async def test_the_process_is_asked_for_by_ctrl_c_in_vain(camera: FakeCamera) -> None:
    async with camera_child(camera) as talk:
        (reader,) = (await talk.ask("acquire", "opened"))["processes"]
        assert os.getsid(reader) == reader
        os.kill(reader, signal.SIGINT)
        assert (await talk.ask("pictures 5", "pictures"))["age"] < 1000
        assert_free(await talk.ask("release 5", "released"))


@pytest.mark.parametrize(
    ("command", "error", "text"),
    [
        ("unplug", "DeviceNotFound", "There is no camera"),
        ("deny", "DeviceDenied", "group 'video'"),
    ],
)
async def test_errors_cross_with_their_sentences(camera: FakeCamera, command: str, error: str, text: str) -> None:
    camera.command(command)
    async with camera_child(camera) as talk:
        failed = await talk.ask("acquire", "failed")
        assert failed["error"] == error
        assert text in failed["text"]
        assert_nothing_is_left(failed)


async def test_busy_names_the_process_that_reads_the_camera(camera: FakeCamera) -> None:
    async with camera_child(camera) as first, camera_child(camera) as second:
        (reader,) = (await first.ask("acquire", "opened"))["processes"]
        failed = await second.ask("acquire", "failed")
        assert failed["error"] == "DeviceBusy"
        assert f"process {reader} (" in failed["text"]
        assert_nothing_is_left(failed)
        assert_free(await first.ask("release 5", "released"))
        await second.ask("acquire", "opened")
        assert_free(await second.ask("release 5", "released"))


async def test_an_unplugged_camera_ends_with_the_same_sentence_as_in_a_thread(camera: FakeCamera) -> None:
    async with camera_child(camera) as talk:
        await talk.ask("acquire", "opened")
        camera.command("unplug")
        ended = await talk.lines.next("ended")
        assert ended["text"] == f"The camera {camera.path} is gone (No such device): was it unplugged?"
        assert_free(await talk.ask("release 5", "released"))
        camera.command("")
        await talk.ask("acquire", "opened")
        assert_free(await talk.ask("release 5", "released"))


async def test_two_users_share_one_process_and_the_last_one_ends_it(camera: FakeCamera) -> None:
    async with camera_child(camera) as talk:
        first = await talk.ask("acquire", "opened")
        second = await talk.ask("acquire", "opened")
        assert first["processes"] == second["processes"]
        given_back = await talk.ask("release", "released")
        assert (given_back["outcome"], given_back["text"]) == ("closed", "given back, still used by 1 more")
        assert given_back["processes"] == first["processes"]
        assert (await talk.ask("pictures 3", "pictures"))["age"] < 1000
        assert_free(await talk.ask("release 5", "released"))


async def test_a_parent_that_does_not_run_holds_up_nobody_and_gets_the_newest_picture(camera: FakeCamera) -> None:
    async with camera_child(camera) as talk:
        (reader,) = (await talk.ask("acquire", "opened"))["processes"]
        await talk.ask("pictures 3", "pictures")
        parent = talk.lines.running
        parent.send_signal(signal.SIGSTOP)
        before = switches(reader)
        await until(lambda: switches(reader) >= before + 60)
        goes_on, ages, is_new = int(time.time() * 1000), [], False
        parent.send_signal(signal.SIGCONT)
        while not is_new:
            pictures = await talk.ask("pictures 1", "pictures")
            ages.append(pictures["age"])
            is_new = (pictures["codes"][0] - goes_on) % 2**32 < 2**31
        assert sum(age >= 1000 for age in ages) <= 2  # what was under way
        assert_free(await talk.ask("release 5", "released"))


# -- what does not hang --


async def test_a_stalled_camera_is_let_go_at_once(camera: FakeCamera) -> None:
    async with camera_child(camera) as talk:
        await talk.ask("acquire", "opened")
        await talk.ask("pictures 3", "pictures")
        camera.command("stall 0")
        released = await talk.ask("release 5", "released")
        assert_free(released)
        assert released["took"] < AT_ONCE
        print(f"stalled camera released in {released['took'] * 1000:.1f} ms")


async def test_a_driver_that_does_not_return_and_ignores_sigterm_is_let_go_within_the_limit(
    camera: FakeCamera,
) -> None:
    async with camera_child(camera) as talk:
        await freeze(camera, talk)
        released = await talk.ask("release 5", "released")
        assert_free(released)
        assert released["took"] < AT_ONCE
        print(f"frozen camera released in {released['took'] * 1000:.1f} ms")
        assert holders(str(camera.path)) == []
        camera.command("")
        async with camera_child(camera) as other:
            await other.ask("acquire", "opened")
            assert_free(await other.ask("release 5", "released"))


async def test_the_same_driver_in_a_thread_keeps_its_device(camera: FakeCamera) -> None:
    async with camera_child(camera, isolation="thread") as talk:
        await freeze(camera, talk)
        released = await talk.ask("release 0.5", "released")
        assert released["outcome"] == "stuck"
        assert "as soon as the driver returns" in released["text"]
        camera.command("")
        assert_free(await talk.ask("release_again", "released"))
        await talk.bring_to_an_end()


async def test_a_process_that_has_not_ended_yet_is_named_and_looked_at_again(camera: FakeCamera) -> None:
    async with camera_child(camera) as talk:
        reader = await freeze(camera, talk)
        stuck = await talk.ask("release 0.02", "released")
        assert stuck["outcome"] == "stuck"
        assert stuck["text"].startswith(f"process {reader}, which reads it, ")
        assert_free(await talk.ask("release_again", "released"))


async def test_an_open_that_hangs_is_given_up_and_the_camera_opens_again(camera: FakeCamera) -> None:
    camera.command("hang")
    async with camera_child(camera) as talk:
        failed = await talk.ask("acquire 0.5", "failed")
        assert "gave nothing within 0.5 s" in failed["text"]
        assert_nothing_is_left(failed)
        camera.command("")
        await talk.ask("acquire", "opened")
        assert_free(await talk.ask("release 5", "released"))


async def test_cancelled_while_the_process_starts_holds_nothing(camera: FakeCamera) -> None:
    camera.command("stall 0")
    async with camera_child(camera) as talk:
        await talk.ask("begin", "begun")
        cancelled = await talk.ask("cancel", "cancelled")
        assert cancelled["is_cancelled"] is True
        assert_nothing_is_left(cancelled)


async def test_with_the_loop_blocked_a_thread_lets_everything_go(camera: FakeCamera) -> None:
    async with camera_child(camera) as talk:
        await freeze(camera, talk)
        released = await talk.ask("release_all_while_the_loop_is_blocked", "released_all")
        assert released["outcomes"] == [[f"camera {camera.path}", "verified"]]
        assert released["took"] < 2.0
        assert holders(str(camera.path)) == []


# -- what dies --


async def test_a_process_that_is_killed_ends_the_source_and_the_camera_opens_again(camera: FakeCamera) -> None:
    async with camera_child(camera) as talk:
        for number, text in ((signal.SIGKILL, "out of memory"), (signal.SIGSEGV, "crashed (SIGSEGV)")):
            (reader,) = (await talk.ask("acquire", "opened"))["processes"]
            os.kill(reader, number)
            assert text in str((await talk.lines.next("ended"))["text"])
            assert_free(await talk.ask("release 5", "released"))
        await talk.ask("acquire", "opened")
        assert_free(await talk.ask("release 5", "released"))


async def test_a_process_that_is_killed_before_the_first_picture_is_a_failure_to_open(camera: FakeCamera) -> None:
    camera.command("stall 0")
    async with camera_child(camera) as talk:
        await talk.ask("begin", "begun")
        found: list[Holder] = []  # of one look: it may try the camera's formats one after the other
        await until(lambda: bool(found.extend(holders(str(camera.path))) or found))
        os.kill(found[0].pid, signal.SIGKILL)
        failed = await talk.lines.next("failed")
        assert failed["error"] == "DeviceFailed"
        assert "was killed (SIGKILL)" in str(failed["text"])
        assert_nothing_is_left(dict(failed))


@pytest.mark.parametrize("state", ["", "stall 0", "freeze 0"])
async def test_the_process_dies_with_its_parent_whatever_the_driver_does(camera: FakeCamera, state: str) -> None:
    async with camera_child(camera) as talk, camera_child(camera) as other:
        (reader,) = (await talk.ask("acquire", "opened"))["processes"]
        await talk.ask("pictures 3", "pictures")
        camera.command(state)
        await until(lambda: ignores_sigterm(reader) is state.startswith("freeze"))
        async with outlived(reader):
            talk.lines.running.kill()
        camera.command("")
        await other.ask("acquire", "opened")
        assert_free(await other.ask("release 5", "released"))


# -- other devices --


def test_the_command_line_says_where_devices_are_read() -> None:
    named = SourceOptions(camera="/dev/video0", microphone="default", screen=":0", file="a.mp4", isolation="process")
    assert {source.isolation for source in sources(named)} == {"process"}


async def test_a_file_whose_pictures_grow_is_played_from_its_first_subscriber_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "growing.mjpeg"
    # of each size for a second: if the machine is busy, some are dropped
    path.write_bytes(b"".join(jpeg(width, width // 2) * 25 for width in (64, 640, 320)))
    capture = await acquire(File(path, isolation="process"))
    collector = Collector(capture, at_once=True)
    assert await collector.ended() is None
    sizes = [(frame.width, frame.height) for frame in collector.frames[Kind.VIDEO] if isinstance(frame, av.VideoFrame)]
    assert list(dict.fromkeys(sizes)) == [(64, 32), (640, 320), (320, 160)]
    assert_forms(collector.frames)
    await assert_released(capture)


def jpeg(width: int, height: int) -> bytes:
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, "yuvj420p", Fraction(1, 25)
    grey = av.VideoFrame.from_ndarray(np.full((height, width, 3), 90, np.uint8), "rgb24")
    return b"".join(bytes(packet) for packet in encoder.encode(grey.reformat(format="yuvj420p")))


async def test_a_microphone_is_heard_and_let_go() -> None:
    arguments = ("microphone", "default", json.dumps({"isolation": "process"}))
    async with microphone(tone=440) as sound, child(CHILD, sound.environment, *arguments) as lines:
        talk = Conversation(lines)
        assert (await talk.ask("acquire", "opened"))["form"] == "48000 Hz stereo, pcm_s16le"
        assert await sound.listeners() == 1
        heard = await talk.ask("sound 60", "sound")
        assert abs(float(str(heard["peak"])) - 440) < 3
        assert heard["forms"] == ["s16 stereo 960 48000 1/48000"]
        assert_free(await talk.ask("release 5", "released"))
        assert await sound.listeners() == 0


async def test_a_screen_gets_a_process_by_itself_and_an_x_server_that_hangs_holds_up_nobody() -> None:
    async with xvfb.server(320, 180) as (name, server):
        capture = await acquire(Screen(name))
        collector = Collector(capture)
        pictures = await collector.until(Kind.VIDEO, 5)
        assert stamps(pictures) == sorted(set(stamps(pictures)))
        assert_forms(collector.frames)
        server.send_signal(signal.SIGSTOP)
        try:
            await assert_released(capture)
        finally:
            server.send_signal(signal.SIGCONT)


async def test_without_room_for_a_process_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(DeviceFailed, match="No process can be started to read screen :987"):
        await acquire(Screen(":987"))


async def test_what_cannot_start_a_process_says_so_when_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "")
    with pytest.raises(DeviceFailed, match="isolation='thread'"):
        await acquire(Screen(":987", isolation="process"))
