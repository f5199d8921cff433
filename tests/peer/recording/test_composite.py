"""Everybody in one picture and one sound: who is where, how loud, at an even rate, also when nobody is there."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from queue import Queue

import av
import numpy as np
import pytest

from peer.media.encoded import EncodedFrame
from peer.recording.backlog import Entry
from peer.recording.composite import DELAY, FPS, Composite
from peer.recording.mixer import BLOCK, Mixer
from peer.recording.writer import Writer
from tests.peer.recording.frames import BEGIN, in_order, later, pictures, read, sounds
from tests.peer.recording.sync import apart, make_film, packets

LIMIT = 20.0  # seconds
IN_SYNC = 0.04  # seconds


class Clock:
    """A clock that stands where the frames are that came last."""

    now = BEGIN

    def __call__(self) -> float:
        return self.now


def composed(container: str, **users: list[EncodedFrame]) -> list[EncodedFrame]:
    """Return what becomes of frames that come as they were captured."""
    clock = Clock()
    composite = Composite(container, clock=clock)
    found = []
    for user, frame in in_order(**users):
        clock.now = frame.time
        found += [entry.frame for entry in composite([Entry("", user, frame)], is_over=False)]
    assert all(early.time <= clock.now - DELAY for early in found)
    return found + [entry.frame for entry in composite([], is_over=True)]


def write(path: Path, frames: list[EncodedFrame]) -> None:
    """Write what was composed to a file."""
    told: Queue = Queue()
    writer = Writer(lambda _: path, path.suffix[1:], most=10_000_000, tell=told.put)
    writer.start()
    for frame in frames:
        assert writer.put(Entry("", "everybody", frame))
    writer.close()
    while told.get(timeout=LIMIT) is not None:
        pass


def decoded(frames: list[EncodedFrame]) -> list[np.ndarray]:
    decoder = av.CodecContext.create(frames[0].codec, "r")
    shown = [picture for frame in frames for picture in decoder.decode(av.Packet(frame.payload))]
    return [picture.to_ndarray(format="gray") for picture in [*shown, *decoder.decode(None)]]


@pytest.mark.parametrize(("container", "codec", "sent"), [("webm", "vp8", "h264"), ("mp4", "h264", "vp8")])
def test_everybody_has_a_part_of_the_picture_for_as_long_as_they_are_there(
    container: str, codec: str, sent: str
) -> None:
    ana = pictures(sent, size=(64, 36))  # two seconds, ever brighter
    bo = later(pictures("vp8", size=(64, 36))[:25], 1.0)
    out = composed(container, ana=ana, bo=bo, cem=[*later(sounds(), 2.02), *later(sounds()[:50], 4.02)])
    shown = [frame for frame in out if frame.kind == "video"]
    assert {frame.codec for frame in shown} == {codec}
    assert len(shown) == 5 * FPS + 1  # from 0 to 5.0
    assert [round(frame.time - BEGIN, 4) for frame in shown] == [round(number / FPS, 4) for number in range(len(shown))]
    assert [number for number, frame in enumerate(shown) if frame.is_key] == [0, 30, 60]
    grays = decoded(shown)
    assert {gray.shape for gray in grays} == {(720, 1280)}
    alone, both, nobody = grays[FPS // 2], grays[FPS * 3 // 2], grays[-1]
    assert alone.min() > 30
    assert both[:150].max() < 25  # above those who share the width
    assert both[300:420, :600].min() > both[300:420, 680:].max() > 30  # ana is a second ahead of bo
    assert nobody.max() < 25


def test_sound_is_mixed_where_it_belongs_and_silent_where_nobody_speaks() -> None:
    out = composed("mkv", ana=sounds(), bo=later(sounds(), 1.0), cem=later(sounds()[:50], 5.0))
    mixed = [frame for frame in out if frame.kind == "audio"]
    assert all(early.timestamp < late.timestamp for early, late in pairwise(mixed))
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = 48_000, "stereo"
    loud = {}
    for frame in mixed:
        (sound,) = decoder.decode(av.Packet(frame.payload))
        loud[round(frame.time - BEGIN, 2)] = np.abs(sound.to_ndarray().astype(int)).max()
    assert 7000 < loud[0.5] < 9000
    assert 14_000 < loud[1.5] < 18_000
    assert 7000 < loud[2.5] < 9000
    assert max((level for at, level in loud.items() if 3.2 < at < 4.9), default=0) < 10


@pytest.mark.parametrize("phase", [0.02, 0.04])
def test_lips_stay_in_sync_wherever_pictures_lie_between_those_that_are_composed(tmp_path: Path, phase: float) -> None:
    film = make_film(tmp_path / "film.webm", 3)
    frames = composed("mkv", ana=packets(film, phase), bo=sounds()[:2])  # bo's tone is the first that is heard
    path = tmp_path / "all.mkv"
    write(path, frames)
    numbers = {name.split()[1]: number for number, name in enumerate(read(path).names)}
    _, *skews = apart(path, numbers["h264"], numbers["opus"])
    assert len(skews) == 2
    assert max(map(abs, skews)) < IN_SYNC, skews


def test_what_is_too_loud_is_clipped_and_what_is_too_late_is_left_out() -> None:
    mixer = Mixer()
    loud = np.full((BLOCK, 2), 30_000, np.int16)
    mixer.add(BLOCK // 2, loud)
    mixer.add(BLOCK // 2, loud)
    (first, second) = mixer.take(2 * BLOCK + 5)
    assert (first[0], second[0]) == (0, BLOCK)
    assert (first[1][0, 0], first[1][-1, 0], second[1][0, 0], second[1][-1, 0]) == (0, 32_767, 32_767, 0)
    mixer.add(BLOCK, loud)
    mixer.add(10**9, loud)
    assert [samples.max() for _, samples in mixer.take(4 * BLOCK)] == [0, 0]


def test_a_machine_that_is_too_slow_leaves_pictures_out() -> None:
    clock = Clock()
    composite = Composite("mkv", clock=clock)
    entries = [Entry("", "ana", frame) for frame in pictures("vp8")[:2]]
    clock.now = BEGIN + 10.0
    frames = [entry.frame for entry in composite(entries, is_over=False)]
    assert BEGIN + 7.5 < min(frame.time for frame in frames if frame.kind == "video") < BEGIN + 7.7


def test_nonsense_is_passed_over() -> None:
    broken = [replace(frame, payload=b"\xff" * 9) for frame in [*pictures("vp8")[:3], *sounds()[:3]]]
    frames = composed("mkv", ana=[*broken, *later(pictures("vp8")[:25] + sounds()[:50], 1.0)])
    assert decoded([frame for frame in frames if frame.kind == "video"])[-1].max() > 30


def test_a_composite_is_a_file_like_any_other(tmp_path: Path) -> None:
    told: Queue = Queue()
    writer = Writer(
        lambda _: tmp_path / "all.mkv",
        "mkv",
        most=10_000_000,
        tell=told.put,
        prepare=Composite("mkv", clock=Clock()),
    )
    writer.start()
    for user, frame in in_order(ana=pictures("vp8") + sounds(), bo=sounds()):
        assert writer.put(Entry("", user, frame))
    writer.close()
    while told.get(timeout=LIMIT) is not None:
        pass
    file = read(tmp_path / "all.mkv")
    assert file.names == ["everybody h264", "everybody opus"]
    assert file.tracks[0].size == (1280, 720)
    assert file.seconds == pytest.approx(2.0, abs=0.1)
