"""Signals: what becomes of the first and the second, and of what was done with them before."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peer.signals import SIGNALS, first_signal
from peer.vigil import vigil
from tests.command import python
from tests.peer.office import Office

BLOCKED = Path(__file__).with_name("blocked.py")
LIMIT = 30.0  # seconds for anything that is waited for here
AT_ONCE = 10.0  # seconds, on a machine that is busy

FORKING = """
import asyncio, os, signal, time
from peer.signals import first_signal

async def main():
    heard = asyncio.Event()
    with first_signal(lambda number: heard.set()):
        child = os.fork()
        if child == 0:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(30)
            os._exit(0)
        status = await asyncio.to_thread(os.waitpid, child, 0)
        await asyncio.sleep(0.2)
        print(os.WTERMSIG(status[1]), heard.is_set(), flush=True)
        os.kill(os.getpid(), signal.SIGTERM)
        await heard.wait()
        print("heard", flush=True)

asyncio.run(main())
"""


class Calls:
    """Remembers which signals made the call."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self._came = asyncio.Event()

    def __call__(self, number: int) -> None:
        self.numbers.append(number)
        self._came.set()

    async def next(self) -> list[int]:
        async with asyncio.timeout(LIMIT):
            await self._came.wait()
        self._came.clear()
        return self.numbers


def send(number: int) -> None:
    os.kill(os.getpid(), number)


def wakeup_handle() -> int:
    handle = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(handle)
    return handle


@pytest.mark.parametrize("number", SIGNALS)
async def test_the_first_signal_makes_the_call_and_all_is_as_before_afterwards(number: int) -> None:
    handlers, handle = [signal.getsignal(one) for one in SIGNALS], wakeup_handle()
    calls = Calls()
    with first_signal(calls):
        send(number)
        assert await calls.next() == [number]
    assert [signal.getsignal(one) for one in SIGNALS] == handlers
    assert wakeup_handle() == handle


async def test_blocks_in_blocks_hear_each_their_own() -> None:
    outer, inner, last = Calls(), Calls(), Calls()
    with first_signal(outer):
        with first_signal(inner):
            send(signal.SIGTERM)
            assert await inner.next() == [signal.SIGTERM]
        send(signal.SIGTERM)
        assert await outer.next() == [signal.SIGTERM]
    with first_signal(last):
        send(signal.SIGTERM)
        assert await last.next() == [signal.SIGTERM]
    assert inner.numbers == outer.numbers == [signal.SIGTERM]


async def test_signals_that_a_loop_handles_itself_reach_it_as_before() -> None:
    loop, calls = asyncio.get_running_loop(), Calls()
    loop.add_signal_handler(signal.SIGUSR1, calls, signal.SIGUSR1)
    try:
        with first_signal(Calls()):
            send(signal.SIGUSR1)
            assert await calls.next() == [signal.SIGUSR1]
        send(signal.SIGUSR1)
        assert await calls.next() == [signal.SIGUSR1] * 2
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)


async def test_whoever_takes_the_handle_for_wakeups_meanwhile_keeps_it() -> None:
    loop, calls, others = asyncio.get_running_loop(), Calls(), Calls()
    try:
        with first_signal(calls):
            loop.add_signal_handler(signal.SIGUSR1, others, signal.SIGUSR1)
            send(signal.SIGTERM)
            assert await calls.next() == [signal.SIGTERM]
        send(signal.SIGUSR1)
        assert await others.next() == [signal.SIGUSR1]
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)


async def test_a_handler_of_the_programs_own_is_not_counted_against_it() -> None:
    calls, own = Calls(), Calls()
    with first_signal(calls):
        signal.signal(signal.SIGHUP, lambda number, _: own(number))
        for _ in range(2):
            send(signal.SIGHUP)
            await own.next()
            await asyncio.sleep(0.25)  # longer than one wish may come twice
        assert (calls.numbers, own.numbers) == ([], [signal.SIGHUP] * 2)


async def test_the_thread_lasts_as_long_as_the_block() -> None:
    with first_signal(Calls()):
        assert vigil._bell is not None
    assert vigil._bell is None


async def test_a_forked_child_is_no_peer_and_its_signals_are_its_own() -> None:
    async with python("-c", FORKING) as process:
        assert await process.line() == f"{int(signal.SIGTERM)} False"
        assert await process.line() == "heard"
        assert (await process.end())[0] == 0


@pytest.fixture
async def office() -> Office:
    return Office()


@pytest.fixture
async def url(office: Office) -> AsyncIterator[str]:
    async with office.open() as url:
        yield url


async def test_the_second_signal_ends_the_process_and_the_guard_says_that_it_wished_to(
    url: str, office: Office
) -> None:
    async with python(str(BLOCKED), url, stdin=asyncio.subprocess.PIPE) as process:
        await process.until("ready")
        process.signal(signal.SIGTERM)
        await process.until("leaving")
        began = time.monotonic()
        process.signal(signal.SIGINT)
        assert (await process.end())[0] == 128 + signal.SIGINT
        at, said = await office.next()
        assert said["reason"] == "left"
        assert at - began < AT_ONCE
        assert await office.hears_no_more()


async def test_two_signals_at_once_are_one_wish_to_a_stuck_process(url: str, office: Office) -> None:
    async with python(str(BLOCKED), url, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE) as process:
        process.running.stdin.write(b"c\n")
        await process.until("blocking")
        await asyncio.sleep(0.2)  # it says so just before
        for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGHUP, signal.SIGCONT):  # however late we are in between
            process.signal(number)
        status, _ = await process.end()
        assert status in (128 + signal.SIGTERM, 128 + signal.SIGHUP)
        assert '"watchdog"' in process.errors
        assert (await office.next())[1]["reason"] == "left"
