"""Exits that the process itself may not live to see: signals, deaths, a blocked loop, and servers that die or hang.

Each test has a leaver (ana) of its own, with a camera of its own; see `test_exit_matrix.py` for those that survive.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from peer import Detection, ExitReport, Peer, RemoteUserLeave, ServerUnreachable
from peer.testing.process import children
from tests.command import Command, exeunt
from tests.devices.v4l2 import FakeCamera
from tests.exits.case import LIMIT, Case, playing, until_straight
from tests.exits.leaver import is_free, leaver
from tests.exits.wire import OURS, Wire, isolated, laid
from tests.journal import Journal

HEARTBEAT, GRACE = 1.0, 1.0  # seconds: half a heartbeat is for an answer, and a machine that is busy is silent at times


@pytest.fixture
def camera(tmp_path: Path) -> FakeCamera:
    return FakeCamera(tmp_path, size="320x240")


@asynccontextmanager
async def sending(camera: FakeCamera, *, isolation: str = "thread", **options: object) -> AsyncIterator[Case]:
    """Ana sends her camera to bo."""
    async with leaver(camera.environment, keeps_errors=True) as ana, playing(ana, camera, **options) as case:
        case.capture = {"isolation": isolation}
        await case.enter()
        await case.publish()
        await case.meet()
        await case.see()
        await case.reach()
        yield case


async def left(case: Case) -> RemoteUserLeave:
    """Wait until bo is told that ana is gone; check that it is once, and return what is told."""
    await case.journal.until_true(lambda: bool(case.leaves()))
    told = [event for _, event in case.journal.events if isinstance(event, RemoteUserLeave) and event.user == "ana"]
    assert len(told) == 1
    return told[0]


async def gone(case: Case) -> int:
    """Wait until ana's process has ended and everything that it started with it; return its status."""
    group = children(case.ana.running.pid)
    status = await case.ana.ended()
    async with asyncio.timeout(LIMIT):
        while any(Path(f"/proc/{pid}").exists() for pid in group):  # noqa: ASYNC110 - they are not our children
            await asyncio.sleep(0.02)
    assert is_free(case.camera.path)
    return status


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
async def test_the_first_signal_leaves_properly(camera: FakeCamera, number: signal.Signals) -> None:
    async with sending(camera) as case:
        case.ana.running.send_signal(number)
        await case.assert_contract("left", frozenset({"left"}))


async def test_the_second_signal_ends_the_process_at_once_and_the_others_are_told(camera: FakeCamera) -> None:
    async with sending(camera) as case:
        case.cable.cut()  # the first signal's notice does not reach the server
        await case.ana.until("event", "connectionLost")
        case.ana.running.send_signal(signal.SIGTERM)
        await case.ana.until("leaving")
        case.ana.running.send_signal(signal.SIGTERM)
        case.cable.mend()  # not before: it would leave well
        assert await gone(case) == 128 + signal.SIGTERM
        assert (await left(case)).reason == "left"


@pytest.mark.parametrize("isolation", ["thread", "process"])
@pytest.mark.parametrize("death", ["SIGKILL", "segmentation fault", "out of memory"])
async def test_a_death_is_known_as_one_and_the_camera_is_free(camera: FakeCamera, death: str, isolation: str) -> None:
    async with sending(camera, isolation=isolation) as case:
        waiting = asyncio.ensure_future(gone(case))
        await asyncio.sleep(0)
        if death == "SIGKILL":
            case.ana.running.kill()
        else:
            case.ana.tell("cause", cause=death)
        event = await left(case)
        assert (event.reason, event.detected_by) == ("crashed", Detection.GUARD)
        assert await waiting < 0


async def test_a_death_without_a_guard_is_known_when_the_grace_is_over(camera: FakeCamera) -> None:
    async with leaver(camera.environment) as ana, playing(ana, camera, grace=0.3) as case:
        case.options = {"guard": False}
        await case.meet()
        await case.enter()
        case.ana.running.kill()
        assert (await left(case)).reason == "network_lost"


async def test_a_process_that_is_stopped_and_goes_on_within_the_grace_has_not_left(camera: FakeCamera) -> None:
    async with sending(camera, heartbeat=HEARTBEAT, grace=LIMIT) as case:
        case.ana.running.send_signal(signal.SIGSTOP)
        await case.journal.until("bo", "remoteUserUnreachable ana")
        case.ana.running.send_signal(signal.SIGCONT)
        await case.journal.until("bo", "remoteUserBack ana")
        assert case.leaves() == []
        case.ana.tell("cause", cause="leave")
        await case.assert_contract("left", frozenset({"left"}))


async def test_a_process_that_is_stopped_for_longer_than_the_grace_learns_that_it_is_out(camera: FakeCamera) -> None:
    async with sending(camera, heartbeat=HEARTBEAT, grace=GRACE) as case:
        case.ana.running.send_signal(signal.SIGSTOP)
        event = await left(case)
        assert (event.reason, event.detected_by) == ("network_lost", Detection.HEARTBEAT)
        assert event.silent_for >= GRACE
        case.ana.running.send_signal(signal.SIGCONT)
        await case.assert_contract("network_lost", frozenset({"network_lost"}))


@pytest.mark.parametrize("isolation", ["thread", "process"])
@pytest.mark.parametrize("block", ["loop blocked in Python", "loop blocked in C"])
async def test_a_blocked_loop_is_left_by_force_when_a_signal_wants_it(
    camera: FakeCamera, block: str, isolation: str
) -> None:
    async with sending(camera, isolation=isolation) as case:
        case.ana.tell("cause", cause=block)
        await case.ana.until("blocking")
        waiting = asyncio.ensure_future(gone(case))
        await asyncio.sleep(0)
        case.ana.running.send_signal(signal.SIGTERM)
        event = await left(case)
        assert (event.reason, event.detected_by) == ("left", Detection.NOTICE)
        assert await waiting == 128 + signal.SIGTERM
        report = await report_on_stderr(case)
        assert [device.outcome for device in report.devices] == ["verified"]
        assert "blocked" in report.steps[-1].ended


async def test_a_loop_that_is_blocked_while_it_leaves_is_left_by_force(camera: FakeCamera) -> None:
    async with sending(camera) as case:
        case.ana.tell("cause", cause="leave and block")
        await case.ana.until("blocking")
        assert await gone(case) == 1
        assert (await left(case)).reason == "left"


async def report_on_stderr(case: Case) -> ExitReport:
    """Return the report that the watchdog wrote."""
    assert case.ana.running.stderr is not None
    lines = (await case.ana.running.stderr.read()).decode().splitlines()
    return msgspec.json.decode(lines[-1], type=ExitReport)


# -- servers that die or hang --


@asynccontextmanager
async def served(*options: str) -> AsyncIterator[tuple[Command, str]]:
    """Run `exeunt serve` in a process of its own; yield it and its address for clients."""
    async with exeunt("serve", "--port", "0", "--json", *options) as server:
        join = await server.until("join")
        try:
            yield server, str(join["text"])
        finally:
            server.signal(signal.SIGCONT) if server.running.returncode is None else None


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP], ids=lambda number: number.name)
async def test_a_server_that_dies_or_hangs_ends_the_stay_when_the_grace_is_over(
    camera: FakeCamera, end: signal.Signals
) -> None:
    async with served("--grace", str(GRACE)) as (server, url), leaver(camera.environment) as ana:
        ana.tell("enter", url=url, camera=str(camera.path), options={"heartbeat": HEARTBEAT, "retry_max": 0.1})
        await ana.until("entered")
        ana.tell("publish")
        await ana.until("published")
        server.running.send_signal(end)
        exited = (await ana.until("event", "exitRoom"))["event"]
        assert exited["reason"] == "network_lost"
        assert [device["outcome"] for device in exited["report"]["devices"]] == ["verified"]
        assert exited["report"]["total"] < 10
        ana.tell("go")
        ana.tell("over")
        over = await ana.until("over")
        assert over["left"] + over["tasks"] == []


async def test_a_leave_while_the_server_hangs_is_bounded_and_told_straight(camera: FakeCamera) -> None:
    async with served() as (server, url), leaver(camera.environment) as ana:
        journal = Journal()
        ana.tell("enter", url=url, camera=str(camera.path))
        await ana.until("entered")
        ana.tell("publish")
        await ana.until("published")
        async with Peer(url, room="lobby", user="bo", guard=False) as bo:
            bo.on_remote_user_leave(lambda event: journal.add("bo", event))
            async with asyncio.timeout(LIMIT):
                async for _ in bo.users["ana"].video.frames():
                    break
            await until_straight(bo)
            server.running.send_signal(signal.SIGSTOP)
            ana.tell("cause", cause="leave")
            await journal.until("bo", "remoteUserLeave ana left")
            exited = (await ana.until("event", "exitRoom"))["event"]
            assert exited["report"]["steps"][0]["ended"] == "timed out"
            assert [device["outcome"] for device in exited["report"]["devices"]] == ["verified"]
            assert exited["report"]["total"] < 10
            ana.tell("go")
            ana.tell("over")
            over = await ana.until("over")
            assert over["left"] + over["tasks"] == []
            server.signal(signal.SIGCONT)
        assert journal.of("bo") == ["remoteUserLeave ana left"]


# -- a cable that is cut for real --


@asynccontextmanager
async def wired(camera: FakeCamera, **options: object) -> AsyncIterator[tuple[Case, Wire]]:
    """Ana sends her camera to bo over a cable of her own, pictures and signaling alike."""
    async with leaver(camera.environment, launcher=isolated()) as ana:
        with laid(ana.running.pid) as wire:
            async with playing(ana, camera, host=OURS, heartbeat=1.0, **options) as case:
                case.options = {"heartbeat": 1.0}
                await case.enter()
                await case.publish()
                await case.meet()
                await case.see()
                yield case, wire


async def test_a_cable_that_is_cut_and_healed_within_the_grace_is_no_exit(camera: FakeCamera) -> None:
    async with wired(camera, grace=LIMIT) as (case, wire):
        wire.cut()
        await case.journal.until("bo", "remoteUserUnreachable ana")
        await case.ana.until("event", "connectionLost")
        wire.heal()
        await case.ana.until("event", "connectionBack")
        await case.journal.until("bo", "remoteUserBack ana")
        await case.see()
        assert case.leaves() == []
        case.ana.tell("cause", cause="leave")
        await case.assert_contract("left", frozenset({"left"}))


async def test_a_cable_that_stays_cut_ends_the_stay_on_both_sides(camera: FakeCamera) -> None:
    async with wired(camera, grace=0.5) as (case, wire):
        wire.cut()
        event = await left(case)
        assert (event.reason, event.detected_by) == ("network_lost", Detection.HEARTBEAT)
        assert event.silent_for >= 0.5
        await case.assert_contract("network_lost", frozenset({"network_lost"}), answers=False, hears=True)


# -- before one is in --


@pytest.mark.parametrize("moment", ["connecting", "joining"])
@pytest.mark.parametrize("cause", ["cancelled", "timeout", "gives up"])
async def test_whoever_is_not_in_yet_leaves_nothing_and_is_told_nothing(cause: str, moment: str) -> None:
    """The server takes the connection and says nothing, or nothing more."""
    told: list[object] = []
    async with deaf_server(shakes_hands=moment == "joining") as (url, connected):
        ana = Peer(url, room="lobby", user="ana", connect_limit=2.0 if cause == "gives up" else LIMIT)
        ana.on_enter_room(told.append)
        ana.on_exit_room(told.append)
        timeout = asyncio.timeout(None)
        entering = asyncio.create_task(enter(ana, timeout))
        async with asyncio.timeout(LIMIT):
            await connected.wait()
        if cause == "cancelled":
            entering.cancel()
        if cause == "timeout":
            timeout.reschedule(asyncio.get_running_loop().time())
        await asyncio.wait({entering}, timeout=LIMIT)
        if cause == "cancelled":
            assert entering.cancelled()
        else:
            expected = TimeoutError if cause == "timeout" else ServerUnreachable
            assert type(entering.exception()) is expected
    assert told == []


async def enter(peer: Peer, timeout: asyncio.Timeout) -> None:
    async with timeout, peer:
        raise AssertionError("nobody has let us in")


@asynccontextmanager
async def deaf_server(*, shakes_hands: bool) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Take connections (and shake hands as a WebSocket), and never say a word."""
    connected = asyncio.Event()

    async def listen(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connected.set()
        async for _ in socket:
            continue
        return socket

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()

    if not shakes_hands:
        async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
            yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws", connected
        return
    app = web.Application()
    app.router.add_get("/ws", listen)
    async with TestServer(app) as server:
        yield f"ws://127.0.0.1:{server.port}/ws", connected
