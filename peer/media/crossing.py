"""The viewers of one kind on their ways between encoder and passage. Carries out what `passing.py` says."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from peer.capture.coded import Coded, Coding
from peer.media.keyframes import ROUND_TRIP
from peer.media.outlet import Outlet
from peer.media.passage import Passage
from peer.media.passing import Effect, GoBack, GoOver, Passing
from peer.media.sending import Sending


class Crossing:
    """Owns the passage, which runs while somebody gets what passes or waits for it. On the loop, but for `push`.

    `feed` has an encoder serve a viewer, `starve` no longer; `changed` is told when other viewers need one.
    """

    def __init__(
        self, feed: Callable[[Outlet], None], starve: Callable[[Outlet], None], changed: Callable[[], None]
    ) -> None:
        self.coding: Coding | None = None  # of what passes
        self.passage: Passage | None = None
        self.ended: list[Passage] = []  # whose threads may still run
        self._feed, self._starve, self._changed = feed, starve, changed
        self._passing: Passing[Outlet] = Passing()
        self._fps = Sending().fps
        self._loop: asyncio.AbstractEventLoop | None = None  # since something passes

    def push(self, coded: Coded) -> None:
        """Send a packet to those who get what passes; from any thread."""
        passage = self.passage
        if passage is not None:
            passage.put(coded)

    def offer(self, coding: Coding | None, fps: float) -> None:
        """Let this pass from now on; None: nothing."""
        self._carry_out(self._passing.offer(None, self._now()))
        self._let_go()
        self.coding, self._fps, self._loop = coding, fps, asyncio.get_running_loop()
        if coding is not None:
            is_immediate = coding.codec == "OPUS" or coding.ask_for_key is not None
            self._carry_out(self._passing.offer(coding.codec, self._now(), is_immediate=is_immediate))

    def mute(self, *, is_muted: bool) -> None:
        """While we are muted, nothing may pass."""
        self._carry_out(self._passing.mute(self._now(), is_muted=is_muted))

    def put(self, outlet: Outlet, *, is_full: bool) -> None:
        """Let a viewer go over or back, by what it gets now; `feed` serves it meanwhile, if it has to be."""
        self._carry_out(self._passing.put(outlet, outlet.codec.name, self._now(), is_full=is_full))

    def rest(self, outlet: Outlet) -> None:
        """Let nothing pass to a viewer until it is put again."""
        self._passing.rest(outlet)
        self._drop(outlet)

    def leave(self, outlet: Outlet) -> None:
        """A viewer is gone."""
        self._passing.leave(outlet)
        self._drop(outlet)

    def lost(self, outlet: Outlet) -> None:
        """A viewer has lost its picture."""
        if self.is_passed(outlet):
            self._ask()
        round_trip = ROUND_TRIP if outlet.round_trip is None else outlet.round_trip
        self._carry_out(self._passing.lost(outlet, self._now(), round_trip))

    def advance(self) -> None:
        """Time has passed."""
        self._carry_out(self._passing.advance(self._now()))

    def is_passed(self, outlet: Outlet) -> bool:
        """Return whether a viewer needs no encoder; it may have been taken without our having heard of it yet."""
        has_taken = self.passage is not None and outlet in self.passage.outlets
        return has_taken or self._passing.is_passed(outlet)

    @property
    def has_ended(self) -> bool:
        """Whether no thread runs any more."""
        self.ended = [passage for passage in self.ended if passage.is_alive]
        return self.passage is None and not self.ended

    def _carry_out(self, effects: list[Effect[Outlet]]) -> None:
        for effect in effects:
            match effect:
                case GoOver(outlet):
                    self._opened().await_key(outlet)
                    self._ask()
                case GoBack(outlet):
                    self._drop(outlet)
                    self._feed(outlet)
        if effects:
            self._let_go()
            self._changed()

    def _ask(self) -> None:
        """Have a source that can make a key frame soon."""
        if self.coding is not None and self.coding.ask_for_key is not None:
            self.coding.ask_for_key()

    def _drop(self, outlet: Outlet) -> None:
        if self.passage is not None:
            self.passage.remove(outlet)
            self._let_go()

    def _opened(self) -> Passage:
        assert self.coding is not None
        if self.passage is None:
            self.passage = Passage(self.coding, fps=self._fps, turned=self._turned)
        return self.passage

    def _let_go(self) -> None:
        if self.passage is not None and not self._passing.is_used:
            self.passage.close()
            self.ended = [*(one for one in self.ended if one.is_alive), self.passage]
            self.passage = None

    def _turned(self, passage: Passage) -> None:
        """Tell the loop, in the device's thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._settle, passage)

    def _settle(self, passage: Passage) -> None:
        """Take those from their encoders that the passage has taken; if it is behind, give all back."""
        if passage.is_behind and passage is self.passage:
            self._carry_out(self._passing.interrupted(self._now()))
        for outlet in passage.outlets:
            if outlet.feeder is not passage:  # it was given to an encoder at the same moment: it missed the key frame
                passage.remove(outlet)
                passage.await_key(outlet)
            elif self._passing.took(outlet, self._now()):
                self._starve(outlet)
        self._changed()

    def _now(self) -> float:
        return time.monotonic()
