"""Telling tasks from another thread that something has changed."""

import asyncio
import threading
from contextlib import suppress


class Bell:
    """Wakes tasks of any loop, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[asyncio.Future[None]] = []

    def listen(self) -> "asyncio.Future[None]":
        """Return what is done when it rings next. Look at what is waited for after this, or a ring may be missed."""
        future = asyncio.get_running_loop().create_future()
        with self._lock:
            self._listeners.append(future)
        return future

    def ring(self) -> None:
        """Wake everybody who listens."""
        with self._lock:
            listeners, self._listeners = self._listeners, []
        for future in listeners:
            with suppress(RuntimeError):  # its loop is closed
                future.get_loop().call_soon_threadsafe(_wake, future)


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
