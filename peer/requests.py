"""Things asked of the server whose outcome is awaited: done when the room says so, refused when the server does."""

import asyncio
from collections.abc import Callable

from peer.errors import Refused, ServerUnreachable

Topic = tuple[str, str]  # the `type` of the message, and whom it is about
ANSWER_LIMIT = 5.0  # seconds


class Requests:
    """What is waiting for an answer."""

    def __init__(self) -> None:
        self._waiting: dict[Topic, asyncio.Future[None]] = {}

    async def ask(self, topic: Topic, send: Callable[[], None]) -> None:
        """Send a request and wait until it is done. Raises `Refused`, or `ServerUnreachable` without an answer."""
        future = self._waiting.get(topic)
        if future is None:
            send()
            future = self._waiting[topic] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                await asyncio.shield(future)
        except TimeoutError:
            raise ServerUnreachable(f"no answer to {topic[0]} within {ANSWER_LIMIT:g} s") from None
        finally:
            if self._waiting.get(topic) is future:
                del self._waiting[topic]

    def done(self, topic: Topic) -> None:
        """What was asked has happened."""
        if (future := self._waiting.get(topic)) and not future.done():
            future.set_result(None)

    def answered(self, about: str) -> str | None:
        """The oldest request of that type is done; return whom or what it was about, `None` if there is none."""
        for topic, future in self._waiting.items():
            if topic[0] == about and not future.done():
                future.set_result(None)
                return topic[1]
        return None

    def failed(self, about: str | None, error: Refused) -> None:
        """The server refuses: the oldest request of that type has failed."""
        for topic, future in self._waiting.items():
            if topic[0] == about and not future.done():
                future.set_exception(error)
                return
