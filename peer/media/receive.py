"""What another user sends. It is taken in from the first packet for life, and decoded only while somebody reads it."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from peer.errors import UsageError
from peer.media.decoding import Decoded, DecodedPicture, Decoding
from peer.media.encoded import EncodedFrame
from peer.media.inbound import Freeze, InboundCounts, Ledger, Step
from peer.media.opus_decoding import RATE, DecodedSound
from peer.media.readable import Readable
from peer.media.sound import Piece
from peer.media.speaking import Speaking

BACKLOG = {"audio": 50, "video": 30}  # frames kept for a slow reader: one second
FORMATS = ("rgb24", "bgr24", "gray")
Sink = Callable[[EncodedFrame], None]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReceivedFrame:
    """One decoded frame: `(H, W, 3)` uint8 of a picture, `(H, W)` if gray, `(samples, channels)` int16 of sound."""

    array: NDArray[Any]
    time: float  # seconds, this machine's monotonic clock, when it was captured, as far as the sender says
    rate: int | None = None  # samples per second, of sound


class Stream(Protocol):
    """One connection's track: what `RemoteMedia` is attached to."""

    kind: str

    def listen(self, listener: "RemoteMedia") -> None:
        """Give what comes to it from now on."""

    def request_key_frame(self) -> None:
        """Ask for a picture that needs no other."""


class RemoteMedia(Readable):
    """One kind of one user's media, through all connections that this user may need."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.ledger = Ledger()
        self.on_freeze: Callable[[Freeze], None] = lambda _: None
        self.on_speech: Callable[[bool], None] = lambda _: None
        self._speaking = Speaking(lambda is_speaking: self.on_speech(is_speaking))
        self._stream: Stream | None = None
        self._sinks: list[Sink] = []
        self._readers: set[_Reader] = set()
        self._decoding: Decoding | None = None
        self._is_closed = False
        self._converting = threading.Lock()  # readers share a frame, and its converter is for one thread at a time

    @property
    def counts(self) -> InboundCounts:
        """What was counted, over all connections; a live view."""
        return self.ledger.counts

    @property
    def frame_count(self) -> int:
        """How many frames have come whole."""
        return self.counts.frames_received

    @property
    def is_speaking(self) -> bool:
        """Whether sound is loud enough for speech, and was a moment ago."""
        return self._speaking.is_speaking

    def attach(self, stream: Stream) -> None:
        """Take in what a connection's track delivers, from now on."""
        if not self._is_closed:
            self._stream = stream
            self._speaking.begin_anew()
            stream.listen(self)

    def request_key_frame(self) -> None:
        """Ask the sender for a picture that needs no other, unless that was done a moment ago."""
        if self._stream is not None:
            self._stream.request_key_frame()

    def tap(self, sink: Sink) -> Callable[[], None]:
        """Give every whole frame from now on to `sink`, not decoded, on the event loop. Returns what ends that.

        A sink that raises is logged and gets nothing more.
        """

        def tapped(frame: EncodedFrame) -> None:
            try:
                sink(frame)
            except Exception:  # it is the program's, and must not end our reception
                log.exception("a tap of %s raised, and has ended", self.kind)
                end()

        def end() -> None:
            if tapped in self._sinks:
                self._sinks.remove(tapped)

        self._sinks.append(tapped)
        return end

    async def frames(self, format: str = "rgb24", *, latest: bool = True) -> AsyncGenerator[ReceivedFrame]:  # noqa: A002 - PyAV's word
        """Yield what arrives, decoded, until the user is gone.

        `format` of pictures: "rgb24" or "bgr24", `(H, W, 3)` uint8, or "gray", `(H, W)`; sound is always int16. With
        `latest` a slow reader gets the newest picture and misses others; without, it gets all in order, of which a
        second is kept. What is missed counts in `counts.frames_dropped`. Up to 100 ms of sound that is lost are made
        up, which counts in `counts.concealed_samples`. Raises `UsageError` for another format.
        """
        if format not in FORMATS:
            raise UsageError(f"format is one of {', '.join(FORMATS)}, not {format!r}.")
        reader = _Reader(1 if latest and self.kind == "video" else BACKLOG[self.kind])
        async with aclosing(self._decoded(reader)) as decoded:
            async for frame in decoded:
                yield await asyncio.to_thread(self._received, frame, format)

    async def pieces(self) -> AsyncGenerator[Piece]:
        """Yield decoded sound as it arrives, until the user is gone: `(samples, 2)` int16 at 48 kHz."""
        async with aclosing(self._decoded(_Reader(BACKLOG["audio"]))) as decoded:
            async for frame in decoded:
                assert isinstance(frame, DecodedSound)
                yield Piece(frame.timestamp, frame.samples, frame.time, frame.is_made_up)

    def close(self) -> None:
        """The user is gone: end every reader."""
        self._is_closed = True
        self._speaking.close()
        self._sinks.clear()
        self._end_decoding()
        for reader in self._readers:
            reader.ready.set()

    def rest(self, *, is_resting: bool) -> None:
        """Take it for no freeze if nothing comes from now on: they do not send it; or do again."""
        self.ledger.flow.rest(is_resting=is_resting)

    # -- what the connection delivers --

    def stepped(self, step: Step) -> None:
        """Take in whole frames, and whether the picture has come to rest or to life."""
        for frame in step.frames:
            for sink in tuple(self._sinks):
                sink(frame)
            if self._decoding is not None:
                self._decoding.feed(frame)
        for news in step.freezes:
            self.on_freeze(news)

    def heard(self, level: int, now: float) -> None:
        """Take in how loud a packet of sound is, dBov."""
        self._speaking.carried(level, now)

    # -- decoding, while somebody reads --

    async def _decoded(self, reader: "_Reader") -> AsyncGenerator[Decoded]:
        self._begin_decoding()
        self._readers.add(reader)
        try:
            while not self._is_closed or reader.frames:
                if (one := await reader.next()) is not None:
                    yield one
        finally:
            self._readers.discard(reader)
            if not self._readers:
                self._end_decoding()

    def _received(self, frame: Decoded, picture_format: str) -> ReceivedFrame:
        if isinstance(frame, DecodedSound):
            return ReceivedFrame(frame.samples.copy(), frame.time, RATE)
        with self._converting:
            return ReceivedFrame(frame.picture.to_ndarray(format=picture_format), frame.time)

    def _begin_decoding(self) -> None:
        if self._decoding is None and not self._is_closed:
            self._decoding = Decoding(self.kind, self._put, self.request_key_frame, self.counts)
            self.request_key_frame()

    def _end_decoding(self) -> None:
        if self._decoding is not None:
            self._decoding.close()
            self._decoding = None

    def _put(self, frame: Decoded) -> None:
        self._count(frame)
        if isinstance(frame, DecodedSound):
            self._speaking.decoded(frame.samples)
        for reader in self._readers:
            self.counts.frames_dropped += reader.put(frame)

    def _count(self, frame: Decoded) -> None:
        counts = self.counts
        if isinstance(frame, DecodedPicture):
            counts.frames_decoded += 1
            counts.key_frames_decoded += frame.is_key
            counts.frame_width, counts.frame_height = frame.picture.width, frame.picture.height
        elif frame.is_made_up:
            counts.concealed_samples += len(frame.samples)
        else:
            counts.frames_decoded += 1


class _Reader:
    def __init__(self, limit: int) -> None:
        self.frames: deque[Decoded] = deque(maxlen=limit)
        self.ready = asyncio.Event()

    def put(self, frame: Decoded) -> bool:
        """Keep a frame; says whether an older one had to go for it."""
        is_full = len(self.frames) == self.frames.maxlen
        self.frames.append(frame)
        self.ready.set()
        return is_full

    async def next(self) -> Decoded | None:
        """Return the oldest that is kept; None when woken for the end."""
        if not self.frames:
            self.ready.clear()
            await self.ready.wait()
        return self.frames.popleft() if self.frames else None
