"""One encoder in its thread: real encoders, real sockets, real SRTP."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import av
import numpy as np
import pytest

from peer.capture.clock import VIDEO_RATE
from peer.capture.convert import PIXELS, block_frame
from peer.media.audio_encoding import AudioEncoding
from peer.media.encoding import Encoding
from peer.media.tiers import Tier
from peer.media.video_encoding import PART, VideoEncoding
from tests.peer.media.encoders.material import decoded_sound, frequency_of, silence, stamp_picture, tone
from tests.peer.media.viewing import H264, LIMIT, OPUS, SIZE, VP8, Film, Viewer, encoder_threads, until, viewers

CODECS = {"H264": H264, "VP8": VP8}


@asynccontextmanager
async def encoding(codec: str = "H264", *, tier: Tier = Tier.FULL, fps: float = 30) -> AsyncIterator[VideoEncoding]:
    """Run an encoder of pictures; afterwards its thread has ended."""
    made = VideoEncoding(codec, tier, fps=fps, bitrate=1_000_000, encoder="software")
    async with closing(made):
        yield made


@asynccontextmanager
async def closing(made: Encoding) -> AsyncIterator[None]:
    try:
        yield
    finally:
        made.close()
        made.close()
        await until(lambda: not made.is_alive)


async def next_key(made: VideoEncoding, film: Film, viewer: Viewer) -> int:
    """Show pictures until the next key frame, and return which frame that is."""
    before = len(viewer.frames)
    async with asyncio.timeout(LIMIT):
        while not any(number >= before for number in viewer.key_numbers()):
            await film.show(made.put, viewer)
    return viewer.key_numbers()[-1]


@pytest.mark.parametrize("codec", CODECS)
async def test_pictures_are_encoded_once_and_every_viewer_sees_them(codec: str) -> None:
    film = Film()
    async with encoding(codec) as made:
        with viewers(*[[CODECS[codec]]] * 3) as them:
            for viewer in them:
                made.add(viewer.outlet)
            await film.show(made.put, them[0], 10)
            await asyncio.gather(*(viewer.until(lambda one=viewer: len(one.frames) == 10) for viewer in them))
            assert made.frames_encoded == 10
            for viewer in them:
                viewer.assert_unbroken()
                assert viewer.key_numbers() == [0]
                assert [(shown.width, shown.height) for shown in viewer.pictures()] == [SIZE] * 10
            assert len({tuple(frame.bitstream for frame in viewer.frames) for viewer in them}) == 1
    assert encoder_threads() == []


async def test_the_newest_picture_wins() -> None:
    film = Film()
    async with encoding() as made:
        with viewers([H264]) as (viewer,):
            made.add(viewer.outlet)
            with made._changed:  # the encoder is busy
                frames = [film.next() for _ in range(10)]
                for frame in frames:
                    made.put(frame)
            received = await viewer.next()
            assert received.timestamp == viewer.outlet.timestamp(frames[-1].pts)
            assert (made.frames_encoded, made.frames_dropped) == (1, 9)


async def test_a_new_viewer_gets_nothing_before_a_key_frame_and_the_others_are_not_disturbed() -> None:
    film = Film()
    async with encoding() as made:
        with viewers([H264], [H264]) as (early, late):
            made.add(early.outlet)
            await film.show(made.put, early, 5)
            made.add(late.outlet)
            number = await next_key(made, film, early)
            await film.show(made.put, early, 5)
            await late.until(lambda: len(late.frames) == len(early.frames) - number)
            assert late.key_numbers() == [0]
            assert early.key_numbers() == [0, number]
            assert len(late.pictures()) == len(late.frames)
            early.assert_unbroken()
            late.assert_unbroken()


async def test_many_requests_are_one_key_frame() -> None:
    film = Film()
    async with encoding() as made:
        with viewers([H264]) as (viewer,):
            made.add(viewer.outlet)
            await film.show(made.put, viewer, 2)
            with made._changed:  # the encoder is busy: what is asked after the key frame is another wish
                for _ in range(20):
                    made.ask_for_key_frame(0.0)
            await next_key(made, film, viewer)
            await film.show(made.put, viewer, 20)
            assert len(viewer.key_numbers()) == made.key_frames_encoded == 2


@pytest.mark.parametrize("codec", CODECS)
async def test_while_the_source_rests_who_asks_gets_the_last_picture_again(codec: str) -> None:
    film = Film()
    async with encoding(codec, fps=1) as made:
        with viewers([CODECS[codec]], [CODECS[codec]]) as (early, late):
            made.add(early.outlet)
            await film.show(made.put, early)
            made.add(late.outlet)
            assert (await late.next()).is_key  # and nothing has been pushed
            made.ask_for_key_frame(0.0)
            assert (await late.next()).is_key
            await early.until(lambda: len(early.frames) == 3)
            assert made.frames_encoded == made.key_frames_encoded == 3
            await film.show(made.put, early)
            await late.until(lambda: len(late.frames) == 3)
            early.assert_unbroken()
            first, *others = (np.frombuffer(bytes(shown.planes[0]), np.uint8) for shown in late.pictures()[:2])
            assert all(np.abs(first.astype(int) - other).mean() < 5 for other in others)


async def test_while_the_source_rests_a_key_frame_comes_in_time() -> None:
    film = Film()
    async with encoding(fps=1) as made:
        with viewers([H264], [H264]) as (early, late):
            made.add(early.outlet)
            await film.show(made.put, early)
            made.add(late.outlet)
            began = time.monotonic()
            await late.next()
            await until(lambda: bool(late.outlet.moments))
            assert late.outlet.moments[0] - began < 0.6  # 0.25 by the rules, on a machine that does something else, too


@pytest.mark.parametrize("codec", CODECS)
async def test_another_size_is_another_encoder_and_a_key_frame(codec: str) -> None:
    small, large = Film(), Film((640, 360))
    async with encoding(codec) as made:
        with viewers([CODECS[codec]]) as (viewer,):
            made.add(viewer.outlet)
            await small.show(made.put, viewer, 3)
            await large.show(made.put, viewer, 3)
            assert viewer.key_numbers() == [0, 3]
            assert made.size == (640, 360)
            sizes = [(shown.width, shown.height) for shown in viewer.pictures()]
            assert sizes == [SIZE] * 3 + [(640, 360)] * 3
            viewer.assert_unbroken()


async def test_the_half_tier_is_half_as_wide_and_half_as_high() -> None:
    film = Film((642, 362))
    async with encoding(tier=Tier.HALF) as made:
        with viewers([H264]) as (viewer,):
            made.add(viewer.outlet)
            await film.show(made.put, viewer, 2)
            assert [(shown.width, shown.height) for shown in viewer.pictures()] == [(320, 180)] * 2


async def test_an_encoder_that_fails_costs_pictures_and_is_opened_anew(caplog: pytest.LogCaptureFixture) -> None:
    film, impossible = Film(), stamp_picture(av.VideoFrame(1, 1, "gray"), 0)
    async with encoding() as made:
        with viewers([H264]) as (viewer,):
            made.add(viewer.outlet)
            await film.show(made.put, viewer, 3)
            with caplog.at_level(logging.ERROR, "peer.media.encoding"):
                made.put(impossible)
                await until(lambda: bool(caplog.records))
            made.put(film.next())  # it waits until the pause is over
            await viewer.next()
            await film.show(made.put, viewer, 3)
            assert viewer.key_numbers() == [0, 3]
            assert "the encoder of H264 full failed" in caplog.text
            assert len(viewer.pictures()) == 7
            viewer.assert_unbroken()


async def test_closing_does_not_wait_for_the_pause_after_a_failure(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("peer.media.encoding.PAUSE", 10 * LIMIT)
    async with encoding() as made:
        made.put(stamp_picture(av.VideoFrame(1, 1, "gray"), 0))
        await until(lambda: bool(caplog.records))
        made.close()
        await until(lambda: not made.is_alive)


def noise(size: tuple[int, int]) -> av.VideoFrame:
    """Return a picture that takes many packets."""
    random = np.random.default_rng(4)
    array = random.integers(0, 255, (size[1] * 3 // 2, size[0]), dtype=np.uint8)
    return stamp_picture(av.VideoFrame.from_ndarray(array, PIXELS), 0)


async def test_a_big_key_frame_goes_out_in_parts_over_most_of_a_frames_time() -> None:
    fps = 1
    async with encoding("VP8", fps=fps) as made:
        with viewers([VP8], [VP8]) as (viewer, other):
            made.add(viewer.outlet)
            made.add(other.outlet)
            made.put(noise((640, 360)))
            received = await viewer.next()
            await other.until(lambda: bool(other.frames))
            bursts = viewer.outlet.bursts
            sizes = [len(burst.payloads) for burst in bursts]
            assert len(bursts) > 2
            assert sizes[:-1] == [PART] * (len(bursts) - 1)
            assert sum(sizes) == len(received.packets)
            assert [burst.begins for burst in bursts] == [True] + [False] * (len(bursts) - 1)
            assert [burst.ends for burst in bursts] == [False] * (len(bursts) - 1) + [True]
            assert [packet.marker for packet in received.packets] == [0] * (sum(sizes) - 1) + [1]
            await until(lambda: len(other.outlet.bursts) == len(bursts))  # noted after it was sent
            assert bursts == other.outlet.bursts
            assert 0.3 / fps < viewer.outlet.moments[-1] - viewer.outlet.moments[0] < 2 / fps
            assert viewer.outlet.counts.frames_sent == viewer.outlet.counts.key_frames_sent == 1


async def test_a_viewer_that_comes_in_the_middle_of_a_big_key_frame_gets_the_next() -> None:
    async with encoding("VP8", fps=0.5) as made:  # it takes more than a second
        with viewers([VP8], [VP8]) as (early, late):
            made.add(early.outlet)
            made.put(noise((640, 360)))
            await early.until(lambda: bool(early.packets))
            made.add(late.outlet)
            await late.next()
            first = early.outlet.bursts[0].timestamp
            assert first not in {burst.timestamp for burst in late.outlet.bursts}
            assert (late.key_numbers(), len(late.pictures())) == ([0], 1)
            late.assert_unbroken()


async def test_a_viewer_that_leaves_in_the_middle_of_a_big_key_frame_gets_no_more_of_it() -> None:
    async with encoding("VP8", fps=0.5) as made:
        with viewers([VP8], [VP8]) as (leaver, other):
            made.add(leaver.outlet)
            made.add(other.outlet)
            made.put(noise((640, 360)))
            await leaver.until(lambda: bool(leaver.packets))
            made.remove(leaver.outlet)
            await other.next()
            leaver.read()
            assert len(leaver.packets) < len(other.packets)
            assert leaver.frames == []


async def test_closing_in_the_middle_of_a_big_key_frame_ends_it() -> None:
    async with encoding("VP8", fps=0.2) as made:
        with viewers([VP8]) as (viewer,):
            made.add(viewer.outlet)
            made.put(noise((640, 360)))
            await viewer.until(lambda: bool(viewer.packets))
            made.close()
            await until(lambda: not made.is_alive)
            assert viewer.frames == []


async def test_a_viewer_that_moves_from_one_encoder_to_another_gets_one_stream() -> None:
    film = Film((640, 360))
    async with encoding() as full, encoding(tier=Tier.HALF) as half:
        with viewers([H264]) as (viewer,):
            full.add(viewer.outlet)
            await film.show(full.put, viewer, 4)
            full.remove(viewer.outlet)
            viewer.outlet.awaits_key = True
            half.add(viewer.outlet)
            full.put(film.next())
            await film.show(half.put, viewer, 4)
            half.remove(viewer.outlet)
            viewer.outlet.awaits_key = True
            full.add(viewer.outlet)
            await next_key(full, film, viewer)
            viewer.assert_unbroken()
            sizes = [shown.width for shown in viewer.pictures()]
            assert sizes == [640] * 4 + [320] * 4 + [640] * (len(sizes) - 8)
            assert len(sizes) == len(viewer.frames)


async def test_the_bitrate_is_followed_without_a_key_frame() -> None:
    film, moments = Film((640, 360), number=30), count()

    def put_evenly(frame: av.VideoFrame) -> None:
        """Whatever time each takes here: an encoder gives more to pictures that are rarer."""
        made.put(stamp_picture(frame, next(moments) * VIDEO_RATE // 30))

    async with encoding() as made:
        with viewers([H264]) as (viewer,):
            made.add(viewer.outlet)
            await film.show(put_evenly, viewer, 30)
            made.bitrate = 250_000
            await film.show(put_evenly, viewer, 60)
            assert viewer.key_numbers() == [0]
            assert made.bitrate == 250_000
            high, low = (
                [len(frame.bitstream) for frame in viewer.frames[part]] for part in (slice(10, 30), slice(70, 90))
            )
            assert sum(low) < 0.6 * sum(high)


async def test_pictures_that_come_too_fast_for_the_encoder_are_an_overload() -> None:
    film = Film()
    async with encoding() as made:
        assert not made.is_overloaded
        with made._changed:
            for _ in range(5):
                made.put(film.next())
        assert made.is_overloaded
        assert not made.is_overloaded


async def test_sound_is_encoded_once_and_every_listener_hears_it() -> None:
    made = AudioEncoding()
    async with closing(made):
        with viewers([OPUS], [OPUS], kind="audio") as them:
            for viewer in them:
                made.add(viewer.outlet)
            for number, block in enumerate(tone(50)):
                made.put(block)
                await asyncio.gather(*(one.until(lambda one=one, n=number: len(one.frames) > n) for one in them))
            for viewer in them:
                viewer.assert_unbroken()
                assert [frame.timestamp for frame in viewer.frames] == [
                    viewer.outlet.timestamp(number * 960) for number in range(50)
                ]
                sound = decoded_sound(frame.bitstream for frame in viewer.frames)
                assert abs(frequency_of(sound) - 440) < 5
            assert made.frames_encoded == 50


async def test_silence_is_sent_now_and_then_and_the_marker_says_where_sound_begins() -> None:
    made = AudioEncoding()
    async with closing(made):
        with viewers([OPUS], kind="audio") as (viewer,):
            made.add(viewer.outlet)
            blocks = [*tone(3), *silence(100), *tone(3)]
            for number, block in enumerate(blocks):
                made.put(block_frame(bytes(block.planes[0]), number * 960))
                await until(lambda: not made._frames)
            last = viewer.outlet.timestamp((len(blocks) - 1) * 960)
            await viewer.until(lambda: bool(viewer.frames) and viewer.frames[-1].timestamp == last)
            viewer.assert_unbroken()
            numbers = [(packet.timestamp - viewer.outlet.timestamp(0)) // 960 for packet in viewer.packets]
            marked = [number for number, packet in zip(numbers, viewer.packets, strict=True) if packet.marker]
            assert marked == [0, 103]
            assert len(numbers) < 50
