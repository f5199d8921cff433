"""Webhooks: every event of rooms and users is posted, signed, to the addresses that the operator named.

    POST /your/path                            Content-Type: application/json
    Exeunt-Signature: t=1900000000,v1=5257a8…  {"id": "8fXq2…", "type": "userLeft", "room": "lobby", …}

A receiver answers with any status from 200 to 299, within `POST_TIMEOUT`; everything else is tried again. It may get an
event twice (its answer was lost): the `id` is then the same. A receiver in Python:

    from signaling.webhooks import BadSignature, verify

    verify(body, request.headers["Exeunt-Signature"], [key])  # raises BadSignature
"""

import asyncio
import contextlib
import logging
import math
import random
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from signaling.signature import HEADER, TOLERANCE, BadSignature, check, sign
from signaling.webhook_events import WebhookEvent
from signaling.webhook_queue import PLACES, Event, GiveUp, Post, Step, WebhookQueue

POST_TIMEOUT = 10.0  # seconds from connecting to the status of the answer
FLUSH_TIMEOUT = 5.0  # seconds for what waits when the server ends

__all__ = ["BadSignature", "Deliveries", "Receiver", "WebhookEvent", "verify", "webhooks"]

log = logging.getLogger(__name__)


def verify(body: bytes, signature: str, keys: Sequence[str], *, tolerance: float = TOLERANCE) -> None:
    """Raise `BadSignature` unless `signature`, the header of a request, says that we have just sent this body.

    `keys` are those that the receiver believes: two, while keys are changed. `tolerance` is the age in seconds.
    """
    check(body, signature, keys, time.time(), tolerance)


@dataclass(slots=True)
class Deliveries:
    """What became of the events for one receiver."""

    delivered: int = 0
    failed: int = 0  # attempts
    given_up: int = 0


class Receiver:
    """One address. `put` returns at once; each room's events arrive in their order, or are given up."""

    def __init__(
        self, url: str, keys: Sequence[str], http: aiohttp.ClientSession, *, queue: WebhookQueue | None = None
    ) -> None:
        self.deliveries = Deliveries()
        self._url = url
        self._name = urlsplit(url).hostname  # the rest may hold a secret
        self._keys = keys
        self._http = http
        self._queue = queue or WebhookQueue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._is_failing = False

    @property
    def waiting(self) -> int:
        """How many events are not delivered yet."""
        return len(self._queue)

    def put(self, event: Event) -> None:
        """Have an event delivered."""
        self._follow(self._queue.put(event))

    async def close(self) -> None:
        """Deliver what waits, in bounded time; the rest is given up."""
        self._follow(self._queue.advance(math.inf))  # this is the last opportunity of what has failed
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_TIMEOUT):
                    await self._is_empty.wait()
        finally:
            tasks = set(self._tasks)
            for task in tasks:
                task.cancel()
            self._follow(self._queue.abandon())
            if tasks:
                await asyncio.wait(tasks)

    def _follow(self, steps: Iterable[Step]) -> None:
        for step in steps:
            match step:
                case Post(event, attempt):
                    task = asyncio.create_task(self._post(event, attempt), name=f"webhook {event.id}")
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
                case GiveUp(event, why):
                    self._give_up(event, why)
        if len(self._queue):
            self._is_empty.clear()
        else:
            self._is_empty.set()
        self._set_alarm()

    async def _post(self, event: Event, attempt: int) -> None:
        problem = await self._try(event)
        if problem is None:
            self._succeed()
            self._follow(self._queue.delivered(event.room))
            return
        self.deliveries.failed += 1
        log.debug("webhook %s: event %s, attempt %d: %s", self._name, event.id, attempt, problem)
        chance = random.random()  # noqa: S311 - jitter, not a secret
        self._follow(self._queue.failed(event.room, asyncio.get_running_loop().time(), chance))

    async def _try(self, event: Event) -> str | None:
        """Post once; return what went wrong."""
        headers = {"Content-Type": "application/json", HEADER: sign(event.body, self._keys, time.time())}
        try:
            async with (
                asyncio.timeout(POST_TIMEOUT),
                self._http.post(self._url, data=event.body, headers=headers, allow_redirects=False) as response,
            ):
                return None if response.ok and response.status < 300 else f"it answered {response.status}"
        except (aiohttp.ClientError, OSError, ValueError) as error:  # a time-out is an OSError; ValueError: its name
            return f"{type(error).__name__}: {error}"

    def _succeed(self) -> None:
        self.deliveries.delivered += 1
        if self._is_failing:
            self._is_failing = False
            log.warning("webhook %s: delivers again; %d events are lost", self._name, self.deliveries.given_up)

    def _give_up(self, event: Event, why: str) -> None:
        self.deliveries.given_up += 1
        level = logging.DEBUG if self._is_failing else logging.WARNING  # one line for a thousand lost events
        self._is_failing = True
        log.log(level, "webhook %s: event %s of room %s is lost: %s", self._name, event.id, event.room, why)

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        due = self._queue.next_deadline()
        self._alarm = None if due is None else asyncio.get_running_loop().call_at(due, self._advance)

    def _advance(self) -> None:
        self._alarm = None
        self._follow(self._queue.advance(asyncio.get_running_loop().time()))


@asynccontextmanager
async def webhooks(urls: Sequence[str], keys: Sequence[str]) -> AsyncIterator[tuple[Receiver, ...]]:
    """Deliver to these addresses inside the block; at its end what waits is delivered in bounded time, or given up."""
    if not urls:
        yield ()
        return
    connector = aiohttp.TCPConnector(limit=PLACES * len(urls))
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
        receivers = tuple(Receiver(url, keys, http) for url in urls)
        try:
            yield receivers
        finally:
            await asyncio.gather(*(receiver.close() for receiver in receivers))
