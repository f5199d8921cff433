"""The test pattern, and with it what holds for every source: counting, dropping, subscribing, releasing."""

import asyncio
import threading
import time

import av
import numpy as np
import pytest

from peer.capture import Frame, Kind, TestPattern, acquire, release_all, timecode
from peer.capture.convert import plane_array
from peer.errors import UsageError
from peer.events import Outcome
from tests.peer.capture.collecting import Collector, assert_forms, assert_released, peak, samples, stamps

SMALL = {"width": 320, "height": 180}


def code(frame: Frame) -> int | None:
    assert isinstance(frame, av.VideoFrame)
    return timecode.read(plane_array(frame, 0))


async def test_every_picture_says_when_it_was_made_and_the_tone_is_pure() -> None:
    capture = await acquire(TestPattern(**SMALL))
    assert capture.kinds == (Kind.AUDIO, Kind.VIDEO)
    assert capture.format.describe() == "320x180 at 30 fps, yuv420p (as asked); 48000 Hz stereo, s16"
    collector = Collector(capture)
    pictures = await collector.until(Kind.VIDEO, 15)
    age = (int(time.time() * 1000) - (code(pictures[-1]) or 0)) % 2**32
    sound = await collector.until(Kind.AUDIO, 50)
    await assert_released(capture)
    assert age < 1000
    codes = [code(picture) for picture in pictures]
    assert None not in codes
    assert codes == sorted(set(codes), key=codes.index)
    assert {gap % 3000 for gap in np.diff(stamps(pictures))} == {0}
    assert {gap % 960 for gap in np.diff(stamps(sound))} == {0}
    assert abs(peak(sound[-40:]) - 440) < 3
    assert abs(20 * np.log10(np.abs(samples(sound[3])).max() / 32767) + 12) < 0.2
    assert_forms(collector.frames)


async def test_sound_and_pictures_are_stamped_by_one_clock() -> None:
    capture = await acquire(TestPattern(**SMALL))
    collector = Collector(capture)
    await collector.until(Kind.VIDEO, 3)
    await collector.until(Kind.AUDIO, 5)
    picture, block = collector.frames[Kind.VIDEO][0], collector.frames[Kind.AUDIO][0]
    assert abs(stamps([picture])[0] / 90_000 - stamps([block])[0] / 48_000) < 0.2
    await assert_released(capture)


async def test_without_a_tone_there_is_no_sound() -> None:
    capture = await acquire(TestPattern(**SMALL, tone=0))
    assert capture.kinds == (Kind.VIDEO,)
    with pytest.raises(UsageError, match="no audio"):
        capture.subscribe(Kind.AUDIO, print)
    await assert_released(capture)


async def test_a_slow_subscriber_gets_the_newest_and_the_oldest_are_counted_as_dropped() -> None:
    capture = await acquire(TestPattern(**SMALL, fps=100))
    pictures: list[Frame] = []
    blocks: list[Frame] = []
    capture.subscribe(Kind.VIDEO, pictures.append)
    capture.subscribe(Kind.AUDIO, blocks.append)
    while min(capture.dropped.values()) < 5:  # the loop is busy: nothing is delivered meanwhile
        threading.Event().wait(0.02)
    assert (pictures, blocks) == ([], [])
    await asyncio.sleep(0)
    assert len(pictures) <= 2
    assert len(blocks) <= 11
    newest = code(pictures[-1])
    assert newest is not None
    assert (int(time.time() * 1000) - newest) % 2**32 < 2000
    await assert_released(capture)


async def test_two_users_of_one_source_share_it() -> None:
    source = TestPattern(**SMALL)
    first, second = await asyncio.gather(acquire(source), acquire(source))
    collector = Collector(second)
    given_back = await first.release()
    assert (given_back.outcome, given_back.text) == (Outcome.CLOSED, "given back, still used by 1 more")
    assert (await first.release()).text == given_back.text
    with pytest.raises(UsageError, match="acquire it again"):
        first.subscribe(Kind.VIDEO, print)
    count = len(collector.frames[Kind.VIDEO])
    await collector.until(Kind.VIDEO, count + 3)
    await assert_released(second)


async def test_equal_patterns_are_two_sources() -> None:
    first, second = await acquire(TestPattern(**SMALL)), await acquire(TestPattern(**SMALL))
    await assert_released(first)
    await assert_released(second)


async def test_acquired_while_it_closes_it_is_opened_anew() -> None:
    source = TestPattern(**SMALL)
    first = await acquire(source)
    releasing = asyncio.create_task(first.release())
    await asyncio.sleep(0)
    second = await acquire(source)
    assert (await releasing).outcome is Outcome.VERIFIED
    await Collector(second).until(Kind.VIDEO, 2)
    await assert_released(second)


async def test_after_unsubscribing_nothing_is_delivered() -> None:
    capture = await acquire(TestPattern(**SMALL))
    frames: list[Frame] = []
    unsubscribe = capture.subscribe(Kind.VIDEO, frames.append)
    other = Collector(capture)
    await other.until(Kind.VIDEO, 3)
    unsubscribe()
    unsubscribe()
    count = len(frames)
    await other.until(Kind.VIDEO, len(other.frames[Kind.VIDEO]) + 3)
    assert len(frames) == count
    await assert_released(capture)


async def test_a_subscriber_that_raises_harms_nobody() -> None:
    capture = await acquire(TestPattern(**SMALL))

    def refuse(frame: Frame) -> None:
        raise RuntimeError("no, thank you")

    capture.subscribe(Kind.VIDEO, refuse)
    await Collector(capture).until(Kind.VIDEO, 3)
    await assert_released(capture)


async def test_everything_can_be_released_from_a_plain_thread() -> None:
    captures = [await acquire(TestPattern(**SMALL)) for _ in range(2)]
    releases = release_all(limit=5.0)  # blocks this loop, as when it hangs
    assert [release.outcome for release in releases] == [Outcome.VERIFIED] * 2
    for capture in captures:
        await assert_released(capture)


async def test_cancelled_while_opening_holds_nothing() -> None:
    source = TestPattern(**SMALL)
    opening = asyncio.create_task(acquire(source))
    await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait({opening})
    assert opening.cancelled()
    assert [thread for thread in threading.enumerate() if thread.name == "exeunt test pattern"] == []
    await assert_released(await acquire(source))
