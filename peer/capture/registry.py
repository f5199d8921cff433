"""Which devices are open in this process and how many users each has: opened once, closed when the last one goes."""

import sys
import threading
import time
from collections.abc import Hashable

from peer.capture.isolation import isolation_of
from peer.capture.process import ProcessReader
from peer.capture.reader import Closing, Reader, ThreadReader
from peer.capture.source import Isolation, Source
from peer.capture.spawn import can_spawn
from peer.events import DeviceRelease, Outcome


class Registry:
    """Counts the users of devices. May be used from any thread; opens and closes nothing itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: dict[Hashable, Reader] = {}  # by key: whom a new user would share, or has to wait for
        self._users: dict[Reader, int] = {}  # of every reader whose thread has not ended

    def take(self, source: Source) -> Reader:
        """Count one more user of a device; its reader is started if nobody had it."""
        key = source.key
        with self._lock:
            reader = self._current.get(key)
            if reader is not None and not reader.is_stopping:
                self._users[reader] += 1
                return reader
            successor = _reader_class(source)(source, after=reader, gone=self._forget)
            self._current[key] = successor
            self._users[successor] = 1
            successor.start()
            return successor

    def give_back(self, reader: Reader) -> int:
        """Count one user less and return how many are left. The last one's leaving closes the device."""
        with self._lock:
            self._users[reader] -= 1
            left = self._users[reader]
            if left == 0:
                reader.stop()
                del self._users[reader]
        return left

    def stop_all(self, limit: float) -> list[DeviceRelease]:
        """Close every device of the process, whoever uses it, and wait up to `limit` seconds in this thread."""
        began = time.monotonic()
        with self._lock:
            readers = list({**self._users, **dict.fromkeys(self._current.values())})
        for reader in readers:
            reader.stop()
        return [
            outcome(reader, reader.closed.wait_in_thread(began + limit - time.monotonic()), began) for reader in readers
        ]

    def _forget(self, reader: Reader) -> None:
        """Let the next user of the device open it anew, after whoever has not let it go yet."""
        with self._lock:
            key = next((key for key, current in self._current.items() if current is reader), None)
            if key is None:
                return
            if reader.awaits is not None:
                self._current[key] = reader.awaits  # it hangs in the driver: nobody else is to follow it there
            else:
                del self._current[key]


def outcome(reader: Reader, closing: Closing | None, began: float) -> DeviceRelease:
    """Say how a device was let go; `closing` is None if it was not, within the limit."""
    took = time.monotonic() - began
    if closing is None:
        return DeviceRelease(device=reader.source.label, outcome=Outcome.STUCK, took=took, text=reader.why_stuck)
    return DeviceRelease(device=reader.source.label, outcome=closing.outcome, took=took, text=closing.text)


def _reader_class(source: Source) -> type[ThreadReader] | type[ProcessReader]:
    isolation = isolation_of(source, sys.platform, can_spawn=can_spawn())
    return ProcessReader if isolation is Isolation.PROCESS else ThreadReader
