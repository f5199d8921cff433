"""Sound as even pieces: exact, bounded, resampled, mixed; from what arrives to what is read."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np
import pytest
from numpy.typing import NDArray

from peer.errors import UsageError
from peer.media.sound import Chunks, Piece, SoundForm
from peer.media.sound_mixture import Mixture

BLOCK = 960  # samples of 20 ms at 48 kHz
LIMIT = 30.0  # seconds


class Speaker:
    """Somebody whose sound arrives when the test says so."""

    def __init__(self) -> None:
        self.readers = 0
        self._arriving: asyncio.Queue[Piece | None] = asyncio.Queue()
        self._number = 0

    async def pieces(self) -> AsyncGenerator[Piece]:
        self.readers += 1
        try:
            while (piece := await self._arriving.get()) is not None:
                yield piece
        finally:
            self.readers -= 1

    def say(self, blocks: int = 1, value: int = 1000) -> None:
        for _ in range(blocks):
            samples = np.full((BLOCK, 2), value, np.int16)
            self._arriving.put_nowait(Piece(self._number * BLOCK, samples, self._number * BLOCK / 48_000))
            self._number += 1

    def lose(self, blocks: int) -> None:
        self._number += blocks

    def leave(self) -> None:
        self._arriving.put_nowait(None)


def form(rate: int = 16_000, channels: int = 1, ms: float = 20) -> SoundForm:
    return SoundForm.of(rate, channels, ms)


async def read(chunks: Chunks, count: int) -> list[NDArray[np.int16]]:
    """Read that many pieces, then no more."""
    read: list[NDArray[np.int16]] = []
    async with asyncio.timeout(LIMIT), aclosing(chunks.__aiter__()) as pieces:
        async for chunk in pieces:
            assert chunk.array.dtype == np.int16
            read.append(chunk.array)
            if len(read) == count:
                break
    return read


@pytest.mark.parametrize(
    ("rate", "channels", "ms", "shape"),
    [(16_000, 1, 20, (320, 1)), (48_000, 2, 10, (480, 2)), (8_000, 1, 32, (256, 1)), (44_100, 2, 30, (1323, 2))],
)
async def test_every_piece_is_exactly_as_long_as_was_asked(
    rate: int, channels: int, ms: float, shape: tuple[int, int]
) -> None:
    ana = Speaker()
    ana.say(20)
    read_all = await read(Chunks(ana, form(rate, channels, ms), 1.0), 8)
    assert {piece.shape for piece in read_all} == {shape}
    assert abs(int(read_all[4].mean()) - 1000) <= 2
    assert ana.readers == 0  # nothing is decoded for nobody


async def test_what_was_lost_is_silence_in_its_place_and_counted() -> None:
    ana = Speaker()
    ana.say(5)
    ana.lose(5)
    ana.say(5)
    chunks = Chunks(ana, form(48_000, 2), 1.0)
    levels = [int(piece.mean()) for piece in await read(chunks, 15)]
    assert levels == [1000] * 5 + [124] + [0] * 4 + [874] + [1000] * 4  # it fades out and in, for 5 ms
    assert chunks.filled == pytest.approx(0.1)
    assert chunks.dropped == 0


async def test_silence_goes_on_while_nothing_arrives_and_a_late_burst_adds_no_delay() -> None:
    ana = Speaker()
    ana.say()
    began = time.monotonic()
    chunks = Chunks(ana, form(48_000, 2), 1.0)
    async with asyncio.timeout(LIMIT), aclosing(chunks.__aiter__()) as pieces:
        silent = [await anext(pieces) for _ in range(17)][2:]  # one that is heard, one in which it fades out
        assert not any(chunk.array.any() for chunk in silent)
        ana.say(16)  # what ought to have come meanwhile comes now
        took = time.monotonic() - began
        ana.say(5, value=7)
        while (await anext(pieces)).array[0, 0] != 7:
            ana.say(5, value=7)  # we were busy ourselves, and all of it was late
    assert took >= 0.3
    assert chunks.dropped == pytest.approx(chunks.filled, abs=0.05)


async def test_the_oldest_is_dropped_for_a_reader_who_is_too_late_and_counted() -> None:
    ana = Speaker()
    chunks = Chunks(ana, form(48_000, 2), 0.1)
    async with asyncio.timeout(LIMIT), aclosing(chunks.__aiter__()) as pieces:
        ana.say()
        await anext(pieces)
        ana.say(20)
        while chunks.dropped < 0.29:  # noqa: ASYNC110 - the reader is busy meanwhile
            await asyncio.sleep(0.001)
        assert (await anext(pieces)).time == pytest.approx(16 * 0.02)
    assert chunks.dropped == pytest.approx(0.3)


async def test_it_ends_when_the_user_is_gone() -> None:
    ana = Speaker()
    ana.say(3)
    ana.leave()
    assert len(await read(Chunks(ana, form(48_000, 2), 1.0), 100)) == 3


async def test_what_goes_wrong_in_decoding_reaches_the_reader() -> None:
    class Broken(Speaker):
        async def pieces(self) -> AsyncGenerator[Piece]:
            async for piece in super().pieces():
                yield piece
                raise ValueError("no such codec")

    broken = Broken()
    broken.say()
    with pytest.raises(ValueError, match="no such codec"):
        await read(Chunks(broken, form(), 1.0), 3)


async def test_everybody_is_heard_in_a_mix_whoever_comes_and_goes() -> None:
    ana, bo = Speaker(), Speaker()
    present, is_over = {ana}, False
    chunks = Mixture(lambda: present, lambda: is_over).chunks(48_000, 2)
    heard: list[int] = []
    async with asyncio.timeout(LIMIT):
        async for chunk in chunks:
            assert chunk.array.shape == (BLOCK, 2)
            heard.append(int(chunk.array[0, 0]))
            for speaker in present:
                speaker.say(value=1000 if speaker is ana else 30_000)
            if heard[-1] == 1000:
                present = {ana, bo}
            elif heard[-1] == 31_000:
                present = {bo}
            elif heard[-1] == 30_000 and 31_000 in heard:
                is_over = True
    assert ana.readers == bo.readers == 0
    assert heard[0] == 0
    assert {1000, 31_000, 30_000} <= set(heard)


async def test_a_mix_of_nobody_is_silence_at_an_even_pace() -> None:
    chunks = Mixture(set, lambda: False).chunks(8_000, 1, ms=10)
    times: list[float] = []
    async with asyncio.timeout(LIMIT), aclosing(chunks.__aiter__()) as pieces:
        for _ in range(30):
            chunk = await anext(pieces)
            assert chunk.array.shape == (80, 1)
            assert not chunk.array.any()
            assert chunk.time <= time.monotonic()
            times.append(chunk.time)
    beats = np.diff(times) / 0.01
    assert np.allclose(beats, beats.round())
    assert beats.min() > 0.5  # of a loop that was busy for long, some are left out
    assert np.median(beats) == pytest.approx(1)
    assert chunks.dropped == 0


@pytest.mark.parametrize(
    ("rate", "channels", "ms", "text"),
    [
        (0, 1, 20, "rate is a whole number"),
        (16_000, 3, 20, "channels is 1 or 2"),
        (16_000, 1, 0, "ms is more than 0"),
        (44_100, 1, 15, r"15 ms at 44100 Hz are 661\.5 samples"),
    ],
)
def test_pieces_that_cannot_be_are_refused(rate: int, channels: int, ms: float, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        SoundForm.of(rate, channels, ms)
