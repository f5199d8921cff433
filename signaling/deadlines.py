"""What is due when. A core: time comes in as a number."""

import heapq

SLACK = 64  # outdated entries that are kept before the heap is built anew


class Deadlines:
    """Keys and the moment each is due; a key has one deadline or none.

    A heap in which a changed deadline is not searched for but outdated: `_due` says what still holds.
    """

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def set(self, key: str, due: float | None) -> None:
        """Let `key` be due then and only then; `None`: never."""
        if due == self._due.get(key):
            return
        if due is None:
            del self._due[key]
        else:
            self._due[key] = due
            heapq.heappush(self._heap, (due, key))
        if len(self._heap) > 2 * len(self._due) + SLACK:
            self._heap = sorted((due, key) for key, due in self._due.items())

    def next(self) -> float | None:
        """Return the earliest deadline, `None` if nothing is ever due."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, now: float) -> list[str]:
        """Return the keys that are due, earliest first, and forget them."""
        taken = []
        while (due := self.next()) is not None and due <= now:
            _, key = heapq.heappop(self._heap)
            del self._due[key]
            taken.append(key)
        return taken
