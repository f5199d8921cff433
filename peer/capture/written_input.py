"""What reads a written source: the writer's side is used from any thread, the reader's by the source's own thread.

Both sides meet under one lock; a writer without room listens to the bell, which rings whenever something was taken.
"""

import threading
from abc import abstractmethod
from collections.abc import Sequence

import av

from peer.capture.clock import AUDIO_RATE, BLOCK, AudioClock, Metronome, VideoClock
from peer.capture.convert import (
    BLOCK_BYTES,
    SAMPLE_BYTES,
    PictureConverter,
    SoundConverter,
    block_frame,
    copy_picture,
    stamp_picture,
)
from peer.capture.format import Opened
from peer.capture.input import Frame, Input, capture_time
from peer.capture.source import Kind
from peer.capture.written_bell import Bell
from peer.capture.written_pace import PicturePace, SampleQueue, Samples

POLL = 0.02  # seconds that the reader's thread waits at most before it looks whether it is to stop
SLACK = 10  # blocks that are made up for when the thread was held up: as much as may wait


class WrittenInput(Input):
    """What sound and pictures have in common. `cleared` counts how often what waits was thrown away."""

    is_live = False  # there is nothing to prove, and perhaps nothing is written yet

    def __init__(self) -> None:
        self.bell = Bell()
        self.cleared = 0
        self.is_open = True
        self.is_ended = False
        self._changed = threading.Condition()

    @property
    @abstractmethod
    def is_empty(self) -> bool:
        """Whether all that was written is sent."""

    @property
    def has_work(self) -> bool:
        """Whether something waits and will be sent."""
        return self.is_open and not self.is_empty

    @property
    @abstractmethod
    def starved(self) -> float:
        """Seconds for which nothing was there to send, since the first write."""

    def end(self) -> None:
        """Nothing more will be written: end with what waits."""
        with self._changed:
            self.is_ended = True
            self._changed.notify_all()

    def clear(self) -> None:
        """Throw away what waits."""
        with self._changed:
            self.cleared += 1
            self._forget()
        self.bell.ring()

    def delay(self) -> float:
        """Look again at once: looking waits."""
        return 0.0

    def close(self) -> None:
        """Take nothing more."""
        self.is_open = False
        self.bell.ring()

    @abstractmethod
    def _forget(self) -> None:
        """Throw away what waits, under the lock."""


class PictureInput(WrittenInput):
    """Sends written pictures at an even rate, and the last one again while there is none."""

    kinds = (Kind.VIDEO,)

    def __init__(self, form: Opened) -> None:
        super().__init__()
        assert form.fps
        self.form = form
        self._pace = PicturePace(1 / form.fps)
        self._clock = VideoClock()
        self._converter = PictureConverter(owned=True)
        self._waiting: av.VideoFrame | None = None
        self._written = 0.0  # when that was, seconds
        self._last: av.VideoFrame | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no picture waits."""
        return self._waiting is None

    @property
    def starved(self) -> float:
        """Seconds for which the last picture stood still."""
        return self._pace.starved

    def put(self, picture: av.VideoFrame) -> bool:
        """Leave a picture, which is ours from now on; False if one waits already."""
        with self._changed:
            if self._waiting is not None:
                return False
            self._waiting, self._written = picture, capture_time()
            self._changed.notify_all()
        return True

    def read(self) -> Sequence[Frame]:
        """Return the picture that is due. Raises `EOFError` after the last."""
        with self._changed:
            now = capture_time()
            if self._waiting is None:
                return self._idle(now)
            moment = self._pace.next(now, self._written)
            if moment is None:
                self._changed.wait(min(self._pace.wait(now), POLL))
                return []
            picture, self._waiting = self._waiting, None
        self.bell.ring()
        self._last = self._converter.convert(picture)
        return [self._stamped(self._last, moment)]

    def _idle(self, now: float) -> Sequence[Frame]:
        if self.is_ended and not self._pace.wait(now):
            raise EOFError
        if self._last is not None and self._pace.again(now):
            return [self._stamped(self._last, now)]
        self._changed.wait(POLL)
        return []

    def _stamped(self, picture: av.VideoFrame, moment: float) -> av.VideoFrame:
        """Return a copy: what is handed out is not to change, and this one may be needed again."""
        return stamp_picture(copy_picture(picture), self._clock.stamp(moment))

    def _forget(self) -> None:
        self._waiting = None


class SoundInput(WrittenInput):
    """Sends written sound in blocks of 20 ms, and silence where there is none."""

    kinds = (Kind.AUDIO,)

    def __init__(self, form: Opened, capacity: int) -> None:
        super().__init__()
        assert form.rate
        self.form = form
        self._rate, self._layout = form.rate, "mono" if form.channels == 1 else "stereo"
        self._queue = SampleQueue(capacity)
        self._blocks = Metronome(BLOCK / AUDIO_RATE, capture_time(), SLACK)
        self._clock = AudioClock()
        self._converter = SoundConverter()
        self._pending = bytearray()  # converted already
        self._has_begun = False
        self._starved = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether no sound waits."""
        return not self._queue and not self._pending

    @property
    def starved(self) -> float:
        """Seconds of silence that were sent because nothing else was there."""
        return self._starved

    @property
    def waiting(self) -> float:
        """Seconds of sound that wait."""
        return len(self._queue) / self._rate + len(self._pending) / SAMPLE_BYTES / AUDIO_RATE

    def put(self, samples: Samples, *, whole: bool = False) -> int:
        """Leave as many samples as there is room for and return how many; with `whole` all of them or none."""
        with self._changed:
            count = min(len(samples), self._queue.room)
            if not count or (whole and count < len(samples)):
                return 0
            self._queue.put(samples[:count], capture_time())
            self._has_begun = True
        return count

    def read(self) -> Sequence[Frame]:
        """Return the block that is due. Raises `EOFError` after the last."""
        with self._changed:
            now = capture_time()
            if self.is_ended and self.is_empty:
                raise EOFError
            beat = self._blocks.beat(now)
            if beat is None:
                self._changed.wait(min(max(self._blocks.next_moment() - now, 0.0), POLL))
                return []
            moment = self._blocks.moment(beat)
            block = self._block(moment)
        self.bell.ring()
        stamp = self._clock.stamp(moment)
        return [] if stamp is None else [block_frame(block, stamp)]

    def _block(self, moment: float) -> bytes:
        """Return the block for a moment, of what was written before it."""
        most = self._rate * BLOCK // AUDIO_RATE
        while len(self._pending) < BLOCK_BYTES and (piece := self._queue.take(most, moment)) is not None:
            self._pending += self._converted(piece)
        block = bytes(self._pending[:BLOCK_BYTES])
        del self._pending[:BLOCK_BYTES]
        if self._has_begun:
            self._starved += (BLOCK_BYTES - len(block)) / SAMPLE_BYTES / AUDIO_RATE
        return block.ljust(BLOCK_BYTES, b"\0")

    def _converted(self, samples: Samples) -> bytes:
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout=self._layout)
        frame.sample_rate = self._rate
        return self._converter.convert(frame)

    def _forget(self) -> None:
        self._queue.clear()
        self._pending.clear()
        self._converter = SoundConverter()  # it holds back a little, too
