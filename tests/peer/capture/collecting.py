"""A subscriber that keeps what it gets, and the check that a release is what it says."""

import asyncio
from collections.abc import Callable

import av
import numpy as np
from numpy.typing import NDArray

from peer.capture import Capture, Frame, Kind
from peer.capture.handles import open_handles
from peer.events import Outcome

LIMIT = 20.0  # seconds


class Collector:
    """Subscribes to everything a capture gives; `at_once` none of it is dropped, however busy the loop is."""

    def __init__(self, capture: Capture, *, at_once: bool = False) -> None:
        self.frames: dict[Kind, list[Frame]] = {kind: [] for kind in capture.kinds}
        self.endings: list[str | None] = []
        self._news, self._loop = asyncio.Event(), asyncio.get_running_loop()
        first, *others = capture.kinds
        capture.subscribe(first, lambda frame: self._take(first, frame), self._end, at_once=at_once)
        for kind in others:
            capture.subscribe(kind, lambda frame, kind=kind: self._take(kind, frame), at_once=at_once)

    async def until(self, kind: Kind, count: int) -> list[Frame]:
        """Return as soon as there are that many frames of a kind."""
        await self.until_true(lambda: len(self.frames[kind]) >= count)
        return self.frames[kind]

    async def until_true(self, condition: Callable[[], bool]) -> None:
        """Wait, frame by frame, until a condition holds."""
        async with asyncio.timeout(LIMIT):
            while not condition():
                await self._next()

    async def ended(self) -> str | None:
        """Return what was said at the end."""
        async with asyncio.timeout(LIMIT):
            while not self.endings:
                await self._next()
        return self.endings[0]

    async def _next(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _take(self, kind: Kind, frame: Frame) -> None:
        self.frames[kind].append(frame)
        self._loop.call_soon_threadsafe(self._news.set)

    def _end(self, text: str | None) -> None:
        self.endings.append(text)
        self._news.set()


def stamps(frames: list[Frame]) -> list[int]:
    return [frame.pts for frame in frames if frame.pts is not None]


def peak(frames: list[Frame]) -> float:
    """Return the strongest frequency, in Hz, of frames of sound."""
    left = np.concatenate([samples(frame)[:, 0] for frame in frames]).astype(float)
    return float(np.abs(np.fft.rfft(left * np.hanning(len(left)))).argmax() * 48_000 / len(left))


def samples(frame: Frame) -> NDArray[np.int16]:
    assert isinstance(frame, av.AudioFrame)
    return frame.to_ndarray().reshape(-1, 2)


def assert_forms(frames: dict[Kind, list[Frame]]) -> None:
    for frame in (frame for kind in frames for frame in frames[kind]):
        if isinstance(frame, av.VideoFrame):
            assert (frame.format.name, frame.pict_type, str(frame.time_base)) == ("yuv420p", 0, "1/90000")
            assert (frame.width % 2, frame.height % 2) == (0, 0)
        else:
            form = (frame.format.name, frame.layout.name, frame.samples, frame.sample_rate, str(frame.time_base))
            assert form == ("s16", "stereo", 960, 48_000, "1/48000")


async def assert_released(capture: Capture, path: str = "") -> None:
    """Release a capture and check that it is gone."""
    released = await capture.release()
    assert released.outcome is Outcome.VERIFIED, released
    assert (await capture.release()).outcome is released.outcome
    assert not capture._reader.is_alive
    if path:
        assert [handle for handle in open_handles() or () if handle.target == path] == []
