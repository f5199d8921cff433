"""Who was refused something, in the journal: one line a second for each address and cause, with a count."""

import asyncio
from types import TracebackType
from typing import Self

from signaling.journal import Journal
from signaling.observer import Observer
from signaling.tally import Tally

PERIOD = 1.0  # seconds that one line counts


class Refused(Observer):
    """Counts for as long as a block lasts, and writes down. On the event loop."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._tally = Tally()
        self._alarm: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._write()

    def turned_away(self, code: str, address: str) -> None:
        """Count it."""
        if self._tally.add(code, address):
            self._alarm = asyncio.get_running_loop().call_later(PERIOD, self._write)

    def _write(self) -> None:
        self._alarm = None
        for one in self._tally.take():
            self._journal.write("turnedAway", code=one.code, address=one.address, count=one.times)
