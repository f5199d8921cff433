"""The one queue between what happens and who is told: handlers see events one at a time, in order."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from weakref import WeakSet

from peer.events import Event, ExitRoom, Message, RemoteMediaEvent, RemoteUserUpdate
from peer.hooks import EventStream, Hooks

MOST_MESSAGES = 1000  # that wait for a slow handler; beyond, the oldest is dropped
DRAIN_LIMIT = 1.0  # seconds for handlers of earlier events, before `on_exit_room` fires without them

log = logging.getLogger(__name__)


class Dispatcher:
    """Feeds hooks and event streams. Handlers run in its task, so a slow one delays events, never media.

    What waits for a slow handler is bounded by the room, because of one user's updates only the newest is kept, and by
    `MOST_MESSAGES`.
    """

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._events: dict[int | str, Event] = {}  # in order
        self._numbers = count()
        self._messages: deque[int] = deque()  # keys of those that wait
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._streams: WeakSet[EventStream] = WeakSet()
        self._handler_waits = asyncio.Event()  # the handler that runs waits for the exit itself
        self._last: ExitRoom | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tell, at the next turn of the loop."""
        self._task = asyncio.create_task(self._run(), name="events")

    def put(self, event: Event) -> None:
        """Tell everybody, soon."""
        number = next(self._numbers)
        self._events[f"update {event.session}" if isinstance(event, RemoteUserUpdate) else number] = event
        if isinstance(event, Message | RemoteMediaEvent):
            self._bound(number)
        self._idle.clear()
        self._wake.set()

    def _bound(self, number: int) -> None:
        """Drop the oldest message, or news of media, if there is one too many; those that were told do not count."""
        self._messages.append(number)
        while self._messages[0] not in self._events:
            self._messages.popleft()
        if len(self._messages) > MOST_MESSAGES:
            log.warning("more than %d messages wait for a handler: the oldest is dropped", MOST_MESSAGES)
            del self._events[self._messages.popleft()]

    def stream(self) -> EventStream:
        """Return a stream of what happens from now on; after the exit, of the exit."""
        stream = EventStream()
        if self._last is None:
            self._streams.add(stream)
        else:
            stream.put(self._last)
        return stream

    @contextmanager
    def waiting_for_exit(self) -> Iterator[None]:
        """Inside the block the caller waits for the exit: if it is a handler, the exit must not wait for it."""
        if self._task is None or asyncio.current_task() is not self._task:
            yield
            return
        self._handler_waits.set()
        try:
            yield
        finally:
            self._handler_waits.clear()

    @property
    def has_ended(self) -> bool:
        """Whether the last event is told, or being told."""
        return self._last is not None

    async def drain(self) -> None:
        """Let handlers of what came before end, within a limit."""
        waits = {asyncio.create_task(event.wait()) for event in (self._idle, self._handler_waits)}
        try:
            await asyncio.wait(waits, timeout=DRAIN_LIMIT, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def finish(self, event: ExitRoom) -> None:
        """Tell the last event, here."""
        self._last = event
        for stream in tuple(self._streams):
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
                await self._tell(self._events.pop(next(iter(self._events))))
            if self._last is not None:
                return  # a handler has waited for the exit, which has gone on without us
            self._idle.set()
            self._wake.clear()
            await self._wake.wait()

    async def _tell(self, event: Event) -> None:
        for stream in tuple(self._streams):
            stream.put(event)
        await self._hooks.fire(event)
