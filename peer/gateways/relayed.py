"""A source of what somebody else has encoded: a picture or a sound that arrives by one connection and leaves by others.

the loop ──feed──► what waits ──the source's thread──► as it is, to whom it fits; decoded, only while somebody needs it
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence

from peer.capture.coded import Coded, Coding, Pictures
from peer.capture.format import Opened
from peer.capture.input import Frame, Input, capture_epoch
from peer.capture.source import Kind, Source
from peer.gateways.relayed_clock import RelayedClock
from peer.gateways.relayed_frames import RelayedFrames
from peer.media.encoded import EncodedFrame

POLL = 0.02  # seconds that the thread waits at most before it looks whether it is to stop
MOST = 60  # frames that wait for the thread: more than a second of sound, two of pictures


class Relayed(Source):
    """One kind of one sender, as it comes; it may be published once, and is to be fed.

    `ask` is called, in any thread, for a picture that needs no other.
    """

    is_virtual = True

    def __init__(self, label: str, kind: Kind, coding: Coding, ask: Callable[[], None]) -> None:
        self._label, self._kind = label, kind
        self._input = RelayedInput(kind, coding, ask)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The one that it is of."""
        return (self._kind,)

    @property
    def label(self) -> str:
        """Whose it is, in words."""
        return self._label

    @property
    def key(self) -> Hashable:
        """This object."""
        return ("relayed", id(self))

    def open_input(self) -> "RelayedInput":
        """Begin to take what is fed."""
        return self._input

    def feed(self, frame: EncodedFrame) -> None:
        """Pass a frame on, after those before it. From any thread; it never waits."""
        self._input.feed(frame)


class RelayedInput(Input):
    """Hands out what was fed: encoded as it came, and decoded, as is wanted."""

    is_live = False  # there is nothing to prove

    def __init__(self, kind: Kind, coding: Coding, ask: Callable[[], None]) -> None:
        self.kinds = (kind,)
        self.coded: Mapping[Kind, Coding] = {kind: coding}
        self.form = _form(kind, coding)
        self._kind, self._codec, self._ask = kind, coding.codec, ask
        self._is_passed = True  # until it comes in another codec
        self._changed = threading.Condition()
        self._waiting: deque[EncodedFrame] = deque()
        self._needs_key = kind is Kind.VIDEO
        rate = {Kind.VIDEO: 90_000, Kind.AUDIO: 48_000}[kind]
        self._clock = RelayedClock(rate, is_gapless=kind is Kind.VIDEO)
        self._pictures = Pictures(coding.codec)
        self._frames = RelayedFrames(kind, ask)

    def feed(self, frame: EncodedFrame) -> None:
        """Leave a frame; when too many wait, all of them go, and of pictures those up to the next key frame."""
        with self._changed:
            if len(self._waiting) >= MOST:
                self._waiting.clear()
                self._needs_key = self._kind is Kind.VIDEO
                self._ask()
            if self._needs_key and not frame.is_key:
                return
            self._needs_key = False
            self._waiting.append(frame)
            self._changed.notify_all()

    def read(self) -> Sequence[Frame | Coded]:
        """Return what has come, or nothing after a moment."""
        with self._changed:
            if not self._waiting:
                self._changed.wait(POLL)
            frames = tuple(self._waiting)
            self._waiting.clear()
        return [item for frame in frames for item in self._take(frame)]

    def delay(self) -> float:
        """Look again at once: looking waits."""
        return 0.0

    def close(self) -> None:
        """Keep nothing."""
        self._waiting.clear()

    def _take(self, frame: EncodedFrame) -> list[Frame | Coded]:
        stamp = self._clock.stamp(frame.timestamp, frame.time - capture_epoch())
        if stamp is None:
            return []
        items: list[Frame | Coded] = []
        if self._kind in self.demand.coded and self._is_passed:
            items.append(self._coded(frame, stamp))
        if self._kind in self.demand.frames:
            items += self._frames.decode(frame, stamp)
        else:
            self._frames.rest()
        return items

    def _coded(self, frame: EncodedFrame, stamp: int) -> Coded:
        """Return what passes; an empty one, once, if the sender has gone over to another codec."""
        self._is_passed = frame.codec.upper() == self._codec
        payload = frame.payload if self._is_passed else b""
        if self._kind is Kind.VIDEO and self._is_passed:
            payload = self._pictures.complete(payload)
        return Coded(self._kind, payload, stamp, frame.is_key)


def _form(kind: Kind, coding: Coding) -> Opened:
    if kind is Kind.AUDIO:
        return Opened(rate=48_000, channels=2, sound_coding=coding.codec.lower())
    return Opened(width=coding.width or None, height=coding.height or None, coding=coding.codec.lower())
