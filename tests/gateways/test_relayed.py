"""What somebody else has encoded as a source: as it came to whom it fits, decoded for others."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import av
import pytest

from peer.capture import Capture, Kind, acquire
from peer.capture.coded import Coded, Coding
from peer.capture.input import Frame
from peer.gateways.relayed import MOST, POLL, Relayed, RelayedInput
from peer.media.encoded import EncodedFrame
from tests.peer.recording.frames import pictures, sounds

LIMIT = 30.0  # seconds


class Tank:
    """A relayed source that is open, and what it gave."""

    def __init__(self, source: Relayed, capture: Capture) -> None:
        self.source, self.capture = source, capture
        self.coded: list[Coded] = []
        self.frames: list[Frame] = []
        self._loop, self._news = asyncio.get_running_loop(), asyncio.Event()

    def want(self, kind: Kind, *, coded: bool = True) -> Callable[[], None]:
        if coded:
            return self.capture.subscribe_coded(kind, lambda one: self._came(self.coded, one))
        return self.capture.subscribe(kind, lambda one: self._came(self.frames, one), at_once=True)

    async def until_wanted(self) -> None:
        """Wait until the thread that reads knows of every wish: what it takes before is for who wished earlier."""
        async with asyncio.timeout(LIMIT):
            while self.source._input.demand != self.capture._reader.demand:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(POLL)

    def feed(self, frames: list[EncodedFrame]) -> None:
        for frame in frames:
            self.source.feed(frame)

    def _came(self, where: list[object], one: object) -> None:
        where.append(one)
        self._loop.call_soon_threadsafe(self._news.set)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not condition():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def tank(kind: Kind, coding: Coding, asked: Callable[[], None] = lambda: None) -> AsyncIterator[Tank]:
    source = Relayed("ana", kind, coding, asked)
    capture = await acquire(source)
    try:
        yield Tank(source, capture)
    finally:
        await capture.release()


@pytest.mark.parametrize("codec", ["vp8", "h264"])
async def test_pictures_come_as_they_were_sent_and_decoded_for_whoever_wants_that(codec: str) -> None:
    async with tank(Kind.VIDEO, Coding(codec.upper(), 64, 48)) as one:
        one.want(Kind.VIDEO)
        one.want(Kind.VIDEO, coded=False)
        await one.until_wanted()
        sent = pictures(codec, 10)
        one.feed(sent)
        await one.until(lambda: len(one.frames) == 10)
        assert [coded.is_key for coded in one.coded] == [True] + [False] * 9
        assert [coded.bitstream for coded in one.coded] == [frame.payload for frame in sent]
        steps = {later.stamp - earlier.stamp for earlier, later in zip(one.coded, one.coded[1:], strict=False)}
        assert steps == {3600}
        assert [frame.pts for frame in one.frames] == [coded.stamp for coded in one.coded]
        assert one.frames[-1].to_ndarray(format="rgb24").mean() == pytest.approx(40 + 9 * 3, abs=4)


async def test_sound_comes_as_it_was_sent_and_decoded_in_even_blocks() -> None:
    async with tank(Kind.AUDIO, Coding("OPUS")) as one:
        one.want(Kind.AUDIO)
        one.want(Kind.AUDIO, coded=False)
        await one.until_wanted()
        one.feed(sounds(20))
        await one.until(lambda: len(one.frames) >= 18)
        assert {later.stamp - earlier.stamp for earlier, later in zip(one.coded, one.coded[1:], strict=False)} == {960}
        last = one.frames[-1]
        assert isinstance(last, av.AudioFrame)
        assert (last.samples, last.sample_rate, abs(last.to_ndarray()).max() > 5000) == (960, 48_000, True)


async def test_decoding_begins_with_a_key_frame_that_is_asked_for() -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    film = pictures("vp8", 20, gop=10)
    async with tank(Kind.VIDEO, Coding("VP8", 64, 48), lambda: loop.call_soon_threadsafe(asked.set)) as one:
        one.want(Kind.VIDEO)
        one.feed(film[:5])
        await one.until(lambda: len(one.coded) == 5)
        stop = one.want(Kind.VIDEO, coded=False)
        for number in range(6, 10):  # the thread may be in the middle of a look, which knows nothing of the wish
            one.feed(film[number - 1 : number])
            await one.until(lambda number=number: len(one.coded) == number)
        await asyncio.wait_for(asked.wait(), LIMIT)
        assert one.frames == []
        one.feed(film[9:14])
        await one.until(lambda: len(one.frames) == 4)  # from the key frame on, which is the eleventh
        stop()
        one.feed(film[14:])
        await one.until(lambda: len(one.coded) == 20)
        assert len(one.frames) == 4


async def test_a_picture_that_cannot_be_decoded_asks_for_another() -> None:
    asked: list[None] = []
    async with tank(Kind.VIDEO, Coding("H264", 64, 48), lambda: asked.append(None)) as one:
        one.want(Kind.VIDEO)
        one.want(Kind.VIDEO, coded=False)
        await one.until_wanted()
        first = pictures("h264", 1)[0]
        one.feed([replace(first, payload=b"\0\0\0\1\x65broken")])
        one.feed(pictures("h264", 5))
        await one.until(lambda: len(one.frames) == 5)
        assert asked


async def test_a_sender_that_goes_over_to_another_codec_is_decoded_for_everybody() -> None:
    async with tank(Kind.VIDEO, Coding("VP8", 64, 48)) as one:
        one.want(Kind.VIDEO)
        one.want(Kind.VIDEO, coded=False)
        await one.until_wanted()
        one.feed(pictures("vp8", 3))
        await one.until(lambda: len(one.frames) == 3)
        one.feed([replace(frame, timestamp=frame.timestamp + 10_800) for frame in pictures("h264", 3)])
        await one.until(lambda: len(one.frames) == 6)
        assert [coded.bitstream != b"" for coded in one.coded] == [True, True, True, False]


def test_what_nobody_reads_is_thrown_away_up_to_the_next_key_frame() -> None:
    asked: list[None] = []
    source = RelayedInput(Kind.VIDEO, Coding("VP8", 64, 48), lambda: asked.append(None))
    film = pictures("vp8", MOST + 20, gop=MOST + 10)
    for frame in film:
        source.feed(frame)
    source.demand = replace(source.demand, frames=frozenset(), coded=frozenset({Kind.VIDEO}))
    items = source.read()
    assert len(asked) == 1
    assert [item.is_key for item in items if isinstance(item, Coded)] == [True] + [False] * 9
    source.close()


def test_sound_that_nobody_reads_loses_its_oldest_part() -> None:
    source = RelayedInput(Kind.AUDIO, Coding("OPUS"), lambda: None)
    for frame in sounds(MOST + 5):
        source.feed(frame)
    source.demand = replace(source.demand, frames=frozenset(), coded=frozenset({Kind.AUDIO}))
    assert len(source.read()) == 5
