"""Says when nothing has been heard of a connection for too long."""

import asyncio
from collections.abc import Callable

from peer.media.aiortc_life import SignsOfLife
from peer.media.liveness import Liveness


class Listening:
    """Calls `on_silent` once, with the seconds for which nothing was heard; until `stop`."""

    def __init__(self, signs: SignsOfLife, on_silent: Callable[[float], None]) -> None:
        self._signs, self._on_silent = signs, on_silent
        self._loop = asyncio.get_running_loop()
        self._liveness = Liveness(self._loop.time())
        self._timer = self._loop.call_at(self._liveness.next_deadline(), self._look)

    def stop(self) -> None:
        """Say nothing any more. May be called twice."""
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        self._liveness.heard(self._signs.heard_at)
        if self._liveness.is_lost(now):
            self._on_silent(self._liveness.silent_for(now))
        else:
            self._timer = self._loop.call_at(self._liveness.next_deadline(), self._look)
