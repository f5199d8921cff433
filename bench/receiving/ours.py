"""Exeunt, receiving one track."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bench.receiving.player import Player
from peer.media.connection import Connection
from peer.media.receive import RemoteMedia
from peer.recording.recorder import Recorder
from peer.recording.recordings import Recordings
from peer.remote import RemoteUser

if TYPE_CHECKING:
    from peer.peer import Peer

BLOCK_MS = 20


class Room:
    """As much of a peer as a recorder asks for: one user, whose picture this is."""

    def __init__(self, video: RemoteMedia) -> None:
        self.recordings = Recordings(lambda _: None)
        self.users = {"sender": RemoteUser("sender", "1", {}, video=video)}


class Ours:
    """One connection, answered."""

    def __init__(self, kind: str) -> None:
        self.connected = asyncio.Event()
        self.shown: list[float] = []
        self.player = Player()
        self.media = RemoteMedia(kind)
        nothing: Callable[[object], None] = lambda _: None  # noqa: E731
        self._connection = Connection(
            "bench.1",
            "sender",
            outgoing={},
            ice_servers=[],
            on_track=lambda track: self.media.attach(track),
            on_state=lambda _: self.connected.set(),
            on_said=nothing,
        )
        self.pc = self._connection._pc  # noqa: SLF001 - to put a bad link in front of it
        self.answer: Callable[[str], Awaitable[str]] = self._connection.answer

    async def read(self, how: str, folder: Path) -> None:
        """Take what comes, until cancelled."""
        match how:
            case "tap":
                self.media.tap(self._note)
            case "record":
                await self._record(folder / "ours.mkv")
            case "numpy":
                async for _ in self.media.frames("rgb24", latest=False):  # as aiortc does: all of them
                    self.shown.append(time.monotonic())
            case "play":
                async for chunk in self.media.chunks(48_000, 2, BLOCK_MS):
                    await self.player.play(chunk.array)
            case _:
                pass

    async def close(self) -> None:
        """End."""
        self.media.close()
        await self._connection.close()

    async def _record(self, path: Path) -> None:
        async with Recorder(cast("Peer", Room(self.media)), path):
            self.media.tap(self._note)
            await asyncio.Event().wait()

    def _note(self, _: object) -> None:
        self.shown.append(time.monotonic())
