"""What everybody was told, in the order in which they were: tests compare it with `==` and wait for it."""

import asyncio
from collections.abc import Callable

from peer.events import Event, ExitRoom, RemoteMediaEvent, RemoteUserLeave

LIMIT = 40.0  # seconds for anything that a test waits for; a first call may fail on a busy machine, and another is made


def word(event: Event) -> str:
    """Say what happened in a few words: "remoteUserLeave bo left", "exitRoom kicked"."""
    words = [type(event).__name__[0].lower() + type(event).__name__[1:]]
    if hasattr(event, "session"):
        words.append(str(getattr(event, "user")))  # noqa: B009 - too large a union for mypy
    if isinstance(event, RemoteUserLeave | ExitRoom):
        words.append(event.reason.value)
    return " ".join(words)


class Journal:
    """Lines of (user, what they were told)."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.media: list[tuple[str, str]] = []
        self.events: list[tuple[str, Event]] = []
        self._waiters: set[asyncio.Future[None]] = set()

    def add(self, user: str, event: Event) -> None:
        """Write down that `user` was told of `event`.

        When pictures and sound begin, freeze and fall silent is another story: it is told in `media`.
        """
        if isinstance(event, RemoteMediaEvent):
            self._told_of_media(user, event)
            return
        self.note(user, word(event))
        self.events.append((user, event))

    def _told_of_media(self, user: str, event: RemoteMediaEvent) -> None:
        self.media.append((user, word(event)))
        self.events.append((user, event))
        self._wake()

    def note(self, user: str, text: str) -> None:
        """Write down something else that a user saw or did."""
        self.lines.append((user, text))
        self._wake()

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def of(self, user: str) -> list[str]:
        """Return what one user was told, in order."""
        return [text for who, text in self.lines if who == user]

    def media_of(self, user: str) -> list[str]:
        """Return what one user was told of the others' media, in order."""
        return [text for who, text in self.media if who == user]

    async def until_media(self, user: str, text: str) -> None:
        """Wait until a user was told something of the others' media."""
        await self.until_true(lambda: text in self.media_of(user))

    def last(self, user: str) -> Event:
        """Return the last event that a user was told of."""
        return next(event for who, event in reversed(self.events) if who == user)

    async def until(self, user: str, text: str) -> None:
        """Wait until a user was told something."""
        await self.until_true(lambda: text in self.of(user))

    async def until_true(self, condition: Callable[[], bool]) -> None:
        """Wait, line by line, until a condition on the journal holds."""
        try:
            async with asyncio.timeout(LIMIT):
                while not condition():
                    waiter = asyncio.get_running_loop().create_future()
                    self._waiters.add(waiter)
                    await waiter
                    self._waiters.discard(waiter)
        except TimeoutError:
            raise AssertionError("\n".join(f"{user}: {text}" for user, text in self.lines)) from None
