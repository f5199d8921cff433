"""What everybody was told, in the order in which they were: tests compare it with `==` and wait for it."""

import asyncio
from collections.abc import Callable

from peer.events import Event, ExitRoom, RemoteUserLeave

LIMIT = 10.0  # seconds for anything that a test waits for


def word(event: Event) -> str:
    """Say what happened in a few words: "remoteUserLeave bo left", "exitRoom kicked"."""
    words = [type(event).__name__[0].lower() + type(event).__name__[1:]]
    if not isinstance(event, ExitRoom) and hasattr(event, "session"):
        words.append(event.user)
    if isinstance(event, RemoteUserLeave | ExitRoom):
        words.append(event.reason.value)
    return " ".join(words)


class Journal:
    """Lines of (user, what they were told)."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.events: list[tuple[str, Event]] = []
        self._waiters: set[asyncio.Future[None]] = set()

    def add(self, user: str, event: Event) -> None:
        """Write down that `user` was told of `event`."""
        self.note(user, word(event))
        self.events.append((user, event))

    def note(self, user: str, text: str) -> None:
        """Write down something else that a user saw or did."""
        self.lines.append((user, text))
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def of(self, user: str) -> list[str]:
        """Return what one user was told, in order."""
        return [text for who, text in self.lines if who == user]

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
