"""How long we wait for somebody who is silent, as far as we could have heard them."""

import asyncio
from collections.abc import Callable

PARTS = 6  # in which a limit is waited for


class Patience:
    """Calls `over` after `limit` seconds of waiting; a time in which our own loop stands still is one part of them.

    A loop that goes on after it stood still runs what is due before what it has just read is taken in: one timer alone
    would be over although the answer is here. After each part, what has come is taken in.
    """

    def __init__(self, limit: float, over: Callable[[], None]) -> None:
        self._limit, self._over = limit, over
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Wait from now on, if we do not already."""
        if self._timer is None:
            self._wait(PARTS)

    def renew(self) -> None:
        """If we wait, have the whole limit before us again: they are not silent."""
        if self._timer is not None:
            self.end()
            self.begin()

    def end(self) -> None:
        """Wait no more. May be called twice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, parts: int) -> None:
        if parts:
            self._timer = asyncio.get_running_loop().call_later(self._limit / PARTS, self._wait, parts - 1)
        else:
            self._timer = None
            self._over()
