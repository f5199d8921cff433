"""What happens in the rooms, live, for those who watch: it looks once a second, while somebody does.

Looking finds what happens on all servers of a cluster, and costs nobody anything while nobody watches.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from signaling.admin.changes import Rooms, by_name, changes, covered, everything
from signaling.members import RoomStatus

INTERVAL = 1.0  # seconds between two looks
SIGN = 5  # looks without a change after which a sign of life is sent
WAITING = 16  # looks that may wait for somebody who does not read; then they are cut off
MOST = 64  # who may watch at the same time

_ALIVE = b": still here\n\n"

log = logging.getLogger(__name__)


class Listener:
    """Somebody who watches. Iterating ends when the server does, or when too much has not been read."""

    def __init__(self, may_see: Callable[[str], bool], cut: Callable[[], None]) -> None:
        self.may_see = may_see
        self.is_new = True
        self._cut = cut
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue()  # None: it is over
        self._quiet = 0  # looks without anything to tell

    def tell(self, frames: bytes) -> None:
        """Let what is found be sent: or a sign of life, when nothing was found for long."""
        self._quiet = 0 if frames else self._quiet + 1
        if not frames and self._quiet < SIGN:
            return
        if self._waiting.qsize() >= WAITING:
            log.warning("somebody who watches the rooms does not read, and is cut off")
            self._cut()
            self.end()
            return
        self._waiting.put_nowait(frames or _ALIVE)
        self._quiet = 0

    def end(self) -> None:
        """Let it be over, once all has been sent."""
        self._waiting.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (frames := await self._waiting.get()) is not None:
            yield frames


class Feed:
    """Everybody who watches. `run` is its work, for as long as the server runs."""

    def __init__(self, rooms: Callable[[], Awaitable[list[RoomStatus]]]) -> None:
        self._rooms = rooms
        self._listeners: set[Listener] = set()
        self._wanted = asyncio.Event()
        self._is_over = False

    @property
    def is_full(self) -> bool:
        """Whether nobody else can watch."""
        return len(self._listeners) >= MOST

    @contextlib.contextmanager
    def listening(self, may_see: Callable[[str], bool], cut: Callable[[], None]) -> Iterator[Listener]:
        """Watch the rooms whose names `may_see` lets through. `cut` ends the connection of who does not read."""
        listener = Listener(may_see, cut)
        self._listeners.add(listener)
        self._wanted.set()
        if self._is_over:
            listener.end()
        try:
            yield listener
        finally:
            self._listeners.remove(listener)

    def end(self) -> None:
        """Let everybody go, those who come from now on as well."""
        self._is_over = True
        for listener in self._listeners:
            listener.end()

    async def run(self) -> None:
        """Look, and tell what is found, until cancelled."""
        before: Rooms = {}
        while True:
            await self._wanted.wait()
            before = await self._look(before)
            self._wanted.clear()
            if self._listeners:
                await self._pause()
                self._wanted.set()

    async def _pause(self) -> None:
        """Wait for the next look, which is at once if somebody comes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(INTERVAL):
                await self._wanted.wait()

    async def _look(self, before: Rooms) -> Rooms:
        try:
            after = by_name(await self._rooms())
        except Exception:  # a look that fails must not end all that follow
            log.exception("the rooms could not be looked at")
            return before
        found = changes(before, after)
        for listener in list(self._listeners):
            may_see = listener.may_see
            listener.tell(everything(after, may_see) if listener.is_new else covered(found, may_see))
            listener.is_new = False
        return after
