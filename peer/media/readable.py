"""What a program reads of somebody's media besides frames as they come: the first one, and sound in even pieces."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from peer.errors import ExeuntError, UsageError, UserGone
from peer.media.sound import Chunks, Piece, SoundForm

if TYPE_CHECKING:
    from peer.media.receive import ReceivedFrame


class Readable(ABC):
    """One kind of one user's media, decoded while somebody reads. `ended_by` says why it is over, once it is."""

    kind: str
    ended_by: ExeuntError | None = None

    @abstractmethod
    def frames(self) -> "AsyncIterator[ReceivedFrame]":
        """Yield decoded frames until the user is gone."""

    @abstractmethod
    def pieces(self) -> AsyncGenerator[Piece]:
        """Yield decoded sound until the user is gone."""

    async def first_frame(self, *, timeout: float | None = None) -> "ReceivedFrame":
        """Return a picture, or a packet of sound, as soon as one is there: of who is not seen yet, the first.

        Raises `TimeoutError` after `timeout` seconds (None: never), `UserGone` when the user leaves before, `LeftRoom`
        when we do.
        """
        try:
            async with asyncio.timeout(timeout), aclosing(self.frames()) as frames:  # type: ignore[type-var] # a generator
                async for frame in frames:
                    return frame
        except TimeoutError:
            raise TimeoutError(f"waited for {timeout:g} s for the first {self.kind} frame, in vain") from None
        raise self.ended_by or UserGone(f"They left the room before their first {self.kind} frame came.")

    def chunks(self, rate: int = 16_000, channels: int = 1, ms: float = 20, *, backlog: float = 1.0) -> Chunks:
        """Return what the user says from now on in pieces of exactly `ms` milliseconds, as an async iterable.

        Each is a `SoundChunk`, whose `.array` is `(samples, channels)` int16. Begins with the first sound and goes on
        without a gap until the user is gone: the first 100 ms of what is lost are made up, the rest of it, and what is
        late or not sent, is silence. It comes as it arrives, never falls behind the sender, and for a reader who is
        late `backlog` seconds are kept, the newest; what then waits for 1.5 s, as for who plays it, is left out, so
        that nobody listens late for good. `.dropped`, `.concealed` and `.filled` count seconds.

        Raises `UsageError` for video, and where there can be no such pieces.
        """
        if self.kind != "audio":
            raise UsageError("There are chunks of sound only: read user.audio.chunks(), or user.video.frames().")
        if not backlog > 0:
            raise UsageError(f"backlog is more than 0 seconds, not {backlog}.")
        return Chunks(self, SoundForm.of(rate, channels, ms), backlog)
