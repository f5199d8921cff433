"""One picture of everybody, in a grid, and one sound: decoded, composed at an even rate, and encoded again.

It is made a moment after the fact, so that what belongs together has come. Who shows nothing for two seconds has no
part in the grid; with nobody in it the picture is black.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction

import av

from peer.media.encoded import EncodedFrame
from peer.media.encoders.base import CodecEncoder
from peer.media.encoders.opus import OpusEncoder
from peer.media.encoders.vpx import VpxEncoder
from peer.media.encoders.x264 import X264Encoder
from peer.media.opus_decoding import RATE
from peer.recording.backlog import Entry
from peer.recording.form import EVERYBODY
from peer.recording.grid import cells
from peer.recording.mixer import Mixer, Samples
from peer.recording.pane import PIXELS, Pane, planes_of
from peer.recording.voice import Voice

WIDTH, HEIGHT, FPS = 1280, 720, 15
BITRATE = 2_000_000  # bits per second
KEY_EVERY = 2 * FPS  # pictures
DELAY = 0.4  # seconds until what was captured at the same time has come
MOST_BEHIND = 2.0  # seconds: a machine that is too slow leaves pictures out beyond that
BLACK = (16, 128, 128)
TICKS = 90_000


class Composite:
    """What a writer has done to its entries: all that come become one picture and one sound."""

    def __init__(self, container: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        encoder = VpxEncoder if container == "webm" else X264Encoder
        self._encoder: CodecEncoder = encoder(size=(WIDTH, HEIGHT), fps=FPS, bitrate=BITRATE)
        self._codec = self._encoder.codec.lower()
        self._opus = OpusEncoder()
        self._panes: dict[str, Pane] = {}
        self._voices: dict[str, Voice] = {}
        self._mixer = Mixer()
        self._origin: float | None = None
        self._newest = 0.0
        self._count = 0  # pictures

    def __call__(self, entries: Iterable[Entry], *, is_over: bool) -> Iterator[Entry]:
        """Take in entries; give what has become of those before, and of all if nothing comes any more."""
        for entry in entries:
            self._take(entry.user, entry.frame)
        if self._origin is None:
            return
        until = self._newest if is_over else self._clock() - DELAY
        for frame in (*self._pictures(until), *self._sounds(until)):
            yield Entry("", EVERYBODY, frame)

    def _take(self, user: str, frame: EncodedFrame) -> None:
        self._origin = frame.time if self._origin is None else self._origin
        self._newest = max(self._newest, frame.time)
        if frame.kind == "video":
            if user not in self._panes or self._panes[user].codec != frame.codec:
                self._panes[user] = Pane(frame.codec)
            self._panes[user].take(frame, self._moment(frame.time))
        else:
            for position, samples in self._voice(user).decode(frame, self._origin):
                self._mixer.add(position, samples)

    def _moment(self, at: float) -> int:
        """Return the number of the composed picture that is nearest to what was captured then: so lips stay in sync."""
        assert self._origin is not None
        return math.ceil((at - self._origin) * FPS - 0.5)

    def _voice(self, user: str) -> Voice:
        if user not in self._voices:
            self._voices[user] = Voice()
        return self._voices[user]

    def _pictures(self, until: float) -> Iterator[EncodedFrame]:
        """Give the pictures of all moments that have come."""
        assert self._origin is not None
        behind = until - MOST_BEHIND - self._origin
        self._count = max(self._count, int(behind * FPS))
        while (at := self._origin + self._count / FPS) <= until:
            encoded = self._encoder.encode(self._composed(at), key=self._count % KEY_EVERY == 0)
            ticks = self._count * TICKS // FPS
            self._count += 1
            if encoded is not None:
                yield _frame("video", self._codec, encoded.bitstream, encoded.is_key, ticks, TICKS, self._origin)

    def _composed(self, at: float) -> av.VideoFrame:
        frame = av.VideoFrame(WIDTH, HEIGHT, PIXELS)
        frame.pts, frame.time_base = self._count, Fraction(1, FPS)
        canvas = planes_of(frame)
        for plane, level in zip(canvas, BLACK, strict=True):
            plane[:] = level
        there = [pane for pane in self._panes.values() if pane.is_there(self._count, at)]
        for pane, cell in zip(there, cells(len(there), WIDTH, HEIGHT), strict=True):
            pane.draw(canvas, cell)
        return frame

    def _sounds(self, until: float) -> Iterator[EncodedFrame]:
        assert self._origin is not None
        for position, samples in self._mixer.take(int((until - self._origin) * RATE)):
            encoded = self._opus.encode(_sound(samples, position))
            if encoded is not None:
                yield _frame("audio", "opus", encoded.bitstream, True, position, RATE, self._origin)


def _sound(samples: Samples, position: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", "stereo")
    frame.sample_rate, frame.pts, frame.time_base = RATE, position, Fraction(1, RATE)
    return frame


def _frame(kind: str, codec: str, payload: bytes, is_key: bool, ticks: int, rate: int, origin: float) -> EncodedFrame:
    return EncodedFrame(
        kind,
        codec,
        payload,
        is_key=is_key,
        timestamp=ticks,
        clock_rate=rate,
        time=origin + ticks / rate,
        is_mapped=True,
        follows_gap=False,
    )
