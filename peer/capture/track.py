"""A track of the program's own as a source, and what reads it: anything with the interface of aiortc's tracks."""

import asyncio
from collections.abc import Coroutine, Hashable
from concurrent.futures import Future
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Protocol

from av import AudioFrame, VideoFrame

from peer.capture.clock import AUDIO_RATE, AudioClock, VideoClock
from peer.capture.convert import SAMPLE_BYTES, Blocks, PictureConverter, SoundConverter, stamp_picture
from peer.capture.device_input import stamp_blocks
from peer.capture.format import Opened
from peer.capture.input import Frame, Input, capture_time
from peer.capture.source import Kind, Source
from peer.errors import UsageError

POLL = 0.02  # seconds between looks whether a track that gives nothing has to be let go


class MediaTrack(Protocol):
    """What a track is, as in `aiortc.MediaStreamTrack`."""

    kind: str

    async def recv(self) -> Any:
        """Return the next `av.VideoFrame` or `av.AudioFrame`."""

    def stop(self) -> None:
        """End the track."""


@dataclass(frozen=True, eq=False)
class Track(Source):
    """A track of your own, like one of `aiortc.contrib.media`, read on the loop on which this is made.

    From now on the peer owns it: it is read for as long as it is published, and its `stop()` is called once, in a
    thread, so that one that blocks holds up nothing. Frames are stamped when they come; the track keeps its own pace.
    """

    track: MediaTrack
    _: KW_ONLY
    loop: asyncio.AbstractEventLoop = field(default_factory=lambda: _running_loop(), repr=False)

    def open_input(self) -> "TrackInput":
        """Begin to read it."""
        return TrackInput(self)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The one that the track has."""
        return (Kind(self.track.kind),)

    @property
    def label(self) -> str:
        """The track in words."""
        return f"{self.track.kind} track {type(self.track).__name__}"

    @property
    def key(self) -> Hashable:
        """The track: two sources of it are one."""
        return ("track", id(self.track))


class TrackInput(Input):
    """A track that is read in a thread, while its `recv()` runs on the loop."""

    def __init__(self, source: Track) -> None:
        self.kinds = source.kinds
        self.form = Opened()
        self._source = source
        self._awaited: Future[Any] | None = None
        self._pictures, self._sound, self._blocks = PictureConverter(), SoundConverter(), Blocks()
        self._video_clock, self._audio_clock = VideoClock(), AudioClock()

    def read(self) -> list[Frame]:
        """Return the next frame, none if it does not come soon. Raises what `recv()` raises."""
        if self._awaited is None:
            self._awaited = asyncio.run_coroutine_threadsafe(_received(self._source.track), self._source.loop)
        try:
            frame = self._awaited.result(POLL)
        except TimeoutError:
            if not self._awaited.done():
                return []
            raise
        self._awaited = None
        return self._converted(frame)

    def delay(self) -> float:
        """Ask again at once: asking waits."""
        return 0.0

    def close(self) -> None:
        """Give up the frame that is awaited, and stop the track."""
        if self._awaited is not None:
            self._awaited.cancel()
        self._source.track.stop()

    def _converted(self, frame: Any) -> list[Frame]:
        now = capture_time()
        if isinstance(frame, VideoFrame):
            self.form = Opened(width=frame.width, height=frame.height, coding=frame.format.name)
            return [stamp_picture(self._pictures.convert(frame), self._video_clock.stamp(now))]
        if isinstance(frame, AudioFrame):
            self.form = Opened(
                rate=frame.sample_rate, channels=frame.layout.nb_channels, sound_coding=frame.format.name
            )
            samples = self._sound.convert(frame)
            at = now - len(samples) / SAMPLE_BYTES / AUDIO_RATE
            return stamp_blocks(self._audio_clock, self._blocks.push(samples, at))
        raise UsageError(f"recv() gave {type(frame).__name__}, which is no av.VideoFrame and no av.AudioFrame")


def _received(track: MediaTrack) -> Coroutine[Any, Any, Any]:
    async def receive() -> Any:
        from aiortc.mediastreams import MediaStreamError  # what helper processes do without

        try:
            return await track.recv()
        except MediaStreamError:
            raise EOFError from None

    return receive()


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise UsageError("make a Track where it is read: in a coroutine, on the loop of its peer") from None
