"""The guard, as a part of this process; that nothing of it is left after each test is seen to for all tests."""

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import AsyncIterator

import pytest

from peer.farewell import call_of
from peer.guard import Guard, say_farewell
from signaling.messages import Farewell
from tests.leaks import _children as children
from tests.peer.office import Office

LIMIT = 30.0  # seconds for anything that is waited for here
AT_ONCE = 4.0  # seconds, on a machine that is busy


@pytest.fixture
async def office() -> Office:
    return Office()


@pytest.fixture
async def url(office: Office) -> AsyncIterator[str]:
    async with office.open() as url:
        yield url


def alone() -> list[str]:
    return [child for child in children() if child.split()[1].startswith("python")]


async def test_peers_of_a_process_share_one_guard_from_the_first_session_to_the_last(url: str) -> None:
    guard = Guard()
    before = alone()
    ana = guard.care(url, session="ana", ticket="a", grace=5.0)
    (one,) = set(alone()) - set(before)
    bo = guard.care(url, session="bo", ticket="b", grace=5.0)
    assert set(alone()) - set(before) == {one}
    ana.release()
    ana.release()
    assert set(alone()) - set(before) == {one}
    bo.release()
    bo.becomes("left")
    await _until(lambda: not set(alone()) - set(before))


async def _until(condition: object) -> None:
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - threads and processes tell nobody of their end
            await asyncio.sleep(0.005)


async def test_sessions_come_and_go_in_many_threads(url: str, office: Office) -> None:
    guard = Guard()

    def come_and_go() -> None:
        for number in range(20):
            care = guard.care(url, session=f"{number}", ticket="t", grace=5.0)
            care.becomes("left")
            care.release()

    await asyncio.gather(*(asyncio.to_thread(come_and_go) for _ in range(6)))
    await _until(lambda: not [thread for thread in threading.enumerate() if thread.name == "exeunt guard"])
    assert await office.hears_no_more()


async def test_a_guard_that_is_killed_is_replaced_and_knows_every_session(url: str, office: Office) -> None:
    guard = Guard(min_life=0.0)
    cares = [guard.care(url, session=name, ticket="t", grace=5.0) for name in ("ana", "bo")]
    first = guard._helper
    os.kill(first._process.pid, signal.SIGKILL)
    await _until(lambda: guard._helper not in (first, None))
    assert await office.hears_no_more()
    os.kill(guard._helper._process.pid, signal.SIGKILL)
    for care in cares:
        care.release()
    assert await office.hears_no_more()


async def test_a_guard_that_cannot_live_is_a_warning_and_nothing_else(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    guard = Guard()
    care = guard.care(url, session="ana", ticket="t", grace=5.0)
    os.kill(guard._helper._process.pid, signal.SIGKILL)
    await _until(lambda: "the guard has ended (-9)" in caplog.text)  # the last that its thread does about it
    assert guard._helper is None
    care.becomes("left")
    care.release()


async def test_a_guard_that_cannot_be_started_is_a_warning_and_nothing_else(
    url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with caplog.at_level(logging.WARNING):
        care = Guard().care(url, session="ana", ticket="t", grace=5.0)
    assert "no guard can be started" in caplog.text
    care.becomes("left")
    care.release()


async def test_a_guard_that_is_stopped_does_not_hold_up_the_end(url: str, office: Office) -> None:
    guard = Guard()
    care = guard.care(url, session="ana", ticket="t", grace=5.0)
    os.kill(guard._helper._process.pid, signal.SIGSTOP)
    began = time.perf_counter()
    for _ in range(2000):  # more than the line holds
        care.becomes("left")
    care.release()
    assert time.perf_counter() - began < AT_ONCE
    assert await office.hears_no_more()


async def test_a_session_that_is_not_armed_can_still_say_farewell(url: str, office: Office) -> None:
    before = alone()
    care = Guard().care(url, session="ana", ticket="t", grace=5.0, is_armed=False)
    assert alone() == before
    assert await asyncio.to_thread(care.say, "error", LIMIT)
    assert (await office.next())[1] == {"session": "ana", "ticket": "t", "reason": "error"}


async def test_what_was_said_in_person_the_guard_does_not_say_again(url: str, office: Office) -> None:
    guard = Guard()
    care = guard.care(url, session="ana", ticket="t", grace=5.0)
    assert await asyncio.to_thread(care.say, "left", LIMIT)
    assert guard._cares == {}
    assert (await office.next())[1]["reason"] == "left"
    assert await office.hears_no_more()


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 none\r\n", b"HTTP/1.1 500 Oh\r\n\r\n"])
async def test_a_farewell_to_somebody_else_is_not_said(answer: bytes) -> None:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(reply, "127.0.0.1", 0)
    async with server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"
        farewell = Farewell(session="ana", ticket="t", reason="left")
        assert not await asyncio.to_thread(say_farewell, call_of(url, farewell), LIMIT)
