"""Waiting that ends in time."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any


async def bounded(step: Callable[[], Coroutine[Any, Any, None]], limit: float, *, name: str) -> str:
    """Run one step of leaving for at most `limit` seconds; say how it ended and never raise what it raises.

    A step that is too slow is cancelled, but not waited for: whatever hangs in it does not hold up the next. Cancelling
    the caller ends no step, and a step that somebody else cancels is begun once more: `asyncio.run` cancels every task
    at its end, and what must be finished is finished all the same.
    """
    deadline = asyncio.get_running_loop().time() + limit
    ended = "cancelled"
    for _ in range(2):
        if ended == "cancelled":
            ended = await _until(deadline, asyncio.create_task(step(), name=name))
    return ended


async def _until(deadline: float, task: "asyncio.Task[None]") -> str:
    loop = asyncio.get_running_loop()
    while not task.done() and (left := deadline - loop.time()) > 0:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({task}, timeout=left)
    if not task.done():
        task.cancel()
        return "timed out"
    if task.cancelled():
        return "cancelled"
    error = task.exception()
    return "ok" if error is None else f"{type(error).__name__}: {error}"
