"""Hooks: typed places to hang handlers on, one per event, and the one queue that feeds them all.

@me.on_remote_user_leave
def gone(event: RemoteUserLeave) -> None: ...

@me.on("onRemoteUserLeave")      # the same hook under the name known from elsewhere
async def gone(event): ...
"""

import asyncio
import inspect
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from peer.errors import UsageError
from peer.events import (
    ConnectionBack,
    ConnectionLost,
    DeviceBack,
    DeviceLost,
    EnterRoom,
    Event,
    ExitRoom,
    Message,
    Muted,
    RecordingEnded,
    RecordingFailed,
    RecordingStarted,
    RemoteUserBack,
    RemoteUserFirstFrame,
    RemoteUserFrozen,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserMuted,
    RemoteUserPublished,
    RemoteUserQuality,
    RemoteUserResumed,
    RemoteUserSilent,
    RemoteUserSpeaking,
    RemoteUserUnmuted,
    RemoteUserUnpublished,
    RemoteUserUnreachable,
    RemoteUserUpdate,
    RoomChanged,
    SourceEnded,
    TokenExpiring,
)

E = TypeVar("E", bound=Event)
Handler = Callable[[E], Awaitable[None] | None]
Result = TypeVar("Result", bound=Awaitable[None] | None)
log = logging.getLogger(__name__)


class Hook(Generic[E]):
    """Handlers of one event, plain or `async`, awaited in order of registration. One that raises is logged."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._handlers: list[Handler[E]] = []

    def __call__(self, handler: Callable[[E], Result]) -> Callable[[E], Result]:
        """Register a handler; returns it, so that this is a decorator."""
        self._handlers.append(handler)
        return handler

    def remove(self, handler: Handler[E]) -> None:
        """Unregister a handler; unknown ones are ignored."""
        if handler in self._handlers:
            self._handlers.remove(handler)

    async def fire(self, event: E) -> None:
        """Call every handler."""
        for handler in tuple(self._handlers):
            try:
                result = handler(event)
                if inspect.isawaitable(result):
                    await result
            except Exception:  # a user's handler may raise anything; it must not harm the others
                log.exception("a handler of %s failed", self.name)
            except asyncio.CancelledError:
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    raise
                log.warning("a handler of %s awaited something that was cancelled", self.name)


def hook_name(name: str) -> str:
    """Return the attribute of a hook: `onExitRoom`, `exitRoom`, `ExitRoom` and `on_exit_room` are `on_exit_room`."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return snake if snake.startswith("on_") else f"on_{snake}"


class Hooks:
    """One hook per event. `Peer` is one of these."""

    def __init__(self) -> None:
        self.on_enter_room: Hook[EnterRoom] = Hook("onEnterRoom")
        self.on_room_changed: Hook[RoomChanged] = Hook("onRoomChanged")
        self.on_remote_user_join: Hook[RemoteUserJoin] = Hook("onRemoteUserJoin")
        self.on_remote_user_update: Hook[RemoteUserUpdate] = Hook("onRemoteUserUpdate")
        self.on_remote_user_unreachable: Hook[RemoteUserUnreachable] = Hook("onRemoteUserUnreachable")
        self.on_remote_user_back: Hook[RemoteUserBack] = Hook("onRemoteUserBack")
        self.on_remote_user_leave: Hook[RemoteUserLeave] = Hook("onRemoteUserLeave")
        self.on_message: Hook[Message] = Hook("onMessage")
        self.on_muted: Hook[Muted] = Hook("onMuted")
        self.on_token_expiring: Hook[TokenExpiring] = Hook("onTokenExpiring")
        self.on_connection_lost: Hook[ConnectionLost] = Hook("onConnectionLost")
        self.on_connection_back: Hook[ConnectionBack] = Hook("onConnectionBack")
        self.on_source_ended: Hook[SourceEnded] = Hook("onSourceEnded")
        self.on_device_lost: Hook[DeviceLost] = Hook("onDeviceLost")
        self.on_device_back: Hook[DeviceBack] = Hook("onDeviceBack")
        self.on_remote_user_first_frame: Hook[RemoteUserFirstFrame] = Hook("onRemoteUserFirstFrame")
        self.on_remote_user_frozen: Hook[RemoteUserFrozen] = Hook("onRemoteUserFrozen")
        self.on_remote_user_resumed: Hook[RemoteUserResumed] = Hook("onRemoteUserResumed")
        self.on_remote_user_published: Hook[RemoteUserPublished] = Hook("onRemoteUserPublished")
        self.on_remote_user_unpublished: Hook[RemoteUserUnpublished] = Hook("onRemoteUserUnpublished")
        self.on_remote_user_muted: Hook[RemoteUserMuted] = Hook("onRemoteUserMuted")
        self.on_remote_user_unmuted: Hook[RemoteUserUnmuted] = Hook("onRemoteUserUnmuted")
        self.on_remote_user_speaking: Hook[RemoteUserSpeaking] = Hook("onRemoteUserSpeaking")
        self.on_remote_user_silent: Hook[RemoteUserSilent] = Hook("onRemoteUserSilent")
        self.on_remote_user_quality: Hook[RemoteUserQuality] = Hook("onRemoteUserQuality")
        self.on_recording_started: Hook[RecordingStarted] = Hook("onRecordingStarted")
        self.on_recording_ended: Hook[RecordingEnded] = Hook("onRecordingEnded")
        self.on_recording_failed: Hook[RecordingFailed] = Hook("onRecordingFailed")
        self.on_exit_room: Hook[ExitRoom] = Hook("onExitRoom")

    def on(self, name: str) -> Hook[Any]:
        """Return a hook by any spelling of its name. Raises `UsageError` for a name that is no event's.

        Which event its handlers take is not known to a type checker: to it `me.on_exit_room` says more.
        """
        hook = getattr(self, hook_name(name), None)
        if not isinstance(hook, Hook):
            known = ", ".join(hook.name for hook in vars(self).values() if isinstance(hook, Hook))
            raise UsageError(f"there is no event {name!r}; there are {known}")
        return hook

    async def fire(self, event: Event) -> None:
        """Call every handler of an event's hook."""
        await self.on(type(event).__name__).fire(event)


class EventStream:
    """One reader's view of all events; ends after `ExitRoom`. One that falls far behind loses the oldest, said once."""

    LIMIT = 1000  # events kept for a reader that does not read

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._overrun = False

    def put(self, event: Event) -> None:
        """Add an event; after the last one comes the end."""
        if self._queue.qsize() >= self.LIMIT:
            self._queue.get_nowait()
            self._warn()
        self._queue.put_nowait(event)
        if isinstance(event, ExitRoom):
            self._queue.put_nowait(None)

    def __aiter__(self) -> "EventStream":
        return self

    async def __anext__(self) -> Event:
        event = await self._queue.get()
        if event is None:
            self._queue.put_nowait(None)
            raise StopAsyncIteration
        return event

    def _warn(self) -> None:
        if not self._overrun:
            log.warning("a reader of events() is more than %d behind: the oldest are dropped", self.LIMIT)
        self._overrun = True
