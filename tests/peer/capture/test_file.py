"""Files and URLs, made and played by FFmpeg's real code."""

import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from peer.capture import File, Kind, acquire
from peer.capture.file_input import open_file
from peer.capture.input import adopt_epoch, capture_epoch
from peer.errors import DeviceFailed, DeviceNotFound
from tests.peer.capture.collecting import Collector, assert_forms, assert_released, peak, stamps

FPS = 30
RATE = 48_000


def make(path: Path, seconds: float, video: str | None, audio: str | None, *, rate: int = RATE) -> Path:
    """Write a file: pictures that brighten, a tone of 440 Hz."""
    with av.open(str(path), "w") as container:
        streams = [add_video(container, video)] if video else []
        streams += [add_audio(container, audio, rate)] if audio else []
        for n in range(int(seconds * FPS)):
            for stream in streams:
                frame = picture(n) if stream.type == "video" else tone(n, rate)
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    return path


def add_video(container: av.container.OutputContainer, codec: str) -> av.VideoStream:
    stream = container.add_stream(codec, rate=FPS)
    stream.width, stream.height, stream.pix_fmt = 161, 121, "yuv420p"
    if codec == "libx264":
        stream.width, stream.height = 160, 120
    return stream


def add_audio(container: av.container.OutputContainer, codec: str, rate: int) -> av.AudioStream:
    return container.add_stream(codec, rate=rate, layout="mono")


def picture(number: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.full((120, 160, 3), 40 + number, np.uint8), "rgb24")
    frame.pts, frame.time_base = number, Fraction(1, FPS)
    return frame


def tone(number: int, rate: int) -> av.AudioFrame:
    count = rate // FPS
    at = np.arange(number * count, (number + 1) * count)
    wave = (12_000 * np.sin(at * (2 * np.pi * 440 / rate))).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), "s16", "mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, number * count, Fraction(1, rate)
    return frame


@pytest.mark.parametrize(
    ("name", "video", "audio", "form"),
    [
        ("a.webm", "libvpx", "libopus", "161x121 at 30 fps, vp8; 48000 Hz mono, opus"),
        ("a.mp4", "libx264", "aac", "160x120 at 30 fps, h264; 48000 Hz mono, aac"),
    ],
)
async def test_both_kinds_play_together_to_the_end(
    tmp_path: Path, name: str, video: str, audio: str, form: str
) -> None:
    path = make(tmp_path / name, 1.0, video, audio)
    capture = await acquire(File(path))
    assert capture.kinds == (Kind.AUDIO, Kind.VIDEO)
    assert capture.format.describe() == form
    collector = Collector(capture, at_once=True)
    assert await collector.ended() is None
    pictures, sound = collector.frames[Kind.VIDEO], collector.frames[Kind.AUDIO]
    assert len(pictures) + capture.dropped[Kind.VIDEO] == 30
    assert 48 <= len(sound) + capture.dropped[Kind.AUDIO] <= 52
    assert 0.8 < (stamps(pictures)[-1] - stamps(pictures)[0]) / 90_000 < 1.1
    assert abs(stamps(pictures)[0] / 90_000 - stamps(sound)[0] / 48_000) < 0.1
    assert_forms(collector.frames)
    assert abs(peak(sound[5:45]) - 440) < 5
    await assert_released(capture, str(path))


async def test_a_loop_goes_on_with_rising_time_stamps_at_its_own_pace(tmp_path: Path) -> None:
    path = make(tmp_path / "a.webm", 0.5, "libvpx", "libopus")
    capture = await acquire(File(path, loop=True))
    collector = Collector(capture, at_once=True)
    pictures = await collector.until(Kind.VIDEO, 40)
    gaps = np.diff(stamps(pictures))
    assert gaps.min() > 0
    assert abs(float(np.median(gaps)) - 3000) < 200
    assert (np.diff(stamps(collector.frames[Kind.AUDIO])) >= 960).all()
    assert collector.endings == []
    await assert_released(capture, str(path))


async def test_sound_alone_is_resampled(tmp_path: Path) -> None:
    path = make(tmp_path / "a.wav", 1.0, None, "pcm_s16le", rate=44_100)
    capture = await acquire(File(path))
    assert capture.kinds == (Kind.AUDIO,)
    assert capture.format.describe() == "44100 Hz mono, pcm_s16le"
    collector = Collector(capture, at_once=True)
    assert await collector.ended() is None
    assert abs(peak(collector.frames[Kind.AUDIO][5:45]) - 440) < 5
    assert_forms(collector.frames)
    await assert_released(capture, str(path))


async def test_a_file_waits_for_its_first_subscriber(tmp_path: Path) -> None:
    capture = await acquire(File(make(tmp_path / "a.webm", 0.3, "libvpx", None)))
    other = await acquire(File(make(tmp_path / "b.webm", 0.6, "libvpx", None)))
    assert await Collector(other).ended() is None  # longer than the first would have taken
    collector = Collector(capture, at_once=True)
    assert await collector.ended() is None
    assert len(collector.frames[Kind.VIDEO]) + capture.dropped[Kind.VIDEO] == 9
    await assert_released(capture)
    await assert_released(other)


def test_a_player_that_was_late_has_few_pictures_in_memory_at_once(tmp_path: Path) -> None:
    path = make(tmp_path / "a.webm", 2.0, "libvpx", None)
    epoch, opened = capture_epoch(), open_file(File(path), threading.Event())
    batches = [opened.read()]
    adopt_epoch(epoch - 0.4)  # the clock is 0.4 s later: twelve pictures are due
    try:
        while sum(map(len, batches)) < 12:
            batches.append(opened.read())
    finally:
        adopt_epoch(epoch)
        opened.close()
    assert max(map(len, batches)) <= 3  # one of them was decoded ahead


async def test_who_subscribes_after_the_end_is_told_so(tmp_path: Path) -> None:
    capture = await acquire(File(make(tmp_path / "a.webm", 0.2, "libvpx", None)))
    assert await Collector(capture, at_once=True).ended() is None
    assert await Collector(capture, at_once=True).ended() is None
    await assert_released(capture)


async def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(DeviceNotFound, match="check the path"):
        await acquire(File(tmp_path / "nothing.mp4"))


async def test_a_file_without_media_fails_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "notes.xyz"
    path.write_text("these are words\n" * 100)
    with pytest.raises(DeviceFailed, match="nothing that FFmpeg can play"):
        await acquire(File(path))


async def test_a_url_that_nobody_answers_fails_in_one_line() -> None:
    with pytest.raises(DeviceFailed, match="does not open"):
        await acquire(File("http://127.0.0.1:9/film.mp4"))
