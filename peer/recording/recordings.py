"""All recordings of one stay in a room: told who comes and goes, ended by the exit."""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from peer.errors import UsageError
from peer.events import RecordingEnded, RecordingFailed, RecordingStarted

if TYPE_CHECKING:
    from peer.recording.recorder import Recorder
    from peer.visit import RemoteUser

Happening = RecordingStarted | RecordingEnded | RecordingFailed


class Recordings:
    """The recorders that are at work. `tell` passes on what happens to one of them."""

    def __init__(self, tell: Callable[[Happening], None]) -> None:
        self.tell = tell
        self._recorders: set[Recorder] = set()
        self._is_closed = False

    def __iter__(self) -> Iterator["Recorder"]:
        return iter(tuple(self._recorders))

    def add(self, recorder: "Recorder") -> None:
        """End this one with the others. Raises `UsageError` if that was already."""
        if self._is_closed:
            raise UsageError("nothing can be recorded any more: we are leaving the room")
        self._recorders.add(recorder)

    def discard(self, recorder: "Recorder") -> None:
        """It has ended."""
        self._recorders.discard(recorder)

    def joined(self, user: "RemoteUser") -> None:
        """Somebody is here."""
        for recorder in self:
            recorder.joined(user)

    def left(self, name: str) -> None:
        """Somebody is gone."""
        for recorder in self:
            recorder.left(name)

    async def close(self) -> None:
        """Finish all files, at the same time, in bounded time."""
        self._is_closed = True
        await asyncio.gather(*(recorder.close() for recorder in self))
