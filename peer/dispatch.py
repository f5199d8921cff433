"""The one queue between what happens and who is told: handlers see events one at a time, in order."""

import asyncio
from collections import deque

from peer.events import Event, ExitRoom
from peer.hooks import EventStream, Hooks

DRAIN_LIMIT = 1.0  # seconds for handlers of earlier events, before `on_exit_room` fires without them


class Dispatcher:
    """Feeds hooks and event streams. Handlers run in its task, so a slow one delays events, never media."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._events: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._streams: list[EventStream] = []
        self._handler_waits = asyncio.Event()  # the handler that runs waits for the exit itself
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tell, at the next turn of the loop."""
        self._task = asyncio.create_task(self._run(), name="events")

    def put(self, event: Event) -> None:
        """Tell everybody, soon."""
        self._idle.clear()
        self._events.append(event)
        self._wake.set()

    def stream(self) -> EventStream:
        """Return a stream of what happens from now on."""
        stream = EventStream()
        self._streams.append(stream)
        return stream

    @property
    def is_current(self) -> bool:
        """Whether the caller is a handler."""
        return self._task is not None and asyncio.current_task() is self._task

    def handler_waits(self) -> None:
        """The handler that runs now will wait for the exit: the exit must not wait for it."""
        self._handler_waits.set()

    async def finish(self, event: ExitRoom) -> None:
        """Let handlers of what came before end, within a limit; then tell the last event, here."""
        waits = {asyncio.create_task(event.wait()) for event in (self._idle, self._handler_waits)}
        try:
            await asyncio.wait(waits, timeout=DRAIN_LIMIT, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        for stream in self._streams:
            stream.put(event)
        await self._hooks.fire(event)

    async def close(self, limit: float) -> None:
        """End the task. A handler that waits for the exit ends after it, by itself; any other is cancelled."""
        self._events.clear()
        if self._task is None or self._handler_waits.is_set():
            return
        self._task.cancel()
        await asyncio.wait({self._task}, timeout=limit)

    async def _run(self) -> None:
        while True:
            while self._events:
                await self._tell(self._events.popleft())
            if self._handler_waits.is_set():
                return  # it has waited for the exit, and the exit has gone on without us
            self._idle.set()
            self._wake.clear()
            await self._wake.wait()

    async def _tell(self, event: Event) -> None:
        for stream in self._streams:
            stream.put(event)
        await self._hooks.fire(event)
