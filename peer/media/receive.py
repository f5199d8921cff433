"""What another user sends, drained from the first packet for life; programs read the newest when they want it."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

BACKLOG = {"audio": 50, "video": 1}  # frames kept for a reader: one second of sound, the newest picture


@dataclass(frozen=True, slots=True)
class ReceivedFrame:
    """One decoded frame: `(H, W, 3)` uint8 of a picture, `(samples, channels)` int16 of sound."""

    array: NDArray[Any]
    time: float  # seconds, this machine's monotonic clock, when it was decoded
    rate: int | None = None  # samples per second, of sound


class RemoteMedia:
    """One kind of one user's media, through all connections that this user may need."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.frame_count = 0
        self._readers: set[_Reader] = set()
        self._drains: set[asyncio.Task[None]] = set()
        self._closed = False

    def attach(self, track: MediaStreamTrack) -> None:
        """Drain a connection's track from now on: aiortc keeps every frame that nobody takes."""
        if self._closed:
            return
        task = asyncio.create_task(self._drain(track), name=f"drain {self.kind} {track.id}")
        self._drains.add(task)
        task.add_done_callback(self._drains.discard)

    async def frames(self, format: str = "rgb24") -> AsyncIterator[ReceivedFrame]:  # noqa: A002 - PyAV's word
        """Yield what arrives, newest first to be kept: a slow reader misses frames, never falls behind.

        `format` is PyAV's name of a packed picture format (`rgb24`, `bgr24`, `gray`); sound is always int16.
        Ends when the user is gone.
        """
        reader = _Reader(BACKLOG[self.kind])
        self._readers.add(reader)
        try:
            while not self._closed or reader.frames:
                frame = await reader.next()
                if frame is not None:
                    yield await asyncio.to_thread(_received, frame, format)
        finally:
            self._readers.discard(reader)

    def close(self) -> None:
        """The user is gone: end the drains and every reader."""
        self._closed = True
        for task in tuple(self._drains):
            task.cancel()
        for reader in self._readers:
            reader.ready.set()

    async def _drain(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, AudioFrame | VideoFrame):
                self._put(frame)

    def _put(self, frame: AudioFrame | VideoFrame) -> None:
        self.frame_count += 1
        for reader in self._readers:
            reader.put(frame)


class _Reader:
    def __init__(self, limit: int) -> None:
        self.frames: deque[tuple[AudioFrame | VideoFrame, float]] = deque(maxlen=limit)
        self.ready = asyncio.Event()

    def put(self, frame: AudioFrame | VideoFrame) -> None:
        self.frames.append((frame, time.monotonic()))
        self.ready.set()

    async def next(self) -> tuple[AudioFrame | VideoFrame, float] | None:
        """Return the oldest that is kept; None when woken for the end."""
        if not self.frames:
            self.ready.clear()
            await self.ready.wait()
        return self.frames.popleft() if self.frames else None


def _received(frame_and_time: tuple[AudioFrame | VideoFrame, float], picture_format: str) -> ReceivedFrame:
    frame, at = frame_and_time
    if isinstance(frame, VideoFrame):
        return ReceivedFrame(frame.to_ndarray(format=picture_format), at)
    samples = np.asarray(frame.to_ndarray(), dtype=np.int16)
    return ReceivedFrame(samples.reshape(-1, frame.layout.nb_channels), at, frame.sample_rate)
