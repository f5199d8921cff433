"""The one thread of this process that no event loop can block: asleep until somebody rings its bell.

The bell is a socket, because the system itself can ring it: `signal.set_wakeup_fd` tells of a signal even while the
main thread is stuck in a C call, where no handler written in Python runs.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Protocol

from peer.silence import TURN

LOOK = 0  # the byte that only wakes; others are the numbers of signals
log = logging.getLogger(__name__)


class Watcher(Protocol):
    """Something that is looked after. Both methods are called in the vigil's thread."""

    @property
    def is_watched(self) -> bool:
        """Whether `look` is to be called every turn."""

    def look(self, seconds: float) -> None:
        """A turn of so many seconds is over."""


class Vigil:
    """The bell and the thread, while there is anything to look after; counted, for the whole process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a handler of signals may come in between
        self._watchers: tuple[Watcher, ...] = ()
        self._listeners: tuple[Callable[[int], None], ...] = ()
        self._bell: socket.socket | None = None

    @property
    def watchers(self) -> tuple[Watcher, ...]:
        """What is looked after."""
        return self._watchers

    def watch(self, watcher: Watcher) -> None:
        """Look after something until `dismiss`."""
        with self._lock:
            self._watchers = (*self._watchers, watcher)
            self._open_or_close()

    def dismiss(self, watcher: Watcher) -> None:
        """Look after it no more. May be called again."""
        with self._lock:
            self._watchers = tuple(one for one in self._watchers if one is not watcher)
            self._open_or_close()
        self.ring()

    def listen(self, heard: Callable[[int], None]) -> int:
        """Call `heard` in the thread with each byte that the bell is rung with; return the bell's handle, or -1."""
        with self._lock:
            self._listeners = (*self._listeners, heard)
            self._open_or_close()
            return -1 if self._bell is None else self._bell.fileno()

    def unlisten(self, heard: Callable[[int], None]) -> None:
        """Call it no more."""
        with self._lock:
            self._listeners = tuple(one for one in self._listeners if one != heard)
            self._open_or_close()

    def ring(self, byte: int = LOOK) -> None:
        """Have everything looked at soon. From any thread, and from handlers of signals."""
        bell = self._bell
        if bell is None:
            return
        try:
            bell.send(bytes([byte]))
        except OSError as error:  # full, and so about to wake; or closed in this moment
            log.debug("the bell: %s", error)

    def forget(self) -> None:
        """In a forked child: the thread is not here, and what it looks after is the parent's."""
        self._lock = threading.RLock()  # whoever held it is not here
        self._watchers, self._listeners = (), ()
        bell, self._bell = self._bell, None
        if bell is not None:
            bell.close()

    def _open_or_close(self) -> None:
        is_wanted = bool(self._watchers or self._listeners)
        if is_wanted and self._bell is None:
            self._open()
        elif not is_wanted and self._bell is not None:
            bell, self._bell = self._bell, None
            bell.close()  # its end is what ends the thread

    def _open(self) -> None:
        try:
            bell, ear = socket.socketpair()
        except OSError as error:
            log.warning("no watchdog (%s): should the event loop be blocked, leaving is too", error)
            return
        bell.setblocking(False)
        try:
            threading.Thread(target=self._run, args=(ear,), name="exeunt watchdog", daemon=True).start()
        except RuntimeError as error:
            log.warning("no watchdog (%s): should the event loop be blocked, leaving is too", error)
            bell.close()
            ear.close()
            return
        self._bell = bell

    def _run(self, ear: socket.socket) -> None:
        looked = time.monotonic()
        with ear:
            while (heard := self._heard(ear)) is not None:
                for byte in heard.replace(bytes([LOOK]), b""):
                    for listener in self._listeners:
                        listener(byte)
                now = time.monotonic()
                seconds, looked = now - looked, now
                for watcher in self._watchers:
                    watcher.look(seconds)

    def _heard(self, ear: socket.socket) -> bytes | None:
        """Wait for the bell, or for the end of a turn; return what it said, or None when it is no more."""
        ear.settimeout(TURN if any(watcher.is_watched for watcher in self._watchers) else None)
        try:
            return ear.recv(4096) or None
        except TimeoutError:
            return b""


vigil = Vigil()  # of this process
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=vigil.forget)
