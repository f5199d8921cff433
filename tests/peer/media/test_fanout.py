"""The seam between capture and aiortc: a slow, stopped or forgotten connection touches nobody else."""

import asyncio
import sys
from fractions import Fraction

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame

from peer.capture.coded import Coding
from peer.media.blank import black
from peer.media.fanout import LIMITS, Fanout


def picture(number: int, value: int = 200) -> VideoFrame:
    frame = VideoFrame.from_ndarray(np.full((90, 64), value, dtype=np.uint8), format="yuv420p")
    frame.pts, frame.time_base = number * 3000, Fraction(1, 90_000)
    return frame


def sound(number: int) -> AudioFrame:
    frame = AudioFrame.from_ndarray(np.full((1, 1920), 1000, dtype=np.int16), format="s16", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, number * 960, Fraction(1, 48_000)
    return frame


async def test_the_newest_picture_wins_for_a_slow_connection() -> None:
    fanout = Fanout("video")
    slow = fanout.attach()
    for number in range(5):
        fanout.push(picture(number))
    assert (await slow.recv()).pts == 4 * 3000
    assert slow.dropped == 4


async def test_a_slow_connection_costs_another_nothing() -> None:
    fanout = Fanout("audio")
    slow, quick = fanout.attach(), fanout.attach()
    heard = []
    for number in range(30):
        fanout.push(sound(number))
        heard.append((await quick.recv()).pts)
    assert heard == [number * 960 for number in range(30)]
    assert slow.dropped == 30 - LIMITS["audio"]


async def test_each_connection_gets_a_picture_of_its_own_to_mark() -> None:
    fanout = Fanout("video")
    one, other = fanout.attach(), fanout.attach()
    fanout.push(picture(1))
    first, second = await one.recv(), await other.recv()
    assert first is not second
    assert np.array_equal(first.to_ndarray(), second.to_ndarray())
    assert (first.pts, first.time_base) == (second.pts, second.time_base)


async def test_a_picture_that_waits_is_shared_with_all_others_until_it_is_read() -> None:
    fanout = Fanout("video")
    tracks = [fanout.attach() for _ in range(20)]
    pushed = picture(1)
    before = sys.getrefcount(pushed)
    fanout.push(pushed)
    held = sys.getrefcount(pushed)
    assert held >= before + len(tracks)
    read = await tracks[0].recv()
    assert isinstance(read, VideoFrame)
    assert read.planes[0].buffer_ptr != pushed.planes[0].buffer_ptr
    assert sys.getrefcount(pushed) == held - 1


async def test_a_stopped_track_keeps_no_frame_of_a_thread_that_was_just_about_to_put_one() -> None:
    track = Fanout("video").attach()
    track.stop()
    track.put(picture(1))
    assert not track.has_frame


async def test_a_stopped_track_ends_and_the_others_go_on() -> None:
    fanout = Fanout("video")
    stopped, other = fanout.attach(), fanout.attach()
    reading = asyncio.create_task(stopped.recv())
    await asyncio.sleep(0)
    stopped.stop()
    stopped.stop()
    with pytest.raises(MediaStreamError):
        await reading
    fanout.push(picture(7))
    assert (await other.recv()).pts == 7 * 3000


async def test_closing_ends_every_track() -> None:
    fanout = Fanout("audio")
    tracks = [fanout.attach() for _ in range(3)]
    fanout.close()
    for track in tracks:
        with pytest.raises(MediaStreamError):
            await track.recv()


async def test_muted_sound_is_silence_of_the_same_length_and_time() -> None:
    fanout = Fanout("audio")
    track = fanout.attach()
    fanout.muted = True
    fanout.push(sound(3))
    heard = await track.recv()
    assert isinstance(heard, AudioFrame)
    assert not heard.to_ndarray().any()
    assert (heard.samples, heard.sample_rate, heard.pts) == (960, 48_000, 3 * 960)
    fanout.muted = False
    fanout.push(sound(4))
    assert (await track.recv()).to_ndarray().any()


async def test_muted_video_is_black_once_a_second() -> None:
    fanout = Fanout("video")
    track = fanout.attach()
    fanout.muted = True
    seen = []
    for number in range(90, 180):  # three seconds at 30 a second
        fanout.push(picture(number))
        if track.has_frame:
            frame = await track.recv()
            assert isinstance(frame, VideoFrame)
            assert np.array_equal(frame.to_ndarray(), black(64, 60).to_ndarray())
            seen.append(frame.pts)
    assert seen == [90 * 3000, 120 * 3000, 150 * 3000]


async def test_who_mutes_again_at_once_is_black_at_once() -> None:
    fanout = Fanout("video")
    track = fanout.attach()
    seen = []
    for number, fanout.muted in enumerate([True, False, True, True]):
        fanout.push(picture(number))
        if track.has_frame:
            seen.append(np.array_equal((await track.recv()).to_ndarray(), black(64, 60).to_ndarray()))
    assert seen == [True, False, True]


async def test_what_would_be_heard_twice_when_a_source_takes_over_is_dropped() -> None:
    fanout = Fanout("audio")
    track = fanout.attach()
    for number in (10, 11, 10, 11, 12):
        fanout.push(sound(number))
    assert [(await track.recv()).pts // 960 for _ in range(3)] == [10, 11, 12]
    assert not track.has_frame


async def test_a_source_of_quite_another_time_is_sent_all_the_same() -> None:
    fanout = Fanout("video")
    track = fanout.attach()
    seen = []
    for number in (900, 899, 0, 1):
        fanout.push(picture(number))
        if track.has_frame:
            seen.append((await track.recv()).pts // 3000)
    assert seen == [900, 0, 1]


async def test_a_frame_without_a_time_is_sent() -> None:
    fanout = Fanout("video")
    track = fanout.attach()
    fanout.push(VideoFrame(64, 60, "yuv420p"))
    assert track.has_frame


async def test_frames_are_needed_while_a_track_is_read_and_not_for_one_that_nobody_reads() -> None:
    fanout, told = Fanout("video"), []
    fanout.offer(Coding("VP8", 64, 48), told.append)
    track, idle = fanout.attach(), fanout.attach()
    assert told == []
    reading = asyncio.create_task(track.recv())
    await asyncio.sleep(0)
    assert told == [True]
    idle.stop()
    track.stop()
    assert told == [True, False]
    with pytest.raises(MediaStreamError):
        await reading
    fanout.close()
