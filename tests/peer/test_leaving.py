"""Leaving when everything around it goes wrong: it ends, in order, in time, and says how."""

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from peer import File, Outcome, Peer, TestPattern, UsageError
from tests.journal import Journal

MakePeer = Callable[..., Peer]
SMALL = TestPattern(width=320, height=180, fps=10)


async def test_cancelling_the_task_that_leaves_ends_no_step(make_peer: MakePeer, journal: Journal) -> None:
    """`asyncio.run` cancels every task at its end, this one too."""
    async with make_peer("bo"):
        async with make_peer("ana") as ana:
            await ana.publish(SMALL)
            ana.request_exit()
            (leaving,) = [task for task in asyncio.all_tasks() if task.get_name() == "leave lobby/ana"]
            while not leaving.done():
                leaving.cancel()
                await asyncio.sleep(0)
            report = await ana.leave()
        await journal.until("bo", "remoteUserLeave ana left")
    assert [step.ended for step in report.steps] == ["ok"] * 4
    assert [device.outcome for device in report.devices] == [Outcome.VERIFIED]
    assert journal.of("ana").count("exitRoom left") == 1


async def test_cancelling_the_step_that_tells_of_the_exit_has_it_told_all_the_same(
    make_peer: MakePeer, journal: Journal
) -> None:
    ana, is_busy, go_on = make_peer("ana"), asyncio.Event(), asyncio.Event()

    @ana.on_enter_room
    async def slow(_: object) -> None:
        is_busy.set()
        await go_on.wait()

    async with ana, asyncio.timeout(30):
        await is_busy.wait()
        ana.request_exit()
        while not (telling := [task for task in asyncio.all_tasks() if task.get_name() == "lobby/ana reporting"]):  # noqa: ASYNC110 - a task that begins tells nobody
            await asyncio.sleep(0)
        await asyncio.sleep(0)  # it has begun to wait for the handler
        telling[0].cancel()
        await asyncio.wait(telling)
        go_on.set()
        await ana.wait_exited()
    assert journal.of("ana").count("exitRoom left") == 1


async def test_a_handler_that_waits_a_while_for_the_exit_goes_on_hearing(make_peer: MakePeer, journal: Journal) -> None:
    ana = make_peer("ana")

    @ana.on_remote_user_join
    async def wait_a_moment(_: object) -> None:
        try:
            async with asyncio.timeout(0.01):
                await ana.wait_exited()
        except TimeoutError:
            journal.note("ana", "waited")

    async with ana:
        for user in ("bo", "cy"):
            async with make_peer(user):
                await journal.until("ana", f"remoteUserJoin {user}")
            await journal.until("ana", f"remoteUserLeave {user} left")
    assert journal.of("ana").count("waited") == 2


@pytest.mark.parametrize("turns", [0, 1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96])
async def test_leaving_at_any_moment_of_a_negotiation_leaves_nothing(make_peer: MakePeer, turns: int) -> None:
    async with make_peer("ana") as ana:
        await ana.publish(SMALL)
        async with make_peer("bo"):
            for _ in range(turns):
                await asyncio.sleep(0.001)
    # the fixtures find tasks, threads and sockets that are left


async def test_a_device_that_hangs_while_it_opens_is_in_the_report(make_peer: MakePeer, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    try:
        async with make_peer("ana") as ana:
            await ana.publish(SMALL, kinds=["audio"])
            publishing = asyncio.create_task(ana.publish(File(pipe), kinds=["video"]))
            await asyncio.sleep(0)
            report = await ana.leave()
            assert isinstance((await asyncio.gather(publishing, return_exceptions=True))[0], UsageError)
    finally:
        os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))  # the reader's open returns, and finds nothing
    assert [step.ended for step in report.steps] == ["ok"] * 4
    assert {device.device: device.outcome for device in report.devices} == {
        "test pattern": Outcome.VERIFIED,
        f"file {pipe}": Outcome.STUCK,
    }


async def test_a_pool_of_threads_that_is_busy_does_not_hold_up_the_exit(make_peer: MakePeer) -> None:
    over = threading.Event()
    jobs = [asyncio.get_running_loop().run_in_executor(None, over.wait, 20) for _ in range(64)]
    try:
        async with make_peer("ana") as ana, make_peer("bo") as bo:
            await ana.publish(SMALL, kinds=["audio"])
            report = await bo.leave()
        assert [step.ended for step in report.steps] == ["ok"] * 4
    finally:
        over.set()
        await asyncio.gather(*jobs)


async def test_what_cannot_be_said_is_refused_and_the_rest_is_said(make_peer: MakePeer, journal: Journal) -> None:
    async with make_peer("bo"):
        async with make_peer("ana") as ana:
            await journal.until("bo", "remoteUserJoin ana")
            with pytest.raises(UsageError, match="UTF-8"):
                await ana.kick("bo", "\ud83d")
            with pytest.raises(UsageError, match="1000"):
                await ana.kick("bo", "x" * 1001)
            with pytest.raises(UsageError, match="JSON"):
                ana.update_extra({"a": "\ud83d"})
            ana.update_extra({"a": 1})
            await journal.until("bo", "remoteUserUpdate ana")
        await journal.until("bo", "remoteUserLeave ana left")
