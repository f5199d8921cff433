"""What decides how a source is read in a process of its own: plain functions, no process."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from peer.capture.channel import Failed, Start
from peer.capture.failures import process_failure
from peer.capture.isolation import isolation_of
from peer.capture.slots import Lane
from peer.capture.source import Camera, File, Isolation, Microphone, Screen, Source, TestPattern
from peer.errors import DeviceBusy, DeviceFailed, UsageError

# -- where a source is read --


@pytest.mark.parametrize(
    ("source", "platform", "isolation"),
    [
        (Screen(":0"), "linux", "process"),
        (Camera("/dev/video0"), "linux", "thread"),
        (Microphone("hw:0,0"), "linux", "thread"),
        (Microphone("plughw:1"), "linux", "thread"),
        (Microphone(), "linux", "process"),
        (Microphone("pulse"), "linux", "process"),
        (Camera("0"), "darwin", "process"),
        (Microphone(), "darwin", "process"),
        (Camera("HD Webcam"), "win32", "thread"),
        (File("a.mp4"), "darwin", "thread"),
        (TestPattern(), "darwin", "thread"),
        (Camera("/dev/video0", isolation="process"), "linux", "process"),
        (Screen(":0", isolation=Isolation.THREAD), "linux", "thread"),
    ],
)
def test_where_the_driver_may_hang_a_source_is_read_in_a_process(source: Source, platform: str, isolation: str) -> None:
    assert isolation_of(source, platform) == isolation


def test_a_program_that_cannot_start_another_python_reads_in_a_thread_unless_told_otherwise() -> None:
    assert isolation_of(Screen(":0"), "linux", can_spawn=False) is Isolation.THREAD
    assert isolation_of(Screen(":0", isolation="process"), "linux", can_spawn=False) is Isolation.PROCESS


def test_isolation_is_a_word_we_know() -> None:
    with pytest.raises(UsageError, match="'thread', 'process' or None"):
        Camera(isolation="container")


def test_isolation_does_not_tell_devices_apart() -> None:
    for source in (Camera("/dev/video0"), Microphone("hw:0"), Screen(":0")):
        assert replace(source, isolation="process").key == replace(source, isolation="thread").key


# -- slots --


def test_a_frame_takes_a_free_slot() -> None:
    lane: Lane[str] = Lane(slots=2, waiting=1)
    assert lane.take() is None
    lane.put("a", 10)
    assert lane.take() == (0, "a")
    lane.put("b", 10)
    assert lane.take() == (1, "b")
    assert lane.take_dropped() == 0


def test_with_a_slow_reader_the_newest_frame_waits_and_older_ones_are_dropped() -> None:
    lane: Lane[str] = Lane(slots=1, waiting=1)
    lane.put("a", 10)
    assert lane.take() == (0, "a")
    for frame in "bcd":
        lane.put(frame, 10)
        assert lane.take() is None
    lane.free(0)
    assert lane.take() == (0, "d")
    assert [lane.take_dropped(), lane.take_dropped()] == [2, 0]


def test_slots_grow_for_a_larger_frame_once_all_are_free() -> None:
    lane: Lane[str] = Lane(slots=2, waiting=1)
    lane.put("small", 10)
    assert lane.take() == (0, "small")
    lane.put("large", 40)
    assert lane.take() is None
    lane.free(0)
    assert lane.take() == (1, "large")
    assert lane.size == 40


def test_slots_do_not_shrink() -> None:
    lane: Lane[str] = Lane(slots=1, waiting=1)
    lane.put("large", 40)
    lane.take()
    lane.free(0)
    lane.put("small", 10)
    assert lane.take() == (0, "small")
    assert lane.size == 40


# -- what is said --


def test_a_source_crosses_with_all_that_it_says(tmp_path: Path) -> None:
    camera = Camera("/dev/video3", width=640, height=480, fps=12.5, isolation=Isolation.PROCESS)
    assert Start.of(camera, 1.0).to_source() == camera
    file = Start.of(File(tmp_path / "a.mp4", loop=True), 1.0).to_source()
    assert isinstance(file, File)
    assert (file.path, file.loop) == (str(tmp_path / "a.mp4"), True)


def test_a_source_of_somebody_elses_making_does_not_cross() -> None:
    with pytest.raises(DeviceFailed, match="isolation='thread'"):
        Start.of(TestPattern(), 1.0)


def test_an_error_crosses_with_its_class_and_its_sentence() -> None:
    error = Failed("DeviceBusy", "The camera is in use.").to_error()
    assert type(error) is DeviceBusy
    assert str(error) == "The camera is in use."
    assert type(Failed("UsageError", "no").to_error()) is DeviceFailed
    assert type(Failed("Nonsense", "no").to_error()) is DeviceFailed


# -- how a process ended --


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (-signal.SIGSEGV, "crashed (SIGSEGV)"),
        (-signal.SIGKILL, "out of memory"),
        (-signal.SIGTERM, "was ended by another program (Terminated)"),
        (1, "ended by itself (status 1)"),
    ],
)
def test_it_is_said_how_a_process_ended(status: int, text: str) -> None:
    assert text in process_failure(Camera("/dev/video0"), status)
