"""One kind of a capture on its way into a fan-out. What comes encoded is decoded only while somebody needs frames."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from peer.capture import Capture, Ended, Frame, Kind
from peer.capture.coded import Coded, Coding
from peer.media.fanout import Fanout


class Tap:
    """Open from its making to `close`. `came` is called for all that comes, in the device's thread; `ended` once."""

    def __init__(self, capture: Capture, kind: Kind, fanout: Fanout, *, came: Callable[[], None], ended: Ended) -> None:
        self._capture, self._kind, self._fanout = capture, kind, fanout
        self._came, self._ended = came, ended
        self._loop = asyncio.get_running_loop()
        self._stop_frames: Callable[[], None] | None = None
        self._stop_coded: Callable[[], None] | None = None
        self._is_needed = False  # frames are
        coding = capture.coded.get(kind)
        if coding is None:
            self._need(is_needed=True)
        else:
            self._offer(coding)

    def close(self) -> None:
        """Deliver nothing more. May be called twice."""
        if self._stop_coded is not None:
            self._fanout.offer(None)
            self._stop_coded()
            self._stop_coded = None
        self._need(is_needed=False)

    def _offer(self, coding: Coding) -> None:
        """Have viewers wait for it before it begins: the next key frame after a file's first may be seconds away."""
        self._fanout.offer(coding, self._wish)
        self._stop_coded = self._capture.subscribe_coded(self._kind, self._deliver_coded, self._ended)
        self._need(is_needed=self._is_needed)

    def _wish(self, is_needed: bool) -> None:
        """Note whether frames are needed; a file must not begin with them alone."""
        self._is_needed = is_needed
        if self._stop_coded is not None:
            self._need(is_needed=is_needed)

    def _need(self, *, is_needed: bool) -> None:
        if is_needed and self._stop_frames is None:
            self._stop_frames = self._capture.subscribe(self._kind, self._deliver, self._ended, at_once=True)
        elif not is_needed and self._stop_frames is not None:
            self._stop_frames()
            self._stop_frames = None

    def _deliver(self, frame: Frame) -> None:
        self._came()
        self._fanout.push(frame)

    def _deliver_coded(self, coded: Coded) -> None:
        self._came()
        if coded.bitstream:
            self._fanout.push_coded(coded)
            return
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._withdraw)

    def _withdraw(self) -> None:
        """The source turned out to deliver what cannot be passed."""
        if self._stop_coded is not None:
            self.close()
            self._need(is_needed=True)
