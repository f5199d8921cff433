"""Everybody's sound as one: even pieces of numpy, by our own clock. Nothing is decoded while nobody reads."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing

from peer.capture.clock import Metronome
from peer.media.sound import Audible, Chunks, SoundChunk, SoundForm
from peer.media.sound_mixing import Voice, mix

RESERVE = 0.04  # seconds of each voice that wait before it is mixed
MOST = 0.2  # seconds of each voice that may wait
SLACK = 5  # pieces of a mix that are made up for when the loop was busy


class Mixture:
    """Everybody's sound as one. `voices` returns whose, at any time; `is_over` whether that is all."""

    def __init__(self, voices: Callable[[], Collection[Audible]], is_over: Callable[[], bool]) -> None:
        self._voices, self._is_over = voices, is_over

    def chunks(self, rate: int = 16_000, channels: int = 1, ms: float = 20) -> "MixedChunks":
        """Return the sum of all, in pieces of `ms` milliseconds, as an async iterable of `SoundChunk`.

        `.array` is `(samples, channels)` int16, clipped. It comes evenly, by our clock, silence included, about 60 ms
        behind each voice; users come and go. It ends when we leave the room. Raises `UsageError` as `chunks` of a user
        does.
        """
        return MixedChunks(self._voices, self._is_over, SoundForm.of(rate, channels, ms))


class MixedChunks:
    """A mix that is read. `dropped` is how many seconds of voices were too late for it."""

    def __init__(self, voices: Callable[[], Collection[Audible]], is_over: Callable[[], bool], form: SoundForm) -> None:
        self.form = form
        self._voices, self._is_over = voices, is_over
        self._speakers: dict[Audible, _Speaker] = {}
        self._past = 0.0  # seconds dropped of those who are gone

    @property
    def dropped(self) -> float:
        """Seconds of sound, of all voices together, for which the mix was too late."""
        return self._past + sum(speaker.dropped for speaker in self._speakers.values())

    async def __aiter__(self) -> AsyncGenerator[SoundChunk]:
        form, metronome = self.form, Metronome(self.form.seconds, time.monotonic(), SLACK)
        try:
            while not self._is_over():
                self._review()
                while (beat := metronome.beat(time.monotonic())) is not None:
                    taken = (speaker.voice.take(form.length) for speaker in self._speakers.values())
                    mixed = mix((samples for samples in taken if samples is not None), form.length, form.channels)
                    yield SoundChunk(mixed, metronome.moment(beat), form.rate)
                await asyncio.sleep(max(metronome.next_moment() - time.monotonic(), 0))
        finally:
            tasks = [speaker.stop() for speaker in self._speakers.values()]
            if tasks:
                await asyncio.wait(tasks)

    def _review(self) -> None:
        """Hear who has come, and forget who has gone."""
        present = self._voices()
        for source in present:
            if source not in self._speakers:
                self._speakers[source] = _Speaker(source, self.form)
        for source in [source for source in self._speakers if source not in present]:
            gone = self._speakers.pop(source)
            self._past += gone.dropped
            gone.stop()


class _Speaker:
    """One user in a mix: a task that reads what they say."""

    def __init__(self, source: Audible, form: SoundForm) -> None:
        self._form = form
        reserve = max(round(RESERVE * form.rate), form.length)
        self.voice = Voice(reserve=reserve, most=reserve + round(MOST * form.rate))
        self._chunks = Chunks(source, form, MOST)
        self._task = asyncio.create_task(self._read(), name="voice in a mix")

    @property
    def dropped(self) -> float:
        """Seconds."""
        return self.voice.dropped / self._form.rate + self._chunks.dropped

    def stop(self) -> "asyncio.Task[None]":
        """Read no more; the task that is returned ends soon."""
        self._task.cancel()
        return self._task

    async def _read(self) -> None:
        async with aclosing(self._chunks.__aiter__()) as chunks:
            async for chunk in chunks:
                self.voice.push(chunk.array)
