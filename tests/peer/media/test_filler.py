"""Black and silence in real time, in the place of a device that is lost."""

import asyncio

import numpy as np
import pytest
from av import AudioFrame, VideoFrame

from peer.capture.input import capture_time
from peer.media.blank import black
from peer.media.fanout import Fanout, StubTrack
from peer.media.filler import Filler
from tests.peer.media.test_fanout import picture, sound

LIMIT = 30.0  # seconds


async def take(track: StubTrack, count: int) -> list[AudioFrame | VideoFrame]:
    async with asyncio.timeout(LIMIT):
        return [await track.recv() for _ in range(count)]


async def test_black_is_of_the_last_pictures_size_the_first_at_once() -> None:
    fanout = Fanout("video")
    fanout.push(picture(0))
    track = fanout.attach()
    began = capture_time()
    filler = Filler(fanout)
    frames = await take(track, 3)
    filler.stop()
    assert all(np.array_equal(frame.to_ndarray(), black(64, 60).to_ndarray()) for frame in frames)
    moments = [float(frame.pts * frame.time_base) for frame in frames]
    assert abs(moments[0] - began) < 0.4
    assert np.allclose(np.diff(moments), 0.5, atol=0.001)


async def test_silence_comes_in_blocks_that_follow_each_other_in_real_time() -> None:
    fanout = Fanout("audio")
    track = fanout.attach()
    began = capture_time()
    filler = Filler(fanout)
    frames = await take(track, 25)
    took = capture_time() - began
    filler.stop()
    filler.stop()
    assert {(f.samples, f.sample_rate, f.format.name, f.layout.name) for f in frames if isinstance(f, AudioFrame)} == {
        (960, 48_000, "s16", "stereo")
    }
    assert not any(frame.to_ndarray().any() for frame in frames)
    assert set(np.diff([frame.pts for frame in frames])) == {960}
    assert 0.4 < took < 2.0


async def test_it_begins_where_the_device_ended_and_ends_when_it_is_stopped() -> None:
    fanout = Fanout("audio")
    ahead = sound(0)
    ahead.pts = round((capture_time() + 0.05) * 48_000)  # a sound card may run ahead of the clock
    fanout.push(ahead)
    track = fanout.attach()
    filler = Filler(fanout)
    (first,) = await take(track, 1)
    filler.stop()
    assert 0 <= first.pts - (ahead.pts + 960) <= 1
    assert fanout.reached == pytest.approx((first.pts + 960) / 48_000)
    assert filler._timer.cancelled()


async def test_muted_it_is_black_as_seldom_as_a_muted_camera() -> None:
    fanout = Fanout("video")
    fanout.muted = True
    track = fanout.attach()
    filler = Filler(fanout)
    first, second = await take(track, 2)
    filler.stop()
    assert float((second.pts - first.pts) * first.time_base) >= 0.99
