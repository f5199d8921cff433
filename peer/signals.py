"""Ending on signals: the first ends things properly, the second ends the process at once."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from peer.peer import Peer
from signaling.reasons import Reason

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def first_signal(call: Callable[[int], None]) -> Iterator[None]:
    """Inside the block, the first SIGINT, SIGTERM or SIGHUP makes the call, on the loop; the second ends the process.

    Plain handlers, not the loop's: they work on Windows too, and the second signal works when the loop is blocked.
    """
    loop = asyncio.get_running_loop()
    previous = {number: signal.getsignal(number) for number in SIGNALS}
    heard_once = False

    def heard(number: int, _: object) -> None:
        nonlocal heard_once
        if heard_once:
            os._exit(128 + number)
        heard_once = True
        loop.call_soon_threadsafe(call, number)

    for number in SIGNALS:
        signal.signal(number, heard)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextmanager
def leave_on_signals(peer: Peer) -> Iterator[None]:
    """Inside the block, the first signal makes the peer leave its room; the second ends the process at once.

    One that comes before the peer has entered its room cancels the task that is in the block.
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
