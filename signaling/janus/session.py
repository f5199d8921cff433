"""One session with one Janus server, over one WebSocket at a time. Carries requests; decides nothing about rooms.

    CLOSED ──open──► OPEN ──socket lost──► CLAIMING ──claimed──► OPEN
                      │                        └──refused, or no answer──► OVER
                      └──Janus says that it is over──► OVER          close ──► OVER, from everywhere

What was asked when the socket is lost fails: its answer may be lost with it. What is asked while the session is claimed
waits. Media have connections of their own, and go on meanwhile.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

import msgspec

from signaling.janus.failures import JanusFailure, JanusUnreachable, SessionOver
from signaling.janus.line import WebSocketLine
from signaling.janus.protocol import (
    VIDEOROOM,
    Attach,
    Claim,
    Create,
    Destroy,
    Detach,
    Detached,
    Event,
    HandleWord,
    JanusWord,
    Jsep,
    KeepAlive,
    Request,
    Success,
    Timeout,
    refusal,
    tell,
)
from signaling.janus.transactions import Transactions

ASK_LIMIT = 5.0  # seconds for an answer
CLAIM_LIMIT = 20.0  # seconds in which a lost session is claimed; Janus keeps it for `reclaim_session_timeout`
CLAIM_MIN, CLAIM_MAX = 0.1, 2.0  # seconds between two attempts, doubling
DESTROY_LIMIT = 0.4  # seconds for Janus to end the session
KEEPALIVE = 20.0  # seconds; Janus forgets a session after 60
log = logging.getLogger(__name__)


class State(Enum):
    """How a session is."""

    CLOSED = auto()
    OPEN = auto()
    CLAIMING = auto()
    OVER = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a plugin answered, as it is on the wire, and the session description that came with it."""

    data: msgspec.Raw
    jsep: Jsep | None


class JanusSession:
    """Opened once, closed once; `on_state` is told of every change. Callbacks run on the loop and return at once."""

    def __init__(self, url: str, *, on_state: Callable[[State], None] = lambda _: None) -> None:
        self.url = url
        self.state = State.CLOSED
        self._on_state = on_state
        self._line = WebSocketLine(url, self._hear, self._lost)
        self._id: int | None = None
        self._transactions = Transactions()
        self._answers: dict[str, asyncio.Future[JanusWord]] = {}
        self._handles: dict[int, Handle] = {}
        self._is_open = asyncio.Event()
        self._is_over = asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def open(self) -> None:
        """Connect and begin the session. Raises `JanusFailure`; then nothing is left open."""
        assert self.state is State.CLOSED, self.state
        try:
            reading = await self._line.connect()
            self._id = _id_in(await self._within(ASK_LIMIT, Create()))
        except BaseException:
            await self.close()
            raise
        self._enter(State.OPEN)
        works = (self._live(reading), self._keep_alive())
        self._tasks = tuple(asyncio.create_task(work, name="janus session") for work in works)

    async def attach(self, heard: Callable[[HandleWord], None]) -> "Handle":
        """Return a new handle with the VideoRoom; `heard` gets what Janus says of it unasked. Raises `JanusFailure`."""
        number = _id_in(await self.ask(Attach(plugin=VIDEOROOM)))
        handle = self._handles[number] = Handle(self, number, heard)
        return handle

    async def ask(self, request: Request, handle: int | None = None, *, limit: float = ASK_LIMIT) -> JanusWord:
        """Return the answer to a request. Raises `JanusFailure`, after `limit` seconds at the latest."""
        return await self._within(limit, request, handle, waits=True)

    async def wait_over(self) -> None:
        """Return when the session is over, for whatever reason."""
        await self._is_over.wait()

    def forget(self, handle: int) -> None:
        """Tell nobody any more what Janus says of this handle."""
        self._handles.pop(handle, None)

    async def close(self) -> None:
        """End the session and hang up, in less than a second. May be called twice, in any state."""
        try:
            if self.state is State.OPEN:
                with contextlib.suppress(JanusFailure):
                    await self.ask(Destroy(), limit=DESTROY_LIMIT)
        finally:
            self._enter(State.OVER)
            tasks, self._tasks = self._tasks, ()
            for task in tasks:
                task.cancel()
            await self._line.close()
            if tasks:
                await asyncio.wait(tasks)

    # -- one socket after the other --

    async def _live(self, reading: "asyncio.Task[None]") -> None:
        """Read what comes until the session is over, over as many sockets as that takes."""
        while True:
            await asyncio.wait({reading})
            await self._line.drop()
            if self.state is State.OVER:
                return
            self._enter(State.CLAIMING)
            try:
                async with asyncio.timeout(CLAIM_LIMIT):
                    reading = await self._claim()
            except (JanusFailure, TimeoutError) as error:
                log.info("the session with %s is over: %s", self.url, str(error) or "it did not come back in time")
                self._enter(State.OVER)
                return
            self._enter(State.OPEN)

    async def _claim(self) -> "asyncio.Task[None]":
        """Take the session up on a new socket. Raises `JanusFailure` if Janus knows it no more."""
        delay = CLAIM_MIN
        while True:
            await asyncio.sleep(delay)
            try:
                reading = await self._line.connect()
                await self._within(ASK_LIMIT, Claim())
            except JanusUnreachable as error:
                log.debug("%s cannot be reached: %s", self.url, error)
                await self._line.drop()
            else:
                return reading
            delay = min(2 * delay, CLAIM_MAX)

    async def _keep_alive(self) -> None:
        while self.state is not State.OVER:
            await asyncio.sleep(KEEPALIVE)
            with contextlib.suppress(JanusFailure):  # the reader notices a connection that is lost
                await self.ask(KeepAlive())

    # -- what is said --

    async def _within(
        self, limit: float, request: Request, handle: int | None = None, *, waits: bool = False
    ) -> JanusWord:
        """Say something and return the answer; `waits`: for the session to be open. Raises `JanusFailure`."""
        try:
            async with asyncio.timeout(limit):
                if waits:
                    await self._is_open.wait()
                return await self._exchange(request, handle)
        except TimeoutError:
            raise JanusUnreachable(f"{self.url} did not answer within {limit:g} s") from None

    async def _exchange(self, request: Request, handle: int | None) -> JanusWord:
        """Say something and return what is answered, on the present socket. Raises `JanusFailure`."""
        if self.state is State.OVER:
            raise SessionOver(f"the session with {self.url} is over")
        said = self._transactions.begin(request, self._id, handle)
        answer: asyncio.Future[JanusWord] = asyncio.get_running_loop().create_future()
        self._answers[said.transaction] = answer
        try:
            await self._line.send(said)
            word = await answer
        finally:
            del self._answers[said.transaction]
            if answer.done() and not answer.cancelled():
                answer.exception()  # known: perhaps nobody waits for it any more
            self._transactions.give_up(said.transaction)
        if (failure := refusal(word)) is not None:
            if isinstance(failure, SessionOver):
                self._enter(State.OVER)
            raise failure
        return word

    def _hear(self, word: JanusWord) -> None:
        transaction = self._transactions.answered(word)
        if transaction is not None:
            answer = self._answers[transaction]
            if not answer.done():
                answer.set_result(word)
        elif isinstance(word, Timeout):
            self._enter(State.OVER)
        elif isinstance(word, HandleWord) and (handle := self._handles.get(word.sender or 0)) is not None:
            if isinstance(word, Detached):
                self.forget(handle.id)
            handle.heard(word)

    def _lost(self) -> None:
        self._fail_all(JanusUnreachable(f"the connection to {self.url} is lost"))

    def _enter(self, state: State) -> None:
        if self.state in (state, State.OVER):
            return
        log.debug("session with %s: %s -> %s", self.url, self.state.name, state.name)
        self.state = state
        if state is State.CLAIMING:
            self._is_open.clear()
        else:
            self._is_open.set()  # also when it is over: who waits for it is told so
        if state is State.OVER:
            self._is_over.set()
            self._fail_all(SessionOver(f"the session with {self.url} is over"))
        self._on_state(state)

    def _fail_all(self, failure: JanusFailure) -> None:
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(failure)


class Handle:
    """One tie to the VideoRoom: a publisher's, a subscriber's, or one for requests alone."""

    def __init__(self, session: JanusSession, handle_id: int, heard: Callable[[HandleWord], None]) -> None:
        self.id = handle_id
        self.heard = heard
        self._session = session

    async def ask(self, body: msgspec.Struct, jsep: Jsep | None = None, *, limit: float = ASK_LIMIT) -> Answer:
        """Say something to the plugin and return its answer. Raises `JanusFailure`, after `limit` seconds at most."""
        word = await self._session.ask(tell(body, jsep), self.id, limit=limit)
        if isinstance(word, Event):
            return Answer(word.plugindata.data, word.jsep)
        said = word.plugindata if isinstance(word, Success) else None
        return Answer(msgspec.Raw(b"{}") if said is None else said.data, None)

    async def detach(self) -> None:
        """End the handle and what it carries. What is over already, or cannot be told, is left alone."""
        self._session.forget(self.id)
        with contextlib.suppress(JanusFailure):
            await self._session.ask(Detach(), self.id)


def _id_in(word: JanusWord) -> int:
    """Return the id of what was made. Raises `JanusFailure` if nothing was."""
    if not isinstance(word, Success):
        raise JanusFailure(f"Janus answers something else: {word}")
    return word.data.id
