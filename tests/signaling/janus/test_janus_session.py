"""One session with a real Janus: opened, lost, claimed, over, closed; everything in bounded time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from signaling.janus.protocol import VIDEOROOM, Attach, Code, JanusRefused, JanusUnreachable, SessionOver
from signaling.janus.session import DESTROY_LIMIT, JanusSession, State
from signaling.janus.videoroom import ListParticipants
from tests.cable import Cable
from tests.devices.janus import Janus, janus_server

LIMIT = 20.0  # seconds for anything that is waited for here
NOBODY = "ws://127.0.0.1:1"


@pytest.fixture
async def janus() -> AsyncIterator[Janus]:
    async with janus_server() as janus:
        yield janus


@pytest.fixture
async def cable(janus: Janus) -> AsyncIterator[Cable]:
    async with Cable(janus.url).laid() as cable:
        yield cable


class States:
    """What a session told of itself; `until` waits for one more."""

    def __init__(self) -> None:
        self.told: list[State] = []
        self._came = asyncio.Event()

    def note(self, state: State) -> None:
        self.told.append(state)
        self._came.set()

    async def until(self, *states: State) -> None:
        async with asyncio.timeout(LIMIT):
            while self.told != list(states):
                self._came.clear()
                await self._came.wait()


@asynccontextmanager
async def session_over(url: str, states: States) -> AsyncIterator[JanusSession]:
    session = JanusSession(url, on_state=states.note)
    await session.open()
    try:
        yield session
    finally:
        await session.close()


async def test_the_videoroom_answers_and_refuses_and_the_session_ends_in_janus_too(janus: Janus) -> None:
    states = States()
    async with session_over(janus.url, states) as session:
        handle = await session.attach(print)
        with pytest.raises(JanusRefused, match="No such room") as refused:
            await handle.ask(ListParticipants(room=5))
        assert refused.value.code == Code.NO_SUCH_ROOM
        await handle.detach()
        with pytest.raises(JanusRefused, match="No such handle"):
            await handle.ask(ListParticipants(room=5))
    assert states.told == [State.OPEN, State.OVER]
    await session.close()
    with pytest.raises(SessionOver):
        await session.attach(print)
    async with asyncio.timeout(LIMIT):
        while "Destroying session" not in janus.log():  # noqa: ASYNC110 - a thread of Janus' own writes it
            await asyncio.sleep(0.05)


async def test_a_lost_socket_is_replaced_and_what_is_asked_meanwhile_is_answered(janus: Janus, cable: Cable) -> None:
    states = States()
    async with session_over(cable.url, states) as session:
        handle = await session.attach(print)
        cable.cut()
        await states.until(State.OPEN, State.CLAIMING)
        asked = asyncio.create_task(handle.ask(ListParticipants(room=5), limit=LIMIT))
        cable.mend()
        with pytest.raises(JanusRefused, match="No such room"):  # the handle is the same: Janus knows it
            await asked
        await states.until(State.OPEN, State.CLAIMING, State.OPEN)


async def test_what_was_asked_when_the_socket_is_lost_fails_at_once(janus: Janus, cable: Cable) -> None:
    states = States()
    async with session_over(cable.url, states) as session:
        janus.freeze()
        asked = asyncio.create_task(session.attach(print))
        await asyncio.sleep(0)
        cable.cut()
        with pytest.raises(JanusUnreachable, match="is lost"):
            await asked
        janus.thaw()


async def test_a_janus_that_has_forgotten_the_session_ends_it_for_whoever_waits(janus: Janus) -> None:
    states = States()
    async with session_over(janus.url, states) as session:
        over = asyncio.create_task(session.wait_over())
        await janus.kill()
        await states.until(State.OPEN, State.CLAIMING)
        asked = asyncio.create_task(session.attach(print))
        await janus.start()
        async with asyncio.timeout(LIMIT):
            await over
        with pytest.raises(SessionOver):
            await asked
        await states.until(State.OPEN, State.CLAIMING, State.OVER)


async def test_a_frozen_janus_is_waited_for_no_longer_than_was_said_and_holds_up_no_end(janus: Janus) -> None:
    async with session_over(janus.url, States()) as session:
        janus.freeze()
        with pytest.raises(JanusUnreachable, match=r"did not answer within 0.2 s"):
            await session.ask(Attach(plugin=VIDEOROOM), limit=0.2)
        before = time.monotonic()
        await session.close()
        assert time.monotonic() - before < 2 * DESTROY_LIMIT + 1.0  # a busy machine
        janus.thaw()


@pytest.mark.parametrize("url", [NOBODY, "ws://", "http://127.0.0.1:1/x"])
async def test_where_no_janus_is_one_line_says_so(url: str) -> None:
    session = JanusSession(url)
    with pytest.raises(JanusUnreachable, match="no Janus answers at"):
        await session.open()
    await session.close()


async def test_another_server_is_no_janus() -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        with pytest.raises(JanusUnreachable, match="no Janus answers at"):
            await JanusSession(f"ws://127.0.0.1:{runner.addresses[0][1]}/").open()
    finally:
        await runner.cleanup()
