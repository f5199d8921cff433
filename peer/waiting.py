"""Waiting for who is here: woken by whatever happens in the room, ended by our own leave."""

import asyncio
from collections.abc import Callable, Sized
from typing import TypeVar

from peer.errors import LeftRoom
from peer.exit import ExitState
from peer.leaving import Leaving
from signaling.reasons import Reason

T = TypeVar("T")


class Waiting:
    """Those who wait for something in the room, and the limit on being alone in it.

    `alone_limit`: leave after so many seconds without anybody else; None: never.
    """

    def __init__(self, users: Sized, leaving: Leaving, alone_limit: float | None) -> None:
        self._users = users
        self._leaving = leaving
        self._alone_limit = alone_limit
        self._changed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def look(self) -> None:
        """Something has changed: who is here, or that we are leaving."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        self._watch_solitude()

    async def until(self, found: Callable[[], T | None], what: str, timeout: float | None) -> T:
        """Return what `found` finds as soon as that is not None.

        Raises `TimeoutError` after `timeout` seconds, and `LeftRoom` when we leave the room; `what` says, in both, for
        what we waited.
        """
        try:
            async with asyncio.timeout(timeout):
                while (result := found()) is None:
                    self._check_presence(what)
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"waited for {timeout:g} s for {what}, in vain") from None
        return result

    def _check_presence(self, what: str) -> None:
        leave = self._leaving.exit
        if leave.state is not ExitState.ACTIVE:
            text = f": {leave.text}" if leave.text else ""
            raise LeftRoom(f"We left the room ({leave.reason}{text}) while we waited for {what}.")

    def _watch_solitude(self) -> None:
        is_alone = not self._users and self._leaving.exit.state is ExitState.ACTIVE
        if self._timer is not None and not is_alone:
            self._timer.cancel()
            self._timer = None
        elif self._timer is None and is_alone and self._alone_limit is not None:
            self._timer = asyncio.get_running_loop().call_later(self._alone_limit, self._leave)

    def _leave(self) -> None:
        self._leaving.begin(Reason.LEFT, f"alone for {self._alone_limit:g} s")
