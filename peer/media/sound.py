"""One user's sound as even pieces of numpy. Nothing is decoded while nobody reads.

What arrives is made a stream by `sound_timeline.py`; here it is waited for, resampled and kept for whoever reads.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

import av
import numpy as np
from av.audio.resampler import AudioResampler

from peer.errors import UsageError
from peer.media.sound_timeline import RATE, Chunk, Cutter, Samples, Timeline
from peer.media.sound_waiting import Waiting

TICK = 0.02  # seconds between looks whether something ought to have come
RATES = (8_000, 192_000)  # samples per second
LONGEST = 1_000  # milliseconds of one piece


@dataclass(frozen=True, slots=True)
class Piece:
    """Decoded sound as it arrived: `(samples, 2)` int16 at 48 kHz.

    `at` is the number of its first sample by the sender's count, `time` when that was captured, in seconds.
    """

    at: int
    samples: Samples
    time: float
    is_made_up: bool = False  # by the decoder, in the place of what was lost


class Audible(Protocol):
    """Whose sound can be read."""

    def pieces(self) -> AsyncGenerator[Piece]:
        """Return what arrives from now on, until the user is gone; decoded while this is iterated."""


@dataclass(frozen=True, slots=True)
class SoundForm:
    """What sound is to be like: samples per second, channels, samples of each piece."""

    rate: int
    channels: int
    length: int

    @classmethod
    def of(cls, rate: int, channels: int, ms: float) -> "SoundForm":
        """Return the form of pieces of `ms` milliseconds. Raises `UsageError` if there can be no such pieces."""
        if not RATES[0] <= rate <= RATES[1] or rate % 1:
            raise UsageError(f"rate is a whole number of {RATES[0]} to {RATES[1]} samples per second, not {rate}.")
        if channels not in (1, 2):
            raise UsageError(f"channels is 1 or 2, not {channels}.")
        if not 0 < ms <= LONGEST:
            raise UsageError(f"ms is more than 0 and at most {LONGEST}, not {ms}.")
        if (rate * ms) % 1000:
            raise UsageError(f"{ms} ms at {rate} Hz are {rate * ms / 1000} samples: choose a length of whole samples.")
        return cls(int(rate), channels, round(rate * ms / 1000))

    @property
    def seconds(self) -> float:
        """How long each piece is."""
        return self.length / self.rate


@dataclass(frozen=True, slots=True)
class SoundChunk:
    """An even piece of sound: `(samples, channels)` int16."""

    array: Samples
    time: float  # seconds, this machine's monotonic clock, when it was captured; of a mix, when it was mixed
    rate: int  # samples per second


class Chunks:
    """One user's sound in even pieces: an async iterable of `SoundChunk`. `backlog`: seconds kept for a late reader.

    It begins with the first sound and ends when the user is gone. `dropped`, `concealed` and `filled` count seconds.
    """

    def __init__(self, source: Audible, form: SoundForm, backlog: float) -> None:
        self.form = form
        self._source = source
        self._timeline = Timeline(2)
        self._waiting = Waiting(max(round(backlog / form.seconds), 1), form.seconds)

    @property
    def dropped(self) -> float:
        """Seconds of sound that came too late, for which the reader was too slow, or that would have kept it late."""
        return self._timeline.dropped / RATE + self._waiting.skipped * self.form.seconds

    @property
    def concealed(self) -> float:
        """Seconds of sound that the decoder made up in the place of what was lost: the first 100 ms of each gap."""
        return self._timeline.concealed / RATE

    @property
    def filled(self) -> float:
        """Seconds of silence in the place of sound that was lost for longer, late or not sent."""
        return self._timeline.filled / RATE

    async def __aiter__(self) -> AsyncGenerator[SoundChunk]:
        news = asyncio.Event()
        self._waiting.begin_anew()
        pumping = asyncio.create_task(self._pump(news), name="chunks of sound")
        pumping.add_done_callback(lambda _: news.set())
        try:
            while True:
                news.clear()
                while (chunk := self._waiting.take()) is not None:
                    yield SoundChunk(chunk.samples, chunk.time, self.form.rate)
                if pumping.done():
                    await pumping  # raises what went wrong, if it did
                    return
                await news.wait()
        finally:
            pumping.cancel()
            await asyncio.wait({pumping})

    async def _pump(self, news: asyncio.Event) -> None:
        """Make what arrives even pieces."""
        async with aclosing(self._stream()) as stream:
            async for chunk in stream:
                self._waiting.put(chunk)
                news.set()

    async def _stream(self) -> AsyncGenerator[Chunk]:
        resample, cutter, ends_at = _resampling(self.form), Cutter(self.form.length, self.form.rate), 0.0
        async with aclosing(self._arriving()) as arriving:
            async for piece in arriving:
                if piece is None:
                    samples = self._timeline.idle(time.monotonic())
                    ends_at += len(samples) / RATE
                else:
                    samples = self._timeline.push(
                        piece.at, piece.samples, time.monotonic(), is_made_up=piece.is_made_up
                    )
                    ends_at = piece.time + len(piece.samples) / RATE
                for chunk in cutter.push(resample(samples), ends_at) if len(samples) else ():
                    yield chunk

    async def _arriving(self) -> AsyncGenerator[Piece | None]:
        """Yield what arrives, and None whenever nothing does for a tick."""
        pieces = self._source.pieces()
        coming: asyncio.Task[Piece | None] | None = None
        try:
            while True:
                coming = coming or asyncio.create_task(_next(pieces))
                await asyncio.wait({coming}, timeout=TICK)
                if not coming.done():
                    yield None
                    continue
                piece, coming = coming.result(), None
                if piece is None:
                    return
                yield piece
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.wait({coming})
            await pieces.aclose()


def _resampling(form: SoundForm) -> Callable[[Samples], Samples]:
    """Return what turns stereo at 48 kHz into sound of a form, piece by piece."""
    if (form.rate, form.channels) == (RATE, 2):
        return lambda samples: samples
    resampler = AudioResampler("s16", "mono" if form.channels == 1 else "stereo", form.rate)

    def resample(samples: Samples) -> Samples:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate = RATE
        pieces = [piece.to_ndarray().reshape(-1, form.channels) for piece in resampler.resample(frame)]
        return np.concatenate(pieces) if pieces else np.zeros((0, form.channels), np.int16)

    return resample


async def _next(pieces: AsyncGenerator[Piece]) -> Piece | None:
    return await anext(pieces, None)
