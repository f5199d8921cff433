"""Waiting that ends in time."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def bounded(work: Coroutine[Any, Any, None], limit: float, *, name: str) -> str:
    """Run one step of leaving for at most `limit` seconds; say how it ended and never raise what it raises.

    A step that is too slow is cancelled, but not waited for: whatever hangs in it does not hold up the next.
    """
    task = asyncio.create_task(work, name=name)
    try:
        done, _ = await asyncio.wait({task}, timeout=limit)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        task.cancel()
        return "timed out"
    if task.cancelled():
        return "cancelled"
    error = task.exception()
    return "ok" if error is None else f"{type(error).__name__}: {error}"
