"""One file in the making: what goes into it, and that players find it there, whenever it breaks off."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from peer.media.encoded import EncodedFrame
from peer.recording.annexb import is_parameter_set, units
from peer.recording.containers import make
from peer.recording.reel import Patch, Reel, difference
from tests.peer.recording.frames import in_order, later, pictures, read, sounds

KINDS = [("webm", "vp8"), ("mkv", "vp8"), ("mkv", "h264"), ("mp4", "h264")]
EVERY = 40  # frames from one flush to the next


class Paper:
    """What would be a file; `whole` holds what could be read after each flush."""

    def __init__(self, container: str, folder: Path) -> None:
        self.reel = Reel(make(container, began=1_800_000_000.0))
        self.content = bytearray()
        self.path = folder / f"room.{container}"

    def write(self, patches: list[Patch]) -> None:
        for patch in patches:
            assert patch.offset <= len(self.content)
            self.content[patch.offset : patch.offset + len(patch.content)] = patch.content

    def take(self, **users: list[EncodedFrame]) -> None:
        for number, (user, frame) in enumerate(in_order(**users), 1):
            assert self.reel.take(user, frame)
            if number % EVERY == 0:
                self.write(self.reel.flush())

    def finish(self) -> None:
        self.write(self.reel.finish())
        assert len(self.content) == self.reel.length

    def read(self):
        self.path.write_bytes(self.content)
        return read(self.path)


@pytest.mark.parametrize(("container", "codec"), KINDS)
def test_everybody_is_in_one_file_at_their_time_also_who_came_late(container: str, codec: str, tmp_path: Path) -> None:
    paper = Paper(container, tmp_path)
    ana = pictures(codec) + sounds()
    bo = later(pictures(codec, size=(96, 64), gop=10) + sounds(), 0.7)
    paper.take(ana=ana, bo=bo)
    paper.finish()
    file = paper.read()
    assert file.names == [f"ana {codec}", "ana opus", f"bo {codec}", "bo opus"]
    assert [track.size for track in file.tracks] == [(64, 48), (0, 0), (96, 64), (0, 0)]
    assert [len(track.times) for track in file.tracks] == [50, 100, 50, 100]
    assert file.seconds == pytest.approx(2.7, abs=0.002)
    for track, begin in zip(file.tracks, (0.0, 0.0, 0.7, 0.7), strict=True):
        assert track.times[0] == pytest.approx(begin, abs=0.002)
        assert all(early < late for early, late in pairwise(track.times))
    assert file.tracks[0].times == pytest.approx([number / 25 for number in range(50)], abs=0.002)
    assert file.tracks[2].keys == pytest.approx([0.7, 1.1, 1.5, 1.9, 2.3], abs=0.002)
    lengths = [(track.user, track.kind, track.seconds, track.frames) for track in paper.reel.tracks()]
    assert lengths[1] == ("ana", "audio", 2.0, 100)
    assert lengths[2] == ("bo", "video", pytest.approx(2.0, abs=0.02), 50)


@pytest.mark.parametrize(("container", "codec"), KINDS)
def test_what_breaks_off_is_a_file_up_to_the_last_flush(container: str, codec: str, tmp_path: Path) -> None:
    paper = Paper(container, tmp_path)
    paper.take(ana=pictures(codec), bo=later(sounds(), 0.5))
    whole = bytes(paper.content)
    file = paper.read()
    assert file.names == [f"ana {codec}", "bo opus"]
    assert file.seconds == pytest.approx(max(track.times[-1] for track in file.tracks) + 0.03, abs=0.05)
    assert len(file.tracks[0].times) + len(file.tracks[1].times) >= 150 // EVERY * EVERY - 2
    for torn in (1, 100):  # the last write did not come to its end
        paper.content = bytearray(whole[:-torn])
        paper.path.write_bytes(paper.content)
        assert paper.path.stat().st_size == len(whole) - torn
        assert read(paper.path, is_torn=True).names == file.names


@pytest.mark.parametrize(("container", "codec"), KINDS)
def test_a_picture_begins_with_a_key_frame_and_begins_anew_after_a_loss(
    container: str, codec: str, tmp_path: Path
) -> None:
    paper = Paper(container, tmp_path)
    frames = pictures(codec, gop=10)
    lost = [*frames[3:23], replace(frames[24], follows_gap=True), *frames[25:]]
    paper.take(ana=lost)
    paper.finish()
    (track,) = paper.read().tracks
    shown = [*range(10, 23), *range(30, 50)]  # 23 is lost, hence 24 to 29 cannot be shown
    assert track.times == pytest.approx([(number - 10) / 25 for number in shown], abs=0.002)


def test_a_change_of_size_is_one_track(tmp_path: Path) -> None:
    for container, codec in KINDS:
        paper = Paper(container, tmp_path)
        first, second = pictures(codec), later(pictures(codec, size=(32, 24)), 2.0)
        paper.take(ana=[*first, *second, *later(first, 4.0)])
        paper.finish()
        (track,) = paper.read().tracks
        assert len(track.times) == 150, container
        assert paper.reel.tracks()[0].width == 64, container


def test_another_codec_needs_another_file_once_its_key_frame_is_here() -> None:
    reel = Reel(make("mkv", 0.0))
    vp8, h264 = pictures("vp8"), later(pictures("h264"), 2.0)
    assert reel.take("ana", vp8[0])
    assert reel.take("ana", h264[1])
    assert not reel.take("ana", h264[0])
    reel.flush()
    assert reel.tracks()[0].frames == 1


@pytest.mark.parametrize("container", ["mkv", "mp4"])
def test_a_file_without_room_for_a_track_needs_another(container: str) -> None:
    reel = Reel(make(container, 0.0))
    taken = [reel.take(f"user-{number}", sounds()[0]) for number in range(200)]
    assert 40 < taken.index(False) == len(reel.tracks())
    assert not any(taken[taken.index(False) :])
    assert reel.finish()


def test_sound_of_before_the_file_began_is_not_in_it(tmp_path: Path) -> None:
    paper = Paper("mkv", tmp_path)
    key, *_ = later(pictures("vp8"), 0.1)
    for frame in (key, *sounds()):
        assert paper.reel.take("ana", frame)
    paper.finish()
    (picture, sound) = paper.read().tracks
    assert (picture.times[0], sound.times[0]) == (0.0, pytest.approx(0.0, abs=0.002))
    assert len(sound.times) == 95


def test_nothing_is_written_before_there_is_something_to_show() -> None:
    reel = Reel(make("mkv", 0.0))
    assert reel.take("ana", pictures("vp8")[1])
    assert not reel.has_begun
    assert reel.flush() == reel.finish() == []
    assert reel.seconds == 0


def test_a_picture_that_nobody_knows_begins_no_track() -> None:
    reel = Reel(make("mkv", 0.0))
    key = pictures("vp8")[0]
    for payload in (b"", b"\x00" * 20, key.payload[:5]):
        assert reel.take("ana", replace(key, payload=payload))
    assert reel.take("ana", replace(key, codec="av1"))
    assert reel.tracks() == ()


def test_parameter_sets_alone_are_no_picture() -> None:
    reel = Reel(make("mkv", 0.0))
    key = pictures("h264")[0]
    sets = b"".join(b"\x00\x00\x01" + unit for unit in units(key.payload) if is_parameter_set(unit))
    reel.take("ana", replace(key, payload=sets))
    assert reel.tracks()[0].frames == 0
    assert reel.tracks()[0].seconds == pytest.approx(1 / 30, abs=0.001)
    assert reel.finish() == []
    reel.take("ana", key)
    assert reel.flush()
    assert reel.tracks()[0].frames == 1


def test_a_picture_that_never_comes_needs_no_cue(tmp_path: Path) -> None:
    paper = Paper("mkv", tmp_path)
    key = pictures("h264")[0]
    sets = b"".join(b"\x00\x00\x01" + unit for unit in units(key.payload) if is_parameter_set(unit))
    paper.take(ana=[replace(key, payload=sets), *sounds()])
    paper.finish()
    assert [len(track.times) for track in paper.read().tracks] == [0, 100]


def test_a_recording_without_pictures_has_cues_for_its_sound(tmp_path: Path) -> None:
    paper = Paper("webm", tmp_path)
    paper.take(ana=[*sounds(), *later(sounds(), 2.0), *later(sounds(), 30.0)])
    paper.finish()
    file = paper.read()
    assert file.seconds == pytest.approx(32.0, abs=0.002)
    assert len(file.tracks[0].times) == 300
    assert paper.content.count(b"\x1c\x53\xbb\x6b") == 2  # in the index at the head, and where it is


def test_a_cluster_is_never_longer_than_its_times_can_say(tmp_path: Path) -> None:
    paper = Paper("mkv", tmp_path)
    for user, frame in in_order(ana=[*sounds(), *later(sounds(), 60.0)]):
        paper.reel.take(user, frame)
    paper.finish()
    assert paper.read().tracks[0].times[-1] == pytest.approx(61.97, abs=0.01)


def test_a_difference_is_what_changed_and_no_more() -> None:
    assert difference(b"abcdef", b"abcdef") == []
    assert difference(b"abcdef", b"aXcdYf") == [Patch(1, b"XcdY")]
