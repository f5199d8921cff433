"""Sources that the program writes: their pace, their shapes, what is sent when nothing is written, and their end."""

import asyncio
import threading
from collections.abc import Callable
from itertools import groupby

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from peer.capture import AudioSource, Frame, Kind, VideoSource, acquire
from peer.capture.convert import plane_array
from peer.errors import NotPublished, UsageError
from tests.peer.capture.collecting import Collector, assert_forms, assert_released, peak, samples, stamps

LIMIT = 20.0  # seconds
SIZE = (64, 48)


def picture(grey: int) -> NDArray[np.uint8]:
    return np.full((SIZE[1], SIZE[0], 3), grey, np.uint8)


def luma(frame: Frame) -> NDArray[np.uint8]:
    assert isinstance(frame, av.VideoFrame)
    return plane_array(frame, 0)


def tone(seconds: float, rate: int, channels: int = 1) -> NDArray[np.float32]:
    wave = 0.5 * np.sin(np.arange(round(seconds * rate)) * 2 * np.pi * 440 / rate)
    return wave.astype(np.float32).reshape(-1, 1).repeat(channels, axis=1)


async def test_pictures_come_out_at_the_rate_of_the_source_and_as_they_were_written() -> None:
    source = VideoSource(*SIZE, fps=50)
    capture = await acquire(source)
    assert capture.format.describe() == "64x48 at 50 fps, rgb24"
    collector = Collector(capture, at_once=True)
    began = asyncio.get_running_loop().time()
    for number in range(20):
        assert await source.write(picture(number * 10))
    took = asyncio.get_running_loop().time() - began
    await collector.until_true(lambda: len(brightnesses(collector)) == 20)
    await assert_released(capture)
    assert took > 0.3  # 18 periods: the first goes out at once, the last waits
    assert brightnesses(collector) == sorted(set(brightnesses(collector)))
    gaps = np.diff(stamps(collector.frames[Kind.VIDEO]))
    assert min(gaps) >= 1800
    assert np.median(gaps) < 2 * 1800  # one that is written late begins the rhythm anew
    assert_forms(collector.frames)


def brightnesses(collector: Collector) -> list[int]:
    """Return how bright the pictures are, each once: while a busy program writes nothing, the last is repeated."""
    return [brightness for brightness, _ in groupby(int(luma(frame).mean()) for frame in collector.frames[Kind.VIDEO])]


async def test_the_last_picture_stands_while_none_is_written_and_that_is_counted() -> None:
    source = VideoSource(*SIZE, fps=50)
    capture = await acquire(source)
    collector = Collector(capture, at_once=True)
    await source.write(picture(77))
    frames = await collector.until(Kind.VIDEO, 7)
    assert len({luma(frame).tobytes() for frame in frames}) == 1
    assert source.starved >= 0.5
    await assert_released(capture)


async def test_sound_of_any_rate_comes_out_as_48_khz_at_its_own_pace() -> None:
    source = AudioSource(rate=16_000, channels=1)
    capture = await acquire(source)
    collector = Collector(capture, at_once=True)
    began = asyncio.get_running_loop().time()
    assert await source.write(tone(0.8, 16_000))
    took = asyncio.get_running_loop().time() - began
    assert source.waiting <= 0.2
    await source.drained()
    blocks = await collector.until(Kind.AUDIO, 40)
    await assert_released(capture)
    assert took > 0.4  # all but what may wait
    loud = [block for block in blocks if np.abs(samples(block)).max() > 8000]
    assert 39 <= len(loud) <= 42
    assert abs(peak(loud[2:36]) - 440) < 3
    assert {gap % 960 for gap in np.diff(stamps(blocks))} == {0}
    assert_forms(collector.frames)


async def test_a_write_returns_as_soon_as_all_of_it_waits() -> None:
    source = AudioSource(rate=16_000, channels=1)
    capture = await acquire(source)  # nobody subscribes: nothing is taken
    async with asyncio.timeout(LIMIT):
        assert await source.write(tone(0.18, 16_000))
    assert source.waiting == pytest.approx(0.18)
    await assert_released(capture)


async def test_silence_is_sent_while_nothing_is_written_and_counted_from_the_first_write_on() -> None:
    source = AudioSource()
    capture = await acquire(source)
    collector = Collector(capture, at_once=True)
    await collector.until(Kind.AUDIO, 5)
    assert source.starved == 0
    await source.write(np.full((960,), 1000, np.int16))
    seen = len(collector.frames[Kind.AUDIO])
    blocks = await collector.until(Kind.AUDIO, seen + 10)
    assert sum(np.abs(samples(block)).max() > 0 for block in blocks) == 1
    assert source.starved >= 0.1
    await assert_released(capture)


async def test_clear_silences_what_waits_and_a_write_that_waits_gives_up() -> None:
    source = AudioSource(rate=48_000, channels=2)
    capture = await acquire(source)
    collector = Collector(capture, at_once=True)
    writing = asyncio.create_task(source.write(tone(10, 48_000, 2)))
    await collector.until(Kind.AUDIO, 10)
    thread = threading.Thread(target=source.clear)  # from any thread
    thread.start()
    thread.join(LIMIT)
    cleared = len(collector.frames[Kind.AUDIO])
    async with asyncio.timeout(LIMIT):
        assert await writing is False
    assert source.waiting == 0
    blocks = await collector.until(Kind.AUDIO, cleared + 8)
    assert all(np.abs(samples(block)).max() == 0 for block in blocks[cleared + 2 :])
    await assert_released(capture)


async def test_the_end_comes_after_what_waits() -> None:
    source = AudioSource()
    capture = await acquire(source)
    collector = Collector(capture, at_once=True)
    await source.write(tone(0.1, 48_000))
    source.end()
    source.end()
    assert await collector.ended() is None
    loud = [block for block in collector.frames[Kind.AUDIO] if np.abs(samples(block)).max() > 0]
    assert len(loud) == 5
    with pytest.raises(NotPublished, match="was ended"):
        await source.write(tone(0.1, 48_000))
    await assert_released(capture)


async def test_pictures_end_after_the_last_had_its_time_and_the_source_can_be_opened_again() -> None:
    source = VideoSource(*SIZE, fps=25)
    for _ in range(2):
        capture = await acquire(source)
        collector = Collector(capture, at_once=True)
        await source.write(picture(10))
        await source.write(picture(20))
        source.end()
        assert await collector.ended() is None
        assert len(brightnesses(collector)) == 2
        await assert_released(capture)


async def test_a_writer_whose_source_is_released_is_told() -> None:
    video, audio = VideoSource(*SIZE, fps=0.01), AudioSource()
    captures = [await acquire(video), await acquire(audio)]
    collectors = [Collector(capture) for capture in captures]
    await video.write(picture(0))
    await collectors[0].until(Kind.VIDEO, 1)
    await video.write(picture(0))
    writing = [asyncio.create_task(video.write(picture(0))), asyncio.create_task(audio.write(tone(30, 48_000)))]
    await collectors[1].until(Kind.AUDIO, 5)
    assert not any(task.done() for task in writing)
    for capture in captures:
        await assert_released(capture)
    async with asyncio.timeout(LIMIT):
        told = await asyncio.gather(*writing, return_exceptions=True)
    assert [type(error) for error in told] == [NotPublished, NotPublished]
    assert "not published any more" in str(told[0])


async def test_without_waiting_what_has_no_room_is_refused() -> None:
    video, audio = VideoSource(*SIZE, fps=1), AudioSource(rate=8_000)
    with pytest.raises(NotPublished, match=r"await me\.publish"):
        video.write_nowait(picture(0))
    with pytest.raises(NotPublished, match=r"await me\.publish"):
        audio.write_nowait(tone(0.1, 8_000))
    captures = [await acquire(video), await acquire(audio)]  # nobody subscribes: nothing is taken
    assert [video.write_nowait(picture(0)) for _ in range(2)] == [True, False]
    assert [audio.write_nowait(tone(0.09, 8_000)) for _ in range(3)] == [True, True, False]
    video.clear()
    assert video.write_nowait(picture(0))
    for capture in captures:
        await assert_released(capture)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: VideoSource(0, 48), "2 to 8192 pixels"),
        (lambda: VideoSource(64, 48, 0), "fps is more than 0"),
        (lambda: VideoSource(64, 48, format="nv12"), "'nv12' is no format"),
        (lambda: VideoSource(63, 48, format="yuv420p"), "even sides"),
        (lambda: AudioSource(rate=100), "rate is a whole number of 8000"),
        (lambda: AudioSource(channels=6), "channels is 1 or 2"),
    ],
)
def test_a_source_that_cannot_be_is_refused(make: object, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        make()  # type: ignore[operator] # one of the lambdas above


@pytest.mark.parametrize(
    ("source", "array", "text"),
    [
        (
            VideoSource(*SIZE),
            np.zeros((64, 48, 3), np.uint8),
            r"shape \(48, 64, 3\) \(rgb24\), not uint8 of shape \(64",
        ),
        (VideoSource(*SIZE), np.zeros((48, 64, 3)), "not float64 of shape"),
        (VideoSource(*SIZE, format="gray"), [[0]], "not list"),
        (AudioSource(), np.zeros((960,), np.int32), "not int32 of shape"),
        (AudioSource(channels=2), np.zeros((960,), np.int16), r"shape \(samples, 2\), not int16 of shape \(960,\)"),
        (AudioSource(channels=1), np.zeros((2, 960), np.int16), r"shape \(samples, 1\)"),
        (AudioSource(), b"1234", "not bytes"),
    ],
)
async def test_what_does_not_fit_is_refused_with_what_would(source: VideoSource, array: object, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        await source.write(array)  # type: ignore[arg-type] # the mistake


def test_floats_beyond_1_are_clipped_and_what_is_no_number_is_silence() -> None:
    written = AudioSource()._samples(np.array([0.5, 3.0, -2.0, np.nan, 0.0]))
    assert written[:, 0].tolist() == [16383, 32767, -32767, 0, 0]


@pytest.mark.parametrize("form", ["rgb24", "bgr24", "rgba", "bgra", "gray", "yuv420p"])
async def test_every_format_shows_the_same_picture(form: str) -> None:
    source = VideoSource(64, 48, 50, format=form)
    capture = await acquire(source)
    collector = Collector(capture)
    await source.write(np.full(source._shape, 128, np.uint8))
    (frame, *_) = await collector.until(Kind.VIDEO, 1)
    assert abs(int(luma(frame).mean()) - 126) <= 2
    await assert_released(capture)


async def test_pictures_and_sound_written_in_turns_stay_together_also_after_a_hiccup() -> None:
    video, audio = VideoSource(*SIZE, fps=25), AudioSource(channels=2)
    captures = [await acquire(video), await acquire(audio)]
    pictures, sound = (Collector(capture, at_once=True) for capture in captures)
    for number in range(30):
        if number in (8, 16):  # the program computes for a while
            await sound.until(Kind.AUDIO, len(sound.frames[Kind.AUDIO]) + 8)
        is_flash = number in (5, 20)
        await video.write(picture(250 if is_flash else 0))
        await audio.write(tone(0.04, 48_000, 2) if is_flash else np.zeros((1920, 2), np.int16))
    await asyncio.gather(video.drained(), audio.drained())
    for capture in captures:
        await assert_released(capture)
    flashes = beginnings(pictures.frames[Kind.VIDEO], lambda frame: luma(frame).mean() > 128)
    beeps = beginnings(sound.frames[Kind.AUDIO], lambda block: np.abs(samples(block)).max() > 8000)
    assert len(flashes) == len(beeps) == 2
    apart = [flash / 90_000 - beep / 48_000 for flash, beep in zip(flashes, beeps, strict=True)]
    assert max(map(abs, apart)) <= 0.04, apart


def beginnings(frames: list[Frame], is_it: Callable[[Frame], bool]) -> list[int]:
    """Return when each run of such frames begins: a picture is repeated while a busy program writes none."""
    are = [False, *map(is_it, frames)]
    return [stamp for stamp, before, now in zip(stamps(frames), are, are[1:], strict=False) if now and not before]
