"""Programs that asked for something and wait to learn who was told. On the event loop."""

import asyncio
from collections.abc import Callable

from signaling.calls import Told
from signaling.effects import Asked, Effect, Settled
from signaling.messages import ACK_LIMIT

ANSWER_LIMIT = ACK_LIMIT + 1.0  # seconds; the room answers after the first part of it at the latest


class Questions:
    """What has been asked and not been settled."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[Told]]] = {}  # by what each is about

    async def ask(self, effects: list[Effect], carry_out: Callable[[list[Effect]], None]) -> Told | None:
        """Have carried out what follows from a call, and wait until it is settled. `None`: nothing follows."""
        about = next((effect.about for effect in effects if isinstance(effect, Asked | Settled)), None)
        if about is None:
            return None
        future: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(about, []).append(future)  # others may ask the same in this very moment
        try:
            carry_out(effects)
            async with asyncio.timeout(ANSWER_LIMIT):
                return await future
        finally:
            self._forget(about, future)

    def settle(self, settled: Settled) -> None:
        """Answer whoever asked, if anybody still waits."""
        for future in self._waiting.get(settled.about, ()):
            if not future.done():
                future.set_result(Told(told=list(settled.told), unacknowledged=list(settled.unacknowledged)))

    def _forget(self, about: str, future: "asyncio.Future[Told]") -> None:
        waiting = self._waiting[about]
        waiting.remove(future)
        if not waiting:
            del self._waiting[about]
