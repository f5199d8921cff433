"""Ending on signals: the first ends things properly, the second ends the process at once.

At once means that nothing more is waited for: processes that read devices die with us, the kernel closes every device,
and the guard, which outlives us, tells the server `left` if the first signal's notice has not got through.

Handlers written in Python run in the main thread, between two of its steps. Stuck in a C call it takes none; so the
vigil's thread hears of signals as well, from the system itself, and does what a stuck main thread cannot.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from peer.guard import Guard
from peer.participant import Stay
from peer.vigil import vigil
from peer.watchdog import Watchdog
from signaling.reasons import Reason

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
ECHO = 0.2  # seconds in which the same wish may come twice: `timeout` and others tell both a process and its group
BEGIN = 255  # no signal's number: what the thread hears before it was meant for an earlier block


def end_at_once(number: int) -> NoReturn:
    """End the process for a signal. The guard tells the server that it was our wish."""
    Guard.of_this_process().become("left")
    os._exit(128 + number)


class _Block:
    """What a `with` block does with signals, and what was done with them before."""

    def __init__(self, call: Callable[[int], None]) -> None:
        self._call = call
        self._loop = asyncio.get_running_loop()
        self._previous = {number: signal.getsignal(number) for number in SIGNALS}
        self._heard_once = False  # by the handler
        self._first: float | None = None  # when the thread heard the first
        self._former = self._handle = -1  # whom signals have woken so far, and wake now
        self._handle = vigil.listen(self.heard_by_thread)
        if self._handle != -1:
            self._former = signal.set_wakeup_fd(self._handle, warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, self.heard)
        vigil.ring(BEGIN)

    def heard(self, number: int, _: FrameType | None) -> None:
        """Handle a signal in the main thread, wherever that is: nothing here may wait."""
        if self._heard_once:
            end_at_once(number)
        self._heard_once = True
        _watch_closely(number)  # the thread does so too, unless somebody else has taken the handle for wake-ups
        self._loop.call_soon_threadsafe(self._call, number)

    def heard_by_thread(self, number: int) -> None:
        """Hear of any signal that Python handles, in the vigil's thread; it is passed on to whom it woke before."""
        if number == BEGIN:
            self._first = None
            return
        if self._former not in (-1, self._handle):  # the latter: the block that we are in
            with suppress(OSError):  # full, or closed: they are awake, or gone
                os.write(self._former, bytes([number]))
        if number not in SIGNALS or signal.getsignal(number) != self.heard:
            return
        now = time.monotonic()
        if self._first is None:
            self._first = now
            _watch_closely(number)
        elif now - self._first > ECHO:
            end_at_once(number)

    def restore(self) -> None:
        """Do with signals as before."""
        self.restore_handlers()
        if self._handle != -1:
            current = signal.set_wakeup_fd(self._former)
            if current != self._handle:  # somebody else's by now: leave it to them
                signal.set_wakeup_fd(current)
        vigil.unlisten(self.heard_by_thread)

    def restore_handlers(self) -> None:
        """Do with signals as before, but for the handle."""
        for number, handler in self._previous.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


_blocks: list[_Block] = []


@contextmanager
def first_signal(call: Callable[[int], None]) -> Iterator[None]:
    """Inside the block, the first SIGINT, SIGTERM or SIGHUP makes the call, on the loop; the second ends the process.

    Plain handlers, not the loop's: they work on Windows too, and the second signal works when the loop is blocked.
    """
    block = _Block(call)
    _blocks.append(block)
    try:
        yield
    finally:
        _blocks.remove(block)
        block.restore()


@contextmanager
def leave_on_signals(peer: Stay) -> Iterator[None]:
    """Inside the block, the first signal makes the peer leave its room; the second ends the process at once.

    One that comes before the peer has entered its room cancels the task that is in the block. If the event loop is
    blocked, the peer's watchdog does what the signal wants.
    """
    task = asyncio.current_task()
    assert task is not None

    def leave(number: int) -> None:
        if peer.is_inside:
            peer.request_exit(Reason.LEFT, signal.Signals(number).name)
        else:
            task.cancel()

    with first_signal(leave):
        yield


def _watch_closely(number: int) -> None:
    """See to it that the loops answer: one that is blocked cannot do what the signal wants."""
    for watcher in vigil.watchers:
        if isinstance(watcher, Watchdog):
            watcher.signalled(number)


def _forget() -> None:
    """In a forked child, which is no peer: signals do what they did before, and wake nobody in the parent."""
    if _blocks:
        signal.set_wakeup_fd(-1)
        _blocks[0].restore_handlers()
        _blocks.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
