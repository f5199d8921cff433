"""What waits for the disk: the loop puts and never waits, one thread takes."""

import threading
from dataclasses import dataclass

from peer.media.encoded import EncodedFrame

OVERHEAD = 200  # bytes that a frame takes beside its payload: many small ones count too


@dataclass(frozen=True, slots=True)
class Entry:
    """One frame of a user, for the file that `file` names: "" for all users' one."""

    file: str
    user: str
    frame: EncodedFrame


class Backlog:
    """Entries in their order, of `most` bytes together."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: list[Entry] = []
        self._bytes = 0
        self._is_closed = False
        self._changed = threading.Condition()

    def put(self, entry: Entry) -> bool:
        """Add an entry. False: there is no room for it, or nothing is taken any more."""
        size = len(entry.frame.payload) + OVERHEAD
        with self._changed:
            if self._is_closed or self._bytes + size > self._most:
                return False
            self._bytes += size
            self._entries.append(entry)
            self._changed.notify()
        return True

    def close(self) -> None:
        """Nothing comes any more. What is here is still taken."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def take(self, limit: float) -> tuple[list[Entry], bool]:
        """Wait for entries, so many seconds at most; return all there are, and whether they are the last."""
        with self._changed:
            self._changed.wait_for(lambda: self._entries or self._is_closed, limit)
            entries, self._entries, self._bytes = self._entries, [], 0
            return entries, self._is_closed
