"""Which encoders run for whom: begun by the first viewer, ended with the last, whatever happens at once."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from fractions import Fraction
from itertools import cycle

import pytest
from av import AudioFrame

from peer.capture.convert import stamp_picture
from peer.capture.input import capture_time
from peer.media.audience import Audience, Listeners
from peer.media.codecs import Codec
from peer.media.sending import Sending
from peer.media.tiers import Tier
from peer.media.watchers import Watchers
from tests.peer.media.encoders.material import pictures, tone
from tests.peer.media.viewing import H264, LIMIT, OPUS, VP8, Film, Viewer, encoder_threads, until, viewers

BOTH = [H264, VP8]


@asynccontextmanager
async def resting(audience: Audience[object]) -> AsyncIterator[None]:
    """Afterwards nothing is encoded any more."""
    try:
        yield
    finally:
        audience.rest()
        await until(lambda: audience.has_ended)
        assert encoder_threads() == []


async def first_picture(audience: Watchers, film: Film, viewer: Viewer) -> None:
    """Push pictures until one arrives."""
    before = len(viewer.frames)
    async with asyncio.timeout(LIMIT):
        while len(viewer.frames) == before:
            audience.push(film.next())
            await asyncio.sleep(0.01)


async def test_an_encoder_runs_from_the_first_viewer_who_has_something_to_see_to_the_last() -> None:
    audience, film = Watchers(), Film()
    async with resting(audience):
        with viewers(BOTH, BOTH) as (first, second):
            audience.push(film.next())
            assert encoder_threads() == []
            assert audience.plug(first.outlet)
            assert encoder_threads() == []
            await first_picture(audience, film, first)
            assert audience.plug(second.outlet)
            await until(lambda: encoder_threads() == ["exeunt encoder H264 full"])
            audience.unplug(first.outlet)
            audience.unplug(first.outlet)
            assert not audience.has_ended
            audience.unplug(second.outlet)
            await until(lambda: audience.has_ended)
            assert encoder_threads() == []


async def test_the_first_viewer_of_a_source_that_rests_sees_its_last_picture() -> None:
    audience, film = Watchers(), Film()
    async with resting(audience):
        with viewers(BOTH, [VP8]) as (first, second):
            audience.plug(first.outlet)
            audience.push(film.next())
            assert (await first.next()).is_key
            audience.plug(second.outlet)
            assert (await second.next()).is_key
            assert (first.frames[0].codec, second.frames[0].codec) == ("H264", "VP8")


async def test_a_late_viewer_with_another_codec_gets_another_encoder_and_nobody_is_disturbed() -> None:
    audience, film = Watchers(), Film()
    async with resting(audience):
        with viewers(BOTH, BOTH, [VP8]) as (first, second, late):
            audience.plug(first.outlet)
            audience.plug(second.outlet)
            await film.show(audience.push, first, 5)
            audience.plug(late.outlet)
            await film.show(audience.push, late, 5)
            await until(lambda: encoder_threads() == ["exeunt encoder H264 full", "exeunt encoder VP8 full"])
            assert {frame.codec for viewer in (first, second) for frame in viewer.frames} == {"H264"}
            assert {frame.codec for frame in late.frames} == {"VP8"}
            for viewer in (first, second, late):
                assert viewer.key_numbers()[0] == 0
                viewer.assert_unbroken()
            audience.unplug(late.outlet)
            await film.show(audience.push, first, 5)
            assert first.key_numbers() == [0]
            await until(lambda: encoder_threads() == ["exeunt encoder H264 full"])


async def test_a_codec_that_is_asked_for_is_everybodys_who_takes_it() -> None:
    audience, film = Watchers(), Film()
    async with resting(audience):
        with viewers(BOTH, BOTH, [H264]) as (first, second, other):
            audience.plug(first.outlet)
            await film.show(audience.push, first, 3)
            audience.begin(Sending(codec="VP8"))
            audience.plug(second.outlet)
            audience.plug(other.outlet)
            await film.show(audience.push, second, 3)
            await other.until(lambda: bool(other.frames))
            assert {frame.codec for frame in second.frames} == {"VP8"}
            assert {frame.codec for frame in other.frames} == {"H264"}
            assert [frame.codec for frame in first.frames][:3] == ["H264"] * 3
            assert first.frames[-1].codec == "VP8"
            first.assert_unbroken()


async def test_who_takes_none_of_our_codecs_is_not_plugged_in() -> None:
    with viewers([Codec("AV1", 45)], [Codec("PCMU", 0)]) as (picture, sound):
        assert not Watchers().plug(picture.outlet)
        assert not Listeners().plug(sound.outlet)
        assert encoder_threads() == []


async def test_what_was_pushed_before_a_rest_begins_nothing_after_it() -> None:
    audience, film = Watchers(), Film()
    async with resting(audience):
        with viewers(BOTH) as (viewer,):
            audience.plug(viewer.outlet)
            pushing = threading.Thread(target=audience.push, args=(film.next(),))
            pushing.start()
            pushing.join()
            audience.rest()
            await asyncio.sleep(0)  # what the push has left for the loop
            await asyncio.sleep(0)
            assert encoder_threads() == []
            assert audience.has_ended
            await film.show(audience.push, viewer, 3)


async def test_unplugging_in_the_middle_of_a_big_picture_touches_nobody_else() -> None:
    audience, film = Watchers(), Film((1280, 720), number=3)
    audience.begin(Sending(codec="VP8", bitrate=8_000_000, fps=0.5))  # it takes more than a second
    async with resting(audience):
        with viewers(BOTH, BOTH) as (leaver, other):
            audience.plug(leaver.outlet)
            audience.plug(other.outlet)
            audience.push(film.next())
            await leaver.until(lambda: bool(leaver.packets))
            audience.unplug(leaver.outlet)
            leaver.outlet.route.close()
            await other.next()
            leaver.read()
            assert len(leaver.packets) < len(other.packets)
            assert leaver.frames == []
            other.assert_unbroken()


async def test_sound_goes_to_all_who_take_opus_and_is_guarded_against_the_loss_of_the_worst() -> None:
    audience = Listeners()
    async with resting(audience):
        with viewers([OPUS], [OPUS], kind="audio") as (good, bad):
            audience.plug(good.outlet)
            audience.plug(bad.outlet)
            blocks = cycle(tone(50))
            async with asyncio.timeout(LIMIT):
                while not (good.frames and bad.frames):
                    audience.push(next(blocks))
                    await asyncio.sleep(0.005)
            audience.reported(good.outlet, 0.0, 0.05)
            audience.reported(bad.outlet, 0.15, 0.2)
            encoding = audience.encoding_of(good.outlet)
            assert encoding is audience.encoding_of(bad.outlet)
            assert encoding is not None
            assert encoding._lost == 0.15
            assert (bad.outlet.lost, bad.outlet.round_trip) == (0.15, 0.2)
            audience.unplug(bad.outlet)
            audience.reported(good.outlet, 0.0, 0.05)
            assert encoding._lost == 0.0
            assert audience.tier_of(good.outlet) is Tier.FULL


def push_until(over: threading.Event, audience: Audience[object], next_frame: Callable[[], object]) -> threading.Thread:
    """Push from another thread, as a device's reader does, until it is over."""

    def run() -> None:
        while not over.wait(0.005):
            audience.push(next_frame())

    thread = threading.Thread(target=run, name="reader")
    thread.start()
    return thread


@pytest.mark.parametrize("kind", ["video", "audio"])
async def test_viewers_come_and_go_while_two_threads_push(kind: str) -> None:
    audience: Audience[object] = Watchers() if kind == "video" else Listeners()
    frames = cycle(pictures(40, (160, 90)))
    lock, over, loop = threading.Lock(), threading.Event(), asyncio.get_running_loop()

    def picture() -> object:
        with lock:
            return stamp_picture(next(frames), round(capture_time() * 90_000))

    def block() -> object:
        frame = AudioFrame.from_ndarray(tone(1)[0].to_ndarray(), "s16", "stereo")
        frame.sample_rate, frame.time_base, frame.pts = 48_000, Fraction(1, 48_000), round(capture_time() * 48_000)
        return frame

    make = picture if kind == "video" else block
    codecs = [BOTH, [VP8], BOTH, [H264]] if kind == "video" else [[OPUS]] * 4
    async with resting(audience):
        readers = [push_until(over, audience, make) for _ in range(2)]
        with viewers(*codecs, kind=kind) as them:
            ends, turn = loop.time() + 2, 0
            async with asyncio.timeout(LIMIT):
                while loop.time() < ends or turn <= 50 or sum(len(viewer.packets) for viewer in them) <= 10:
                    viewer = them[turn % 4]
                    (audience.unplug if viewer.outlet in audience.outlets else audience.plug)(viewer.outlet)
                    if turn % 50 == 49:
                        audience.rest()
                    turn += 1
                    await asyncio.sleep(0.004)
            over.set()
            for reader in readers:
                await asyncio.to_thread(reader.join)
            for viewer in them:
                numbers = [packet.sequence_number for packet in viewer.packets]
                assert numbers == [(numbers[0] + step) & 0xFFFF for step in range(len(numbers))] if numbers else True
