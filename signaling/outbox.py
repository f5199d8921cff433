"""What one client is yet to be sent, in order and bounded.

Frames wait until the end of the event loop's turn, so that all that one turn has to say goes out in one piece. While
the socket takes no more, they wait here. There is no task for that but while a socket is backed up.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable

PIECE = 64 * 1024  # bytes that are handed to a socket at once, and that it may hold before no more is given to it
AT_ONCE = 256  # sockets that are written to before the loop may do something else


class Turns:
    """The turns of one event loop: who has something to send does so once, at the end of each."""

    def __init__(self) -> None:
        self._ready: deque[Callable[[], None]] = deque()

    def at_end(self, flush: Callable[[], None]) -> None:
        """Call this once the turn that is going on has been talked out."""
        if not self._ready:
            asyncio.get_running_loop().call_soon(self._end)
        self._ready.append(flush)

    def _end(self) -> None:
        for _ in range(min(AT_ONCE, len(self._ready))):
            self._ready.popleft()()
        if self._ready:
            asyncio.get_running_loop().call_soon(self._end)


class Outbox:
    """The frames for one socket. `writable` waits while the transport is full; it may raise `ConnectionError`."""

    __slots__ = ("_bytes", "_draining", "_frames", "_max_bytes", "_max_frames", "_transport", "_turns", "_writable")

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        writable: Callable[[], Awaitable[None]],
        turns: Turns,
        *,
        max_frames: int,
        max_bytes: int,
    ) -> None:
        self._transport = transport
        self._writable = writable
        self._turns = turns
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._frames: list[bytes] = []
        self._bytes = 0
        self._draining: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: bytes) -> bool:
        """Take a frame; false: more waits than may."""
        if not self._frames:
            self._turns.at_end(self.flush)
        self._frames.append(frame)
        self._bytes += len(frame)
        if len(self._frames) > self._max_frames or self._bytes > self._max_bytes:
            self.flush()  # the loop's turn is long: only what the socket does not take counts
        return len(self._frames) <= self._max_frames and self._bytes <= self._max_bytes

    def flush(self) -> None:
        """Hand to the socket what it takes."""
        if self._draining is not None:
            return
        while self._frames and self._transport.get_write_buffer_size() <= PIECE:
            self._hand_over()
        if self._frames:
            self._draining = asyncio.create_task(self._drain(), name="drain")

    async def empty(self) -> None:
        """Wait until the socket has taken everything, or has broken."""
        self.flush()
        if self._draining is not None:
            await asyncio.wait({self._draining})

    async def close(self) -> None:
        """Forget what waits."""
        self._frames.clear()
        self._bytes = 0
        if self._draining is not None:
            self._draining.cancel()
            await asyncio.wait({self._draining})

    async def _drain(self) -> None:
        with contextlib.suppress(ConnectionError):
            while self._frames:
                await self._writable()
                self._hand_over()
                await asyncio.sleep(0)  # a socket that is never full must not keep the loop from the others
        self._draining = None

    def _hand_over(self) -> None:
        """Write as many frames as make a piece, at least one."""
        if self._bytes <= PIECE or len(self._frames) == 1:
            piece, self._frames, self._bytes = self._frames, [], 0
        else:
            piece = self._take_piece()
        if not self._transport.is_closing():
            self._transport.write(piece[0] if len(piece) == 1 else b"".join(piece))

    def _take_piece(self) -> list[bytes]:
        size = count = 0
        for frame in self._frames:
            if count and size + len(frame) > PIECE:
                break
            size += len(frame)
            count += 1
        piece = self._frames[:count]
        del self._frames[:count]
        self._bytes -= size
        return piece
