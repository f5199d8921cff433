"""Carries frames from a reader's thread to a subscriber: bounded, newest wins, never waits."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from peer.capture.coded import Coded
from peer.capture.input import Frame
from peer.capture.source import Kind

logger = logging.getLogger(__name__)

T = TypeVar("T", Frame, Coded)
Deliver = Callable[[Frame], None]
DeliverCoded = Callable[[Coded], None]
Ended = Callable[[str | None], None]

CAPACITY = {Kind.VIDEO: 1, Kind.AUDIO: 10}  # frames: one picture, 200 ms of sound


class Mailbox(Generic[T]):
    """One subscription. `put()` and `end()` belong to the reader's thread, all else to the subscriber's loop."""

    def __init__(
        self, kind: Kind, loop: asyncio.AbstractEventLoop, deliver: Callable[[T], None], ended: Ended | None
    ) -> None:
        self.kind = kind
        self._loop = loop
        self._deliver: Callable[[T], None] = deliver
        self._ended = ended
        self._lock = threading.Lock()
        self._frames: deque[T] = deque()
        self._is_called = False  # the loop has been told to look
        self._is_closed = False

    def put(self, frame: T) -> int:
        """Leave a frame; return how many older ones it displaced."""
        with self._lock:
            self._frames.append(frame)
            dropped = max(len(self._frames) - CAPACITY[self.kind], 0)
            for _ in range(dropped):
                self._frames.popleft()
            call, self._is_called = not self._is_called, True
        if call:
            self._call(self._empty)
        return dropped

    def end(self, text: str | None) -> None:
        """Tell the subscriber, after the last frame, that the source has ended by itself."""
        self._call(self._end, text)

    def close(self) -> None:
        """Deliver nothing more."""
        self._is_closed = True
        with self._lock:
            self._frames.clear()

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:  # the loop is closed: nobody is left to deliver to
            self.close()

    def _empty(self) -> None:
        with self._lock:
            frames = list(self._frames)
            self._frames.clear()
            self._is_called = False
        for frame in frames:
            if not self._is_closed:
                self._hand_over(frame)

    def _hand_over(self, frame: T) -> None:
        try:
            self._deliver(frame)
        except Exception:  # a subscriber's mistake must harm neither the others nor the reader
            logger.exception("a subscriber could not take a frame of %s", self.kind)

    def _end(self, text: str | None) -> None:
        if self._is_closed or self._ended is None:
            return
        ended, self._ended = self._ended, None
        ended(text)


class Handover(Mailbox[T]):
    """A subscription that is served in the reader's thread itself, for a subscriber that never waits.

    Nothing is delivered after `close()` has returned.
    """

    def put(self, frame: T) -> int:
        """Deliver a frame."""
        with self._lock:
            if not self._is_closed:
                self._hand_over(frame)
        return 0

    def close(self) -> None:
        """Deliver nothing more; a delivery that is under way is waited for."""
        with self._lock:
            self._is_closed = True
