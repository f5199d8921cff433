"""All Janus servers of one node: they are told who is in which room, and rooms are placed anew when one dies.

Nothing that a room does waits for a Janus. What it is to be told follows from what was carried out, so everybody has
been told of a leave when Janus is asked to remove who left.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from signaling.effects import Departed, Effect, Entered, Exited, Transferred
from signaling.janus.carer import Carer
from signaling.node import Node
from signaling.observer import Observer

REVIEW_PERIOD = 1.0  # seconds between two looks at which rooms are this node's: in a cluster they come and go silently

log = logging.getLogger(__name__)


class Carers(Observer):
    """See to the VideoRooms of a node's rooms."""

    def __init__(self, node: Node, secret: str) -> None:
        self._node = node
        self._effects: list[Effect] = []
        self._is_review_due = asyncio.Event()
        self._carers = [
            Carer(server, secret, changed=self._is_review_due.set, lost=self._lose)
            for server in node.placing.servers.values()
        ]

    def did(self, effect: Effect) -> None:
        """Note who comes and goes."""
        if isinstance(effect, Entered | Exited | Departed | Transferred):
            self._effects.append(effect)

    def restored(self, session: str, room: str, user: str) -> None:
        """Look after the rooms of the server before this one."""
        self._is_review_due.set()

    def handed_over(self) -> None:
        """Have Janus told of it, now that all others are."""
        if self._effects:
            effects, self._effects = self._effects, []
            self._node.placing.follow(effects, self._node.find)
            self._wake()

    async def review(self) -> None:
        """Look after all rooms again and again, whenever a Janus came or went at once."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REVIEW_PERIOD):
                    await self._is_review_due.wait()
            self._is_review_due.clear()
            try:
                self._review()
            except Exception:  # this review must not be the last
                log.exception("a review of the rooms of media servers failed")

    def start(self) -> None:
        """Begin to connect."""
        for carer in self._carers:
            carer.start()

    async def close(self) -> None:
        """Ask for what is still to be asked, in bounded time, and hang up."""
        await asyncio.gather(*(carer.close() for carer in self._carers))

    def _review(self) -> None:
        told = self._node.placing.review(self._node.halls())
        for room, effects in told:
            self._node.decide(room, effects)
        if told:
            log.warning("the media of %d rooms are placed anew", len(told))
        self._wake()

    def _lose(self, url: str, number: int) -> None:
        self._node.placing.lose(url, number)
        self._is_review_due.set()

    def _wake(self) -> None:
        for carer in self._carers:
            carer.wake()


@contextlib.asynccontextmanager
async def caring(node: Node) -> AsyncIterator[None]:
    """Care for the VideoRooms of a node inside the block; it does nothing for a node that knows no Janus."""
    if not node.placing.servers:
        yield
        return
    carers = Carers(node, node.config.janus_secret or "")
    node.observers.add(carers)
    carers.start()
    reviewing = asyncio.create_task(carers.review(), name="review of media servers")
    try:
        yield
    finally:
        reviewing.cancel()
        try:
            await carers.close()
        finally:
            node.observers.remove(carers)
            await asyncio.wait({reviewing})
