"""A decoder in a thread of its own, for as long as somebody wants to see or hear.

It never holds the loop up, and never falls behind: if frames wait for it that make half a second, they are dropped and
it goes on with the next picture that needs no other.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import av
from av import VideoFrame

from peer.media.encoded import EncodedFrame
from peer.media.inbound import InboundCounts
from peer.media.opus_decoding import DecodedSound, OpusDecoder

MOST_WAITING = {"video": 15, "audio": 50}  # frames
LARGEST = 8192 * 4320  # pixels: a picture that says it has more is not decoded


@dataclass(frozen=True, slots=True)
class DecodedPicture:
    """A picture, and what is known of it, as of an `EncodedFrame`."""

    picture: VideoFrame
    time: float
    is_key: bool


Decoded = DecodedPicture | DecodedSound


class Decoder(Protocol):
    """Decodes one codec's frames, in their order."""

    def decode(self, frame: EncodedFrame) -> Sequence[Decoded]:
        """Return what there is to show or to hear with a frame. Raises `av.FFmpegError` if it is broken."""


class Decoding:
    """Decodes what is fed to it. `on_decoded` and `on_broken` are called on the loop; `counts` is told what is dropped.

    `on_broken` asks for a key frame: without one nothing more can be decoded.
    """

    def __init__(
        self,
        kind: str,
        on_decoded: Callable[[Decoded], None],
        on_broken: Callable[[], None],
        counts: InboundCounts,
    ) -> None:
        self._kind, self._counts = kind, counts
        self._on_decoded, self._on_broken = on_decoded, on_broken
        self._needs_key = True
        self._waiting: queue.SimpleQueue[EncodedFrame | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name=f"decode {kind}", daemon=True)
        self._thread.start()

    def feed(self, frame: EncodedFrame) -> None:
        """Have a frame decoded, after those before it."""
        if self._waiting.qsize() >= MOST_WAITING[self._kind]:
            self._drop_waiting()
        if self._needs_key and not frame.is_key:
            self._counts.frames_dropped += 1
            self._on_broken()
            return
        self._needs_key = False
        self._waiting.put(frame)

    def close(self) -> None:
        """End, after the frame that is being decoded. Nothing is called from now on."""
        if not self._is_closed:
            self._is_closed = True
            self._drop_waiting()
            self._waiting.put(None)

    def _drop_waiting(self) -> None:
        self._needs_key = True
        try:
            while True:
                self._waiting.get_nowait()
                self._counts.frames_dropped += 1
        except queue.Empty:
            return

    # -- in the thread --

    def _work(self) -> None:
        codec, decoder = "", None
        while (frame := self._waiting.get()) is not None:
            if decoder is None or frame.codec != codec:
                codec, decoder = frame.codec, _decoder(frame.codec)
            try:
                decoded = decoder.decode(frame)
            except av.FFmpegError:
                self._call(self._broke)
                continue
            for one in decoded:
                self._call(self._decoded, one)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:  # the loop has ended before us
            self._is_closed = True

    # -- on the loop --

    def _decoded(self, decoded: Decoded) -> None:
        if not self._is_closed:
            self._on_decoded(decoded)

    def _broke(self) -> None:
        if not self._is_closed:
            self._counts.frames_dropped += 1
            self._needs_key = True
            self._on_broken()


class PictureDecoder:
    """Decodes VP8 or H.264, and hands out each picture at once."""

    def __init__(self, codec: str) -> None:
        decoder = av.CodecContext.create(codec, "r")
        assert isinstance(decoder, av.VideoCodecContext)
        decoder.options = {"max_pixels": str(LARGEST)}
        decoder.thread_count = 1  # frame threads would each hold a frame back
        decoder.flags |= av.codec.context.Flags.low_delay
        self._decoder = decoder

    def decode(self, frame: EncodedFrame) -> list[DecodedPicture]:
        """Return the pictures that are complete with this frame. Raises `av.FFmpegError` if it is broken."""
        pictures = self._decoder.decode(av.Packet(frame.payload))
        return [DecodedPicture(picture, frame.time, frame.is_key) for picture in pictures]


def _decoder(codec: str) -> Decoder:
    return OpusDecoder() if codec == "opus" else PictureDecoder(codec)
