"""Who answers what is asked of us, and the answers."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from peer.conversation.letter import MAX_RELIABLE, Failure, Head, content_of
from peer.errors import UsageError

MOST_AT_A_TIME = 64  # requests that are being answered; more are refused
MAX_FAILURE = 1000  # characters of what went wrong
CLOSE_LIMIT = 0.2  # seconds for responders that are cancelled
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks: `data` is bytes or what JSON can say."""

    user: str
    topic: str
    data: Any


Responder = Callable[[Request], Awaitable[Any] | Any]
ResponderT = TypeVar("ResponderT", bound=Responder)
Answer = tuple[Head, bytes]


class Responders:
    """One responder for each topic."""

    def __init__(self) -> None:
        self._of: dict[str, Responder] = {}

    def add(self, topic: str, responder: ResponderT) -> ResponderT:
        """Have this one answer. Raises `UsageError` if there is one already."""
        content_of(topic, None, MAX_RELIABLE)
        if topic in self._of:
            raise UsageError(f"there is somebody who answers {topic!r} already")
        self._of[topic] = responder
        return responder

    async def answer(self, request: Request, number: int) -> Answer:
        """Return the answer to a request; what goes wrong in the responder is an answer, too."""
        responder = self._of.get(request.topic)
        if responder is None:
            return _failure(request, number, "no_responder", f"nobody answers {request.topic!r}")
        try:
            result = responder(request)
            if inspect.isawaitable(result):
                result = await result
            form, content = content_of(request.topic, result, MAX_RELIABLE)
        except Exception as error:  # the program's own may raise anything: it is the asker who wants to know
            log.exception("the responder of %r failed", request.topic)
            return _failure(request, number, "failed", f"{type(error).__name__}: {error}")
        return Head(topic=request.topic, form=form, answers=number), content


def busy(request: Request, number: int) -> Answer:
    """Return the answer of who has too many to answer."""
    return _failure(request, number, "failed", f"more than {MOST_AT_A_TIME} requests are being answered: ask later")


def _failure(request: Request, number: int, failure: Failure, text: str) -> Answer:
    _, content = content_of(request.topic, text[:MAX_FAILURE], MAX_RELIABLE)
    return Head(topic=request.topic, answers=number, failure=failure), content


class Answering:
    """Runs the responders, each in a task of its own, and says what they answer."""

    def __init__(self, responders: Responders) -> None:
        self.responders = responders
        self._tasks: set[asyncio.Task[None]] = set()

    def answer(self, request: Request, number: int, say: Callable[[Answer], Awaitable[None]]) -> None:
        """Answer a request, soon."""
        is_busy = len(self._tasks) >= MOST_AT_A_TIME
        if len(self._tasks) >= 2 * MOST_AT_A_TIME:  # not even this can be said to all of them
            log.warning("%s and others ask too much: a request is not answered", request.user)
            return
        task = asyncio.create_task(self._answer(request, number, say, is_busy=is_busy), name=f"answer {request.topic}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(
        self, request: Request, number: int, say: Callable[[Answer], Awaitable[None]], *, is_busy: bool
    ) -> None:
        await say(busy(request, number) if is_busy else await self.responders.answer(request, number))

    async def close(self) -> None:
        """Cancel what is being answered. A responder that waits for our exit ends after it."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_LIMIT)
