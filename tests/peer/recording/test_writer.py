"""The thread that writes: in time, onto real disks and onto disks that fail, and never in anybody's way."""

import errno
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from queue import Queue

import pytest

from peer.events import RecordingEnded, RecordingFailed, RecordingStarted
from peer.recording.backlog import Backlog, Entry
from peer.recording.disk import DiskFile, OutputFile, create, words
from peer.recording.reel import Patch
from peer.recording.writer import Happening, Writer
from tests.peer.recording.frames import in_order, later, pictures, read, sounds

LIMIT = 30.0  # seconds
MANY = 10_000_000  # bytes


class Told:
    """What a writer says, to be waited for."""

    def __init__(self) -> None:
        self.queue: Queue[Happening | None] = Queue()

    def next(self) -> Happening | None:
        return self.queue.get(timeout=LIMIT)

    def rest(self) -> list[Happening]:
        return list(iter(self.next, None))


class StuckFile:
    """A file on a disk that answers when it is let."""

    def __init__(self, path: Path, is_let: threading.Event) -> None:
        self.path, self.is_let, self.is_asked = path, is_let, threading.Event()

    def write(self, patches: Iterable[Patch]) -> None:
        self.is_asked.set()
        assert self.is_let.wait(LIMIT)

    def close(self) -> None:
        pass


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def begin(told: Told, tmp_path: Path) -> Iterator[Callable[..., Writer]]:
    writers: list[Writer] = []

    def make(path: str = "room.mkv", most: int = MANY, open_file: Callable[[Path], OutputFile] = create) -> Writer:
        container = path.rpartition(".")[2]

        def path_of(file: str) -> Path:
            return tmp_path / path.replace("{user}", file)

        writer = Writer(path_of, container, most=most, tell=told.queue.put, open_file=open_file)
        writer.start()
        writers.append(writer)
        return writer

    yield make
    for writer in writers:
        writer.close()


def put(writer: Writer, file: str = "", **users: list) -> None:
    for user, frame in in_order(**users):
        assert writer.put(Entry(file, user, frame))


def test_a_file_begins_with_the_first_frames_and_is_complete_at_the_end(
    begin: Callable[..., Writer], told: Told, tmp_path: Path
) -> None:
    frames = pictures("vp8") + sounds()  # before the writer's second begins, which is to have them all
    writer = begin()
    put(writer, ana=frames)
    assert told.next() == RecordingStarted(path=str(tmp_path / "room.mkv"))
    assert [(track.kind, track.frames) for track in writer.tracks] in ([], [("video", 50), ("audio", 100)])
    put(writer, ana=later(sounds(), 2.0))
    writer.close()
    (ended,) = told.rest()
    assert isinstance(ended, RecordingEnded)
    assert (ended.path, ended.seconds) == (str(tmp_path / "room.mkv"), pytest.approx(4.0, abs=0.01))
    assert ended.size == (tmp_path / "room.mkv").stat().st_size
    assert [len(track.times) for track in read(tmp_path / "room.mkv").tracks] == [50, 200]
    assert not writer.put(Entry("", "ana", sounds()[0]))


def test_a_file_that_is_there_is_left_alone_and_another_codec_begins_another(
    begin: Callable[..., Writer], told: Told, tmp_path: Path
) -> None:
    (tmp_path / "room.mkv").write_text("precious")
    writer = begin()
    put(writer, ana=pictures("vp8"), bo=sounds())
    put(writer, ana=later(pictures("h264"), 2.0), bo=later(sounds(), 2.0))
    writer.close()
    kinds = [(type(happening), Path(happening.path).name) for happening in told.rest()]
    assert kinds == [
        (RecordingStarted, "room-2.mkv"),
        (RecordingEnded, "room-2.mkv"),
        (RecordingStarted, "room-3.mkv"),
        (RecordingEnded, "room-3.mkv"),
    ]
    assert read(tmp_path / "room-2.mkv").names == ["ana vp8", "bo opus"]
    assert sorted(read(tmp_path / "room-3.mkv").names) == ["ana h264", "bo opus"]
    assert (tmp_path / "room.mkv").read_text() == "precious"


def test_each_user_may_have_a_file(begin: Callable[..., Writer], told: Told, tmp_path: Path) -> None:
    writer = begin("{user}.webm")
    put(writer, "ana", ana=pictures("vp8"))
    put(writer, "bo", bo=sounds())
    writer.close()
    assert len(told.rest()) == 4
    assert read(tmp_path / "ana.webm").names == ["ana vp8"]
    assert read(tmp_path / "bo.webm").names == ["bo opus"]


def test_nobody_waits_for_a_disk_that_does_not_answer(begin: Callable[..., Writer], told: Told, tmp_path: Path) -> None:
    is_let = threading.Event()
    stuck = StuckFile(tmp_path / "room.mkv", is_let)
    writer = begin(most=20_000, open_file=lambda _: stuck)
    entry = Entry("", "ana", sounds()[0])
    assert writer.put(entry)
    assert stuck.is_asked.wait(LIMIT)
    assert 20 < [writer.put(entry) for _ in range(100)].index(False) < 100
    writer.give_up()
    is_let.set()
    assert isinstance(told.next(), RecordingStarted)
    assert told.queue.empty()


def test_a_disk_that_fails_ends_the_recording_with_a_word(
    begin: Callable[..., Writer], told: Told, tmp_path: Path
) -> None:
    begin("missing/room.mkv").put(Entry("", "ana", sounds()[0]))
    assert told.rest() == [RecordingFailed(path=str(tmp_path / "missing/room.mkv"), text="its folder is gone")]


def test_a_file_that_somebody_removes_ends_the_recording(
    begin: Callable[..., Writer], told: Told, tmp_path: Path
) -> None:
    writer = begin()
    put(writer, ana=sounds())
    told.next()
    (tmp_path / "room.mkv").unlink()
    (failed,) = told.rest()
    assert failed == RecordingFailed(path=str(tmp_path / "room.mkv"), text="the file was removed")


def test_what_does_not_fit_leaves_no_trace(tmp_path: Path) -> None:
    class Narrow(DiskFile):
        def _write(self, patch: Patch) -> None:
            super()._write(Patch(patch.offset, patch.content[:5]))
            if len(patch.content) > 5:
                raise OSError(errno.ENOSPC, "No space left on device")

    file = Narrow(tmp_path / "room.mkv")
    file.write([Patch(0, b"1234"), Patch(4, b"5")])
    with pytest.raises(OSError, match="No space") as raised:
        file.write([Patch(5, b"67"), Patch(7, b"890123456")])
    assert words(raised.value) == "the disk is full"
    file.close()
    file.close()
    assert file.path.read_bytes() == b"12345"


def test_a_defect_of_ours_is_a_failure_and_no_silence(begin: Callable[..., Writer], told: Told) -> None:
    def broken(_: Path) -> OutputFile:
        raise ZeroDivisionError

    begin(open_file=broken).put(Entry("", "ana", sounds()[0]))
    (failed,) = told.rest()
    assert isinstance(failed, RecordingFailed)
    assert failed.text == "zerodivisionerror()"


def test_a_backlog_gives_all_it_has_and_says_when_it_is_over() -> None:
    backlog = Backlog(MANY)
    entry = Entry("", "ana", sounds()[0])
    assert backlog.put(entry)
    assert backlog.put(entry)
    assert backlog.take(LIMIT) == ([entry, entry], False)
    assert backlog.take(0.0) == ([], False)
    backlog.close()
    assert not backlog.put(entry)
    assert backlog.take(LIMIT) == ([], True)
