"""The fixtures of the testing kit, as a stranger's tests use them."""

import asyncio
import signal
import time

import pytest

from peer import Detection, DeviceBusy, DeviceDenied, Outcome, Reason, UsageError
from peer.testing import Guest, Join, Journal, Network, RunningServer, Spawn, assert_exit_contract

LIMIT = 30.0  # seconds
LOUD = 1000  # of a sample


async def see(me: Guest, user: str) -> None:
    """Wait for the next picture of a user."""
    async with asyncio.timeout(LIMIT):
        async for _ in (await me.user(user)).video.frames():
            return


async def hear(me: Guest, user: str) -> None:
    """Wait until a user is heard well: who begins to listen in the middle of a tone hears it fade in."""
    async with asyncio.timeout(LIMIT):
        async for chunk in (await me.user(user)).audio.frames():
            if abs(chunk.array.astype(int)).max() > LOUD:
                return
    raise AssertionError(f"{user} has left")


async def test_two_peers_meet_and_one_leaves_by_the_contract(no_leaks: None, join: Join, journal: Journal) -> None:
    bo = await join("bo")
    ana = await join("ana", publish=("audio", "video"))
    await see(bo, "ana")
    await hear(bo, "ana")
    assert not ana.camera.is_free
    report = await ana.leave()
    assert [device.outcome for device in report.devices] == [Outcome.VERIFIED, Outcome.VERIFIED]
    assert ana.camera.is_free
    assert ana.microphone.is_free
    await assert_exit_contract(journal, "ana")
    assert journal.words("bo")[-1] == "remoteUserLeave ana left"
    assert (await journal.until("exited", user="ana")).detected_by is Detection.NOTICE


async def test_devices_stall_vanish_come_back_and_refuse(join: Join, journal: Journal) -> None:
    bo, ana = await join("bo"), await join("ana", stall_after=0.5)
    await ana.publish_devices("video")
    await see(bo, "ana")
    ana.camera.stall()
    await journal.until("deviceLost", who="peer lobby/ana")
    ana.camera.plug()
    await journal.until("deviceBack", who="peer lobby/ana")
    ana.camera.unplug()
    async with asyncio.timeout(LIMIT):
        while not ana.publications[0].is_lost:  # noqa: ASYNC110 - the second loss: the first is in the journal
            await asyncio.sleep(0.02)
    ana.camera.plug()
    await see(bo, "ana")
    ana.microphone.refuse("busy")
    with pytest.raises(DeviceBusy):
        await ana.publish_devices("audio")
    ana.microphone.refuse("denied")
    with pytest.raises(DeviceDenied):
        await ana.publish_devices("audio")
    ana.microphone.plug()
    await ana.publish_devices("audio")
    with pytest.raises(UsageError, match="no kind of media"):
        await ana.publish_devices("smell")


async def test_a_driver_that_does_not_return_is_a_breach_of_the_contract(join: Join, journal: Journal) -> None:
    ana = await join("ana", publish=("video",))
    ana.camera.freeze()
    try:
        report = await ana.leave()
    finally:
        ana.camera.plug()
    assert [device.outcome for device in report.devices] == [Outcome.STUCK]
    with pytest.raises(AssertionError, match="was not let go"):
        await assert_exit_contract(journal, limit=0.1)


@pytest.mark.parametrize("signaling_options", [{"grace": LIMIT, "heartbeat": 0.3}])
async def test_a_frozen_process_is_missed_and_a_killed_one_is_gone(spawn: Spawn, join: Join, journal: Journal) -> None:
    await join("bo")
    ana = await spawn("ana")
    ana.freeze()
    await journal.until("remoteUserUnreachable", who="peer lobby/bo", user="ana")
    ana.thaw()
    await journal.until("remoteUserBack", who="peer lobby/bo", user="ana")
    assert ana.status is None
    ana.kill()
    assert await ana.wait() == -signal.SIGKILL
    leave = await journal.until("remoteUserLeave", who="peer lobby/bo", user="ana")
    assert (leave.reason, leave.detected_by) == (Reason.CRASHED, Detection.GUARD)
    await assert_exit_contract(journal, "ana")


async def test_lines_and_paths_can_be_cut_and_healed(
    no_leaks: None, network: Network, join: Join, journal: Journal
) -> None:
    bo = await join("bo")
    ana = await join("ana", publish=("video",), heartbeat=0.4)
    await see(bo, "ana")
    path = network.path("ana", "bo")
    assert path.passed > 0
    network.line("ana").cut()
    await journal.until("remoteUserUnreachable", who="peer lobby/bo")
    network.line("ana").heal()
    await journal.until("remoteUserBack", who="peer lobby/bo")
    network.line("ana").blackhole()
    async with asyncio.timeout(LIMIT):
        while journal.words("ana").count("connectionLost") < 2:  # noqa: ASYNC110 - the second loss
            await asyncio.sleep(0.02)
    network.line("ana").heal()
    await see(bo, "ana")
    path.cut()
    lost = path.lost
    async with asyncio.timeout(LIMIT):
        while path.lost == lost:  # noqa: ASYNC110 - a path tells nobody of what it loses
            await asyncio.sleep(0.02)
    path.heal()
    path.loss, path.delay = 0.05, 0.02
    await see(bo, "ana")
    network.line("bo").delay = 0.2
    heard, began = bo.messages("slow"), time.monotonic()
    ana.send_message("slow")
    async with asyncio.timeout(LIMIT):
        await anext(heard)
    assert time.monotonic() - began >= 0.2
    with pytest.raises(UsageError, match="'eve' has no line yet"):
        network.line("eve")


async def test_the_server_can_be_told_what_to_do(signaling_server: RunningServer, join: Join, journal: Journal) -> None:
    await join("bo")
    ana = await join("ana", publish=("audio",))
    await signaling_server.server.kick("lobby", "ana", "too loud")
    assert (await ana.wait_exited()).reason is Reason.KICKED
    await assert_exit_contract(journal)
