"""Something that happens once in a thread, for which loops and threads wait with a limit."""

import asyncio
from concurrent.futures import Future, TimeoutError as FutureTimeout
from typing import Generic, TypeVar

T = TypeVar("T")


class OneShot(Generic[T]):
    """A value set once, by any thread, and awaited by any number of others."""

    def __init__(self) -> None:
        self._future: Future[T] = Future()
        self._future.set_running_or_notify_cancel()  # from now on no waiter's cancellation can cancel it

    @property
    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._future.done()

    def set(self, value: T) -> None:
        """Let it happen. The first time counts."""
        if not self._future.done():
            self._future.set_result(value)

    async def wait(self, limit: float) -> T | None:
        """Return the value, None if it does not come within `limit` seconds."""
        arrival = asyncio.wrap_future(self._future)
        try:
            await asyncio.wait({arrival}, timeout=max(limit, 0))
        finally:
            arrival.cancel()
        return self._future.result() if self._future.done() else None

    def wait_in_thread(self, limit: float) -> T | None:
        """Do as `wait()`, for threads: it blocks."""
        try:
            return self._future.result(max(limit, 0))
        except FutureTimeout:
            return None
