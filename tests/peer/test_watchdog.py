"""The watchdog, in processes whose loop is blocked for good; and the thread that it runs in."""

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from peer.events import ExitReport, Outcome
from peer.signals import ECHO
from peer.silence import LOOP_LIMIT
from peer.vigil import vigil
from peer.watchdog import Watchdog
from tests.command import Command, python
from tests.devices.v4l2 import FakeCamera
from tests.exits.leaver import is_free
from tests.peer.office import Office

SUBJECT = Path(__file__).with_name("blocked.py")
RELEASED = 3.0  # seconds from the signal to the end of the process, which comes after the release of the devices
SLACK = 7.0  # seconds more, on a machine that is busy: what stood still with the loop does not count as its silence
LIMIT = 30.0  # seconds for anything that is waited for here


@pytest.fixture
async def office() -> Office:
    return Office()


@pytest.fixture
async def url(office: Office) -> AsyncIterator[str]:
    async with office.open() as url:
        yield url


@pytest.fixture
def camera(tmp_path: Path) -> FakeCamera:
    return FakeCamera(tmp_path)


@asynccontextmanager
async def subject(
    url: str, camera: FakeCamera | None = None, errors: int = asyncio.subprocess.PIPE
) -> AsyncIterator[Command]:
    pipes = {"stdin": asyncio.subprocess.PIPE, "stderr": errors}
    arguments = [str(camera.path)] if camera else []
    async with python(str(SUBJECT), url, *arguments, environment=camera and camera.environment, **pipes) as running:
        await running.until("ready")
        yield running


def tell(process: Command, order: str) -> None:
    process.running.stdin.write(f"{order}\n".encode())


async def block(process: Command, way: str) -> None:
    tell(process, way)
    await process.until("blocking")


async def report_of(process: Command) -> tuple[int, ExitReport]:
    """Return its status and its last words."""
    status, _ = await process.end()
    return status, msgspec.json.decode(process.errors.strip().splitlines()[-1], type=ExitReport)


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("python", "run_python (blocked.py:"),
        ("sleep", "(blocked.py:"),
        ("lock", "wait_for_a_lock (blocked.py:"),
        ("socket", "read_a_socket (blocked.py:"),
        ("c", "stay_in_c (blocked.py:"),
    ],
)
async def test_a_blocked_loop_is_left_by_force_after_a_signal(
    url: str, office: Office, camera: FakeCamera, way: str, words: str
) -> None:
    async with subject(url, camera) as process:
        await block(process, way)
        assert not is_free(camera.path)
        process.signal(signal.SIGTERM)
        began = time.monotonic()
        at, said = await office.next()
        status, report = await report_of(process)
        took = time.monotonic() - began
        assert status == 128 + signal.SIGTERM
        assert said == {"session": "ana", "ticket": "t", "reason": "left"}
        assert (report.reason, report.text, report.notice) == ("left", "SIGTERM", "acknowledged")
        assert [device.outcome for device in report.devices] == [Outcome.VERIFIED]
        (step,) = report.steps
        assert step.name == "watchdog"
        assert f"the event loop was blocked for {step.took:.1f} s in " in step.ended
        assert words in step.ended
        assert LOOP_LIMIT <= step.took <= report.total
        assert is_free(camera.path)
        assert took < RELEASED + SLACK
        print(f"{way}: SIGTERM → farewell {at - began:.2f} s, over {took:.2f} s")
        assert await office.hears_no_more()


async def test_an_exit_that_is_due_does_not_need_a_signal(url: str, office: Office) -> None:
    async with subject(url) as process:
        tell(process, "error")
        tell(process, "due")
        await process.until("leaving")
        await block(process, "sleep")
        assert (await office.next())[1]["reason"] == "error"
        status, report = await report_of(process)
        assert (status, report.reason, report.text) == (1, "error", None)


async def test_a_blocked_loop_is_nobodys_business_unless_an_exit_is_due(url: str, office: Office) -> None:
    async with subject(url) as process:
        await block(process, "sleep")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(process.running.wait(), LOOP_LIMIT + 1.0)
        process.signal(signal.SIGKILL)
        assert (await office.next())[1]["reason"] == "crashed"


async def test_a_slow_loop_that_answers_is_left_alone(url: str, office: Office) -> None:
    async with subject(url) as process:
        tell(process, "due")
        for _ in range(6):
            tell(process, "half a second")
            await process.until("blocked")
        tell(process, "end")
        await process.until("over")
        assert await process.end() == (0, "")
        assert "watchdog" not in process.errors
        assert await office.hears_no_more()


async def test_a_process_that_is_stopped_in_its_exit_goes_on_with_it_afterwards(url: str, office: Office) -> None:
    async with subject(url) as process:
        process.signal(signal.SIGTERM)
        await process.until("leaving")
        process.signal(signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(process.running.wait(), LOOP_LIMIT + 0.5)
        process.signal(signal.SIGCONT)
        tell(process, "end")
        await process.until("over")
        assert await process.end() == (0, "")
        assert await office.hears_no_more()


async def test_a_server_that_hangs_delays_the_release_but_little_and_the_guard_goes_on(camera: FakeCamera) -> None:
    begun = asyncio.Event()
    said: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    answering = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        text = (await reader.readuntil(b"}")).decode()
        begun.set()
        if answering.is_set():
            said.put_nowait(json.loads(text[text.index("{") :]))
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        else:
            await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server, subject(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws", camera) as process:
        await block(process, "python")
        process.signal(signal.SIGTERM)
        began = time.monotonic()
        async with asyncio.timeout(LIMIT):
            await begun.wait()
        answering.set()
        status, report = await report_of(process)
        assert time.monotonic() - began < RELEASED + SLACK
        assert (status, report.notice) == (128 + signal.SIGTERM, "none")
        assert [device.outcome for device in report.devices] == [Outcome.VERIFIED]
        async with asyncio.timeout(LIMIT):
            assert (await said.get())["reason"] == "left"


async def test_errors_that_nobody_reads_and_locks_of_the_logs_do_not_hold_it_up(url: str, office: Office) -> None:
    unread, errors = os.pipe()
    try:
        async with subject(url, errors=errors) as process:
            await block(process, "full pipe")
            process.signal(signal.SIGTERM)
            assert (await office.next())[1]["reason"] == "left"
            async with asyncio.timeout(LIMIT):
                assert await process.running.wait() == 128 + signal.SIGTERM
    finally:
        os.close(unread)
        os.close(errors)


async def test_a_second_signal_ends_a_stuck_process_at_once(url: str, office: Office) -> None:
    async with subject(url) as process:
        await block(process, "c")
        process.signal(signal.SIGTERM)
        await process.until("heard")
        await asyncio.sleep(2 * ECHO)  # longer than one wish may come twice
        process.signal(signal.SIGINT)
        assert (await process.end())[0] == 128 + signal.SIGINT
        assert '"watchdog"' not in process.errors, "it did not wait for the loop's limit"
        assert (await office.next())[1]["reason"] == "left"
        assert await office.hears_no_more()


# -- in this process --


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "exeunt watchdog"]


def watchdog(loop: asyncio.AbstractEventLoop) -> Watchdog:
    return Watchdog(
        loop, release=lambda _: [], farewell=lambda *_: True, report=lambda: ExitReport(reason=ExitReport.__name__)
    )


async def test_all_stays_of_a_process_share_one_thread_from_the_first_to_the_last() -> None:
    loop = asyncio.get_running_loop()
    ana, bo = watchdog(loop), watchdog(loop)
    assert threads() == ["exeunt watchdog"]
    ana.exit_is_due()
    ana.exit_is_over()
    ana.exit_is_over()
    assert vigil.watchers == (bo,)
    bo.exit_is_over()
    async with asyncio.timeout(LIMIT):
        while threads():  # noqa: ASYNC110 - a thread tells nobody of its end
            await asyncio.sleep(0.005)


async def test_a_loop_that_is_not_run_is_not_blocked() -> None:
    loop = asyncio.new_event_loop()
    dog = watchdog(loop)
    dog.exit_is_due()
    await asyncio.sleep(3 * LOOP_LIMIT / 2)
    assert dog.silence.is_watched
    assert dog.silence.lasted == 0.0
    loop.close()
    async with asyncio.timeout(LIMIT):
        while vigil.watchers:  # noqa: ASYNC110 - its thread takes note of a closed loop by itself
            await asyncio.sleep(0.005)


async def test_nothing_wakes_the_thread_while_no_exit_is_due() -> None:
    dog = watchdog(asyncio.get_running_loop())
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "exeunt watchdog"]
    status = Path(f"/proc/self/task/{thread.native_id}/status")

    def switches() -> str:
        lines = dict(line.split(":\t") for line in status.read_text().splitlines())
        return lines["voluntary_ctxt_switches"]

    async with asyncio.timeout(LIMIT):
        while True:  # until it has fallen asleep
            before = switches()
            await asyncio.sleep(0.2)
            if switches() == before:
                break
    await asyncio.sleep(0.5)
    assert switches() == before
    dog.exit_is_over()
