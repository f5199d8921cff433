"""The places in shared memory that frames cross in, as their writer counts them. Pure.

The writer fills a free slot and names it to the reader, who copies it out and gives it back. When the reader is slow
no slot is free: then the newest frames wait in their stead, and older ones are dropped. Nobody waits for anybody.
"""

from collections import deque
from typing import Generic, TypeVar

from peer.capture.source import Kind

T = TypeVar("T")

SLOTS = {Kind.VIDEO: 3, Kind.AUDIO: 16}  # one is filled, one is copied, one is on its way; 320 ms of sound
WAITING = {Kind.VIDEO: 1, Kind.AUDIO: 10}  # frames: as many as a subscriber's mailbox keeps


class Lane(Generic[T]):
    """The slots of one kind of frame, all of one size, and the frames that wait for one."""

    def __init__(self, slots: int, waiting: int) -> None:
        self.size = 0  # bytes of one slot: those of the largest frame so far
        self._slots = slots
        self._free = deque(range(slots))
        self._limit = waiting
        self._waiting: deque[tuple[int, T]] = deque()
        self._dropped = 0

    def put(self, frame: T, size: int) -> None:
        """Let a frame of so many bytes wait for a slot; it displaces the oldest if too many wait."""
        self._waiting.append((size, frame))
        if len(self._waiting) > self._limit:
            self._waiting.popleft()
            self._dropped += 1

    def take(self) -> tuple[int, T] | None:
        """Return the slot to write next and its frame; None if no slot is free, or no frame waits.

        A frame that is larger than all before waits until every slot is free: then they grow.
        """
        if not self._waiting or not self._free:
            return None
        if self._waiting[0][0] > self.size:
            if len(self._free) < self._slots:
                return None
            self.size = self._waiting[0][0]
        return self._free.popleft(), self._waiting.popleft()[1]

    def free(self, slot: int) -> None:
        """Have a slot back from the reader."""
        self._free.append(slot)

    def take_dropped(self) -> int:
        """Return how many frames were dropped since this was last asked."""
        dropped, self._dropped = self._dropped, 0
        return dropped
