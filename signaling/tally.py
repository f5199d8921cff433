"""How often clients were refused within a second, by what for and from where. A core.

There are no more than `MOST` addresses in it: an attacker has many, and a journal that names them all fills a disk.
"""

from collections import Counter
from typing import NamedTuple

from signaling.addresses import sharing

MOST = 10  # addresses that are told apart within a second
OTHERS = "others"  # what the rest of them is called


class Refusals(NamedTuple):
    """What happened so many times."""

    code: str
    address: str
    times: int


class Tally:
    """What has been refused since it was last taken."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._addresses: set[str] = set()

    def add(self, code: str, address: str) -> bool:
        """Count a refusal; true: it is the first."""
        is_first = not self._counts
        key = sharing(address)
        if len(self._addresses) < MOST:
            self._addresses.add(key)
        self._counts[code, key if key in self._addresses else OTHERS] += 1
        return is_first

    def take(self) -> list[Refusals]:
        """Return what was counted, in its order, and begin anew."""
        counts, self._counts = self._counts, Counter()
        self._addresses.clear()
        return [Refusals(code, address, count) for (code, address), count in counts.items()]
