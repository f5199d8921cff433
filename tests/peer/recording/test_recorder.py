"""A recorder on the loop: who is recorded, what is refused, and that no disk holds up anything."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

import pytest

from peer.errors import UsageError
from peer.events import RecordingEnded, RecordingFailed, RecordingStarted
from peer.media.encoded import EncodedFrame
from peer.recording.recorder import FINISH_LIMIT, Recorder, file_name
from peer.recording.recordings import Happening, Recordings
from peer.recording.reel import Patch
from tests.peer.recording.frames import BEGIN, in_order, later, pictures, read, sounds

LIMIT = 30.0  # seconds


class Media:
    """One kind of a user's media: frames are handed to whoever taps it."""

    def __init__(self) -> None:
        self.sinks: list[Callable[[EncodedFrame], None]] = []
        self.requests = 0

    def tap(self, sink: Callable[[EncodedFrame], None]) -> Callable[[], None]:
        self.sinks.append(sink)
        return lambda: self.sinks.remove(sink)

    def request_key_frame(self) -> None:
        self.requests += 1


class User:
    def __init__(self, name: str) -> None:
        self.name, self.video, self.audio = name, Media(), Media()

    def send(self, *frames: EncodedFrame) -> None:
        for frame in frames:
            for sink in tuple((self.video if frame.kind == "video" else self.audio).sinks):
                sink(frame)

    @property
    def is_recorded(self) -> bool:
        return bool(self.video.sinks or self.audio.sinks)


class Me:
    """As much of a peer as a recorder sees."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.told: list[Happening] = []
        self.has_told = asyncio.Event()
        self.recordings = Recordings(self.tell)

    def tell(self, happening: Happening) -> None:
        self.told.append(happening)
        self.has_told.set()

    def join(self, name: str) -> User:
        user = self.users[name] = User(name)
        self.recordings.joined(user)
        return user

    def leave(self, name: str) -> None:
        self.recordings.left(name)
        del self.users[name]

    async def until(self, kind: type) -> Happening:
        async with asyncio.timeout(LIMIT):
            while not isinstance(self.told[-1] if self.told else None, kind):
                self.has_told.clear()
                await self.has_told.wait()
        return self.told[-1]


@pytest.fixture
async def me() -> AsyncIterator[Me]:
    me = Me()
    yield me
    await me.recordings.close()


@pytest.fixture(autouse=True)
def patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take its time for the end of a file, but where the disk is `stuck`."""
    if "stuck" not in request.fixturenames:
        monkeypatch.setattr("peer.recording.recorder.FINISH_LIMIT", LIMIT)


def send(me: Me, **users: list[EncodedFrame]) -> None:
    for name, frame in in_order(**users):
        me.users[name].send(frame)


async def test_everybody_is_recorded_from_when_they_come_until_they_leave(me: Me, tmp_path: Path) -> None:
    ana = me.join("ana")
    async with Recorder(me, tmp_path / "room.mkv") as recorder:
        assert list(me.recordings) == [recorder]
        send(me, ana=pictures("vp8") + sounds())
        bo = me.join("bo")
        send(me, bo=later(sounds(), 1.0))
        me.leave("ana")
        assert not ana.is_recorded
        assert recorder.is_recording
    assert not recorder.is_recording
    assert not bo.is_recorded
    assert list(me.recordings) == []
    assert [type(happening) for happening in me.told] == [RecordingStarted, RecordingEnded]
    assert recorder.files == [tmp_path / "room.mkv"]
    assert sorted(read(tmp_path / "room.mkv").names) == ["ana opus", "ana vp8", "bo opus"]
    assert sum(track.frames for track in recorder.tracks) == 250
    await recorder.close()


async def test_only_those_named_are_recorded_and_two_recorders_are_two_files(me: Me, tmp_path: Path) -> None:
    me.join("ana")
    bo = me.join("bo")
    async with (
        Recorder(me, tmp_path / "bo.webm", users=["bo"]),
        Recorder(me, str(tmp_path / "{user}.mkv")) as each,
    ):
        assert (len(me.users["ana"].audio.sinks), len(bo.audio.sinks)) == (1, 2)
        send(me, ana=sounds(), bo=sounds())
    assert read(tmp_path / "bo.webm").names == ["bo opus"]
    assert each.files == [tmp_path / "ana.mkv", tmp_path / "bo-2.mkv"] or sorted(each.files) == [
        tmp_path / "ana.mkv",
        tmp_path / "bo.mkv",
    ]


async def test_a_key_frame_is_asked_for_until_it_is_there_and_again_for_another_file(me: Me, tmp_path: Path) -> None:
    ana, bo = me.join("ana"), me.join("bo")
    async with Recorder(me, tmp_path / "room.mkv"):
        assert ana.video.requests == 1
        ana.send(*pictures("vp8")[1:4])
        assert ana.video.requests == 4
        send(me, ana=pictures("vp8"), bo=pictures("vp8"))
        assert (ana.video.requests, bo.video.requests) == (4, 1)
        await me.until(RecordingStarted)
        ana.send(*later(pictures("h264"), 2.0))
        me.told.clear()
        await me.until(RecordingStarted)
        assert bo.video.requests == 2


async def test_what_the_container_cannot_hold_is_told_once_and_the_rest_is_recorded(me: Me, tmp_path: Path) -> None:
    me.join("ana")
    async with Recorder(me, tmp_path / "room.mp4") as recorder:
        send(me, ana=pictures("vp8") + sounds())
    text = "ana sends VP8, which .mp4 cannot hold: record to .webm or .mkv"
    assert recorder.failures == [RecordingFailed(path=str(tmp_path / "room.mp4"), text=text, user="ana")]
    assert me.told[0] == recorder.failures[0]
    assert read(tmp_path / "room.mp4").names == ["ana opus"]


async def test_a_composite_takes_whatever_is_sent(me: Me, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"leave \{user\} out of its path"):
        Recorder(me, tmp_path / "{user}.mp4", composite=True)
    me.join("ana")
    me.join("bo")
    async with Recorder(me, tmp_path / "room.mp4", composite=True) as recorder:
        since = time.monotonic() - BEGIN  # or all the time that this machine has been up is composed
        ana, bo = later(pictures("vp8")[:25] + sounds()[:50], since), later(pictures("h264")[:25], since)
        send(me, ana=ana, bo=bo)
    assert recorder.failures == []
    file = read(tmp_path / "room.mp4")
    assert file.names == ["everybody h264", "everybody opus"]
    assert file.tracks[0].size == (1280, 720)


async def test_what_cannot_be_is_refused_in_a_sentence(me: Me, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="says no container"):
        Recorder(me, tmp_path / "room.avi")
    with pytest.raises(UsageError, match="make it first"):
        await Recorder(me, tmp_path / "missing" / "room.mkv").start()
    async with Recorder(me, tmp_path / "room.mkv") as recorder:
        with pytest.raises(UsageError, match="records once"):
            await recorder.start()
    await me.recordings.close()
    with pytest.raises(UsageError, match="we are leaving"):
        await Recorder(me, tmp_path / "room.mkv").start()
    assert list(tmp_path.iterdir()) == []


class StuckFile:
    """A file on a disk that does not answer until it is let."""

    is_let: threading.Event

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, patches: Iterable[Patch]) -> None:
        assert self.is_let.wait(LIMIT)

    def close(self) -> None:
        pass


class StuckRecorder(Recorder):
    _open_file = StuckFile


@pytest.fixture
async def stuck() -> AsyncIterator[None]:
    StuckFile.is_let = threading.Event()
    yield
    StuckFile.is_let.set()


async def test_a_disk_that_hangs_holds_up_the_exit_for_no_longer_than_it_may(
    me: Me, tmp_path: Path, stuck: None
) -> None:
    me.join("ana")
    recorder = StuckRecorder(me, tmp_path / "room.mkv")
    await recorder.start()
    send(me, ana=sounds())
    await me.until(RecordingStarted)
    began = asyncio.get_running_loop().time()
    await me.recordings.close()
    assert FINISH_LIMIT <= asyncio.get_running_loop().time() - began < FINISH_LIMIT + 1.0
    (failed,) = recorder.failures
    assert failed.text == f"not all was written within {FINISH_LIMIT:g} s: the end is missing"
    assert me.told[-1] == failed


async def test_a_disk_that_is_too_slow_ends_the_recording_at_once(me: Me, tmp_path: Path, stuck: None) -> None:
    ana = me.join("ana")
    async with StuckRecorder(me, tmp_path / "room.mkv", max_backlog=20_000) as recorder:
        send(me, ana=sounds()[:10])
        await me.until(RecordingStarted)
        send(me, ana=sounds()[10:])
        assert not recorder.is_recording
        assert not ana.is_recorded
    assert [failed.text for failed in recorder.failures] == [
        "the disk is too slow: more than it can take waits to be written"
    ]


@pytest.mark.parametrize(
    ("text", "name"), [("ana", "ana"), ("../../etc/x", "_.._etc_x"), ("a b/c", "a_b_c"), ("..", "_"), ("Zoë", "Zoë")]
)
def test_whatever_somebody_is_called_makes_a_name_for_a_file(text: str, name: str) -> None:
    assert file_name(text) == name
