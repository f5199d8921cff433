"""Sources that the program itself writes, as numpy arrays: pictures and sound, paced by the capture clock.

voice = AudioSource(rate=24_000, channels=1)
await me.publish(voice)
async for samples in speech("Good evening"):
    await voice.write(samples)  # returns when there is room: no sleeping, no counting
voice.clear()  # barge-in: what was not sent yet never will be
"""

from abc import abstractmethod
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import av
import numpy as np
from numpy.typing import NDArray

from peer.capture.clock import AUDIO_RATE, BLOCK
from peer.capture.format import Opened
from peer.capture.source import Kind, Source
from peer.capture.written_input import PictureInput, SoundInput, WrittenInput
from peer.capture.written_pace import Samples
from peer.errors import NotPublished, UsageError

BUFFER = 0.2  # seconds of sound that wait to be sent, at most
SHAPES: dict[str, Callable[[int, int], tuple[int, ...]]] = {
    "rgb24": lambda width, height: (height, width, 3),
    "bgr24": lambda width, height: (height, width, 3),
    "rgba": lambda width, height: (height, width, 4),
    "bgra": lambda width, height: (height, width, 4),
    "gray": lambda width, height: (height, width),
    "yuv420p": lambda width, height: (height * 3 // 2, width),
}
MOST_PIXELS = 8192  # of a side
MOST_FPS = 240
RATES = (8_000, 192_000)  # samples per second

T = TypeVar("T", bound=WrittenInput)


class WrittenSource(Source):
    """What `VideoSource` and `AudioSource` have in common. It may be published again once it was unpublished or ended.

    One writer at a time; `write_nowait`, `clear` and `end` may be called from any thread, at any time.
    """

    is_virtual = True
    _input: WrittenInput | None = None  # what reads it, or was the last to; made in the reader's thread

    @property
    def key(self) -> Hashable:
        """This object: every written source is one of its own."""
        return ("written", id(self))

    @property
    def starved(self) -> float:
        """For how many seconds silence or the last picture was sent because nothing was written, since the first write.

        Counted from the time that it was last published.
        """
        return self._input.starved if self._input is not None else 0.0

    def clear(self) -> None:
        """Throw away what was written and is not sent yet; a `write` that waits gives up and returns False."""
        if self._input is not None:
            self._input.clear()

    def end(self) -> None:
        """That was all: when what waits is sent, the source has ended (`onSourceEnded`). May be called twice."""
        if self._input is not None:
            self._input.end()

    async def drained(self) -> None:
        """Wait until all that was written is sent, or thrown away, or nobody reads it any more."""
        reader = self._input
        while reader is not None and reader.has_work:
            heard = reader.bell.listen()
            if reader.has_work:
                await heard

    def _reader(self, kind: type[T]) -> T:
        """Return what reads it. Raises `NotPublished`."""
        reader = self._input
        if not isinstance(reader, kind):
            raise NotPublished(f"The {self.label} is written to before it is published: await me.publish(...) first.")
        if reader.is_ended:
            raise NotPublished(f"The {self.label} was ended: nothing more can be written.")
        if not reader.is_open:
            raise NotPublished(f"The {self.label} is not published any more: it was unpublished, or we left the room.")
        return reader

    @abstractmethod
    def open_input(self) -> WrittenInput:
        """Begin to take what is written."""


class VideoSource(WrittenSource):
    """Pictures that the program writes, `fps` of them a second; in between and afterwards the last one stands.

    `format` says what is written, uint8 in any case: "rgb24" (the default), "bgr24" (H, W, 3); "rgba", "bgra"
    (H, W, 4, opaque); "gray" (H, W); "yuv420p" (H * 3 / 2, W). Odd sizes lose their last row or column.
    Raises `UsageError` if a size, a rate or a format cannot be.
    """

    def __init__(self, width: int, height: int, fps: float = 30, *, format: str = "rgb24") -> None:  # noqa: A002 - PyAV's word
        if format not in SHAPES:
            raise UsageError(f"{format!r} is no format of a VideoSource: it is one of {', '.join(SHAPES)}.")
        if not (2 <= width <= MOST_PIXELS and 2 <= height <= MOST_PIXELS):
            raise UsageError(f"A picture has 2 to {MOST_PIXELS} pixels a side, not {width}x{height}.")
        if format == "yuv420p" and (width % 2 or height % 2):
            raise UsageError(f"A yuv420p picture has even sides, not {width}x{height}.")
        if not 0 < fps <= MOST_FPS:
            raise UsageError(f"fps is more than 0 and at most {MOST_FPS}, not {fps}.")
        self.width, self.height, self.fps, self.format = width, height, fps, format
        self._shape = SHAPES[format](width, height)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Pictures only."""
        return (Kind.VIDEO,)

    @property
    def label(self) -> str:
        """The source in words."""
        return f"written video {self.width}x{self.height}"

    def open_input(self) -> PictureInput:
        """Begin to take pictures."""
        self._input = PictureInput(
            Opened(width=self.width, height=self.height, fps=float(self.fps), coding=self.format)
        )
        return self._input

    async def write(self, picture: NDArray[np.uint8]) -> bool:
        """Send a picture when it is its turn; return as soon as it waits for that, with at most this one waiting.

        So a loop of writes runs at the source's rate. The array is copied: it may be changed afterwards. Returns False
        if `clear` was called meanwhile and it will not be sent. Raises `UsageError` for another shape or type, and
        `NotPublished`, also if the source is unpublished or we leave the room while this waits.
        """
        frame = self._frame(picture)
        cleared = self._reader(PictureInput).cleared
        while (reader := self._reader(PictureInput)).cleared == cleared:
            heard = reader.bell.listen()
            if reader.put(frame):
                return True
            await heard
        return False

    def write_nowait(self, picture: NDArray[np.uint8]) -> bool:
        """Do as `write` without waiting, from any thread: False if a picture waits already and this one is dropped."""
        return self._reader(PictureInput).put(self._frame(picture))

    def _frame(self, picture: object) -> av.VideoFrame:
        if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.shape != self._shape:
            raise UsageError(
                f"This source takes uint8 arrays of shape {self._shape} ({self.format}), not {_what(picture)}."
            )
        return av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=self.format)


class AudioSource(WrittenSource):
    """Sound that the program writes: `rate` samples a second, of 1 or 2 `channels`; silence while nothing is written.

    Up to 200 ms wait to be sent. Whatever the rate, it is sent as 48 kHz. Raises `UsageError` if a rate or a number of
    channels cannot be.

    Sound and pictures that one task writes in turns stay in sync: both are paced by one clock, and each write returns
    when there is room, so that neither runs ahead.
    """

    def __init__(self, rate: int = 48_000, channels: int = 1) -> None:
        if not RATES[0] <= rate <= RATES[1] or rate % 1:
            raise UsageError(f"rate is a whole number of {RATES[0]} to {RATES[1]} samples per second, not {rate}.")
        if channels not in (1, 2):
            raise UsageError(f"channels is 1 or 2, not {channels}.")
        self.rate, self.channels = int(rate), channels

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Sound only."""
        return (Kind.AUDIO,)

    @property
    def label(self) -> str:
        """The source in words."""
        return f"written audio {self.rate} Hz"

    @property
    def waiting(self) -> float:
        """How many seconds of sound were written and are not sent yet."""
        return self._input.waiting if isinstance(self._input, SoundInput) else 0.0

    def open_input(self) -> SoundInput:
        """Begin to take sound."""
        form = Opened(rate=self.rate, channels=self.channels, sound_coding="s16")
        self._input = SoundInput(form, round((BUFFER - BLOCK / AUDIO_RATE) * self.rate))  # and one block is under way
        return self._input

    async def write(self, samples: NDArray[Any]) -> bool:
        """Send sound after what was written before; return as soon as all of it waits for that: 200 ms at most.

        `samples` are `(samples, channels)` int16, or floats of -1 to 1 (more is clipped); `(samples,)` will do for one
        channel. Any length: a long one is sent as room comes. The array is copied. Returns False if `clear` was called
        meanwhile and the rest will not be sent. Raises `UsageError` for another shape or type, and `NotPublished`, also
        if the source is unpublished or we leave the room while this waits.
        """
        left = self._samples(samples)
        cleared = self._reader(SoundInput).cleared
        while len(left) and (reader := self._reader(SoundInput)).cleared == cleared:
            heard = reader.bell.listen()
            left = left[reader.put(left) :]
            if len(left):
                await heard
        return not len(left)

    def write_nowait(self, samples: NDArray[Any]) -> bool:
        """Do as `write` without waiting, from any thread: False if there is no room for all, and nothing was taken."""
        checked = self._samples(samples)
        return self._reader(SoundInput).put(checked, whole=True) == len(checked)

    def _samples(self, samples: object) -> Samples:
        """Return a copy as (samples, channels) int16. Raises `UsageError`."""
        if not isinstance(samples, np.ndarray) or not (
            samples.dtype == np.int16 or np.issubdtype(samples.dtype, np.floating)
        ):
            raise UsageError(f"This source takes arrays of int16, or of floats of -1 to 1, not {_what(samples)}.")
        if samples.ndim == 1 and self.channels == 1:
            samples = samples.reshape(-1, 1)
        if samples.ndim != 2 or samples.shape[1] != self.channels:
            raise UsageError(f"This source takes arrays of shape (samples, {self.channels}), not {_what(samples)}.")
        if samples.dtype == np.int16:
            return np.array(samples, order="C")
        converted: Samples = (np.nan_to_num(samples).clip(-1, 1) * 32767).astype(np.int16)
        return converted


def _what(given: object) -> str:
    if isinstance(given, np.ndarray):
        return f"{given.dtype} of shape {given.shape}"
    return type(given).__name__
