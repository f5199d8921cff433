"""Waiting for who is here, and what the others are told of what we mute."""

import asyncio
from collections.abc import Callable

import pytest

from peer import ExitReport, LeftRoom, Peer, Reason, RemoteUserMuted, UsageError
from peer.config import PeerConfig
from signaling.server import SignalingServer
from tests.journal import Journal

LIMIT = 30.0  # seconds
Join = Callable[..., "asyncio.Future[Peer]"]


async def out(peer: Peer) -> ExitReport:
    async with asyncio.timeout(LIMIT):
        return await peer.wait_exited()


async def test_who_is_here_is_found_at_once_and_who_comes_when_they_come(join: Join) -> None:
    ana = await join("ana")
    waiting = asyncio.create_task(ana.user("bo", timeout=LIMIT))
    await asyncio.sleep(0)
    bo = await join("bo")
    assert (await bo.user("ana")).name == "ana"
    assert (await waiting).session == bo.session
    assert (await ana.user("bo")) is ana.users["bo"]


async def test_who_does_not_come_in_time_is_a_timeout_that_says_for_whom_we_waited(join: Join) -> None:
    ana = await join("ana")
    with pytest.raises(TimeoutError, match=r"waited for 0\.05 s for bo to come, in vain"):
        await ana.user("bo", timeout=0.05)


async def test_alone_is_when_the_last_other_has_left(join: Join, make_peer: Callable[..., Peer]) -> None:
    ana = await join("ana")
    await ana.until_alone(timeout=LIMIT)
    async with make_peer("bo"), make_peer("cleo") as cleo:
        await ana.user("bo", timeout=LIMIT)
        await ana.user("cleo", timeout=LIMIT)
        with pytest.raises(TimeoutError, match="everybody else to leave"):
            await ana.until_alone(timeout=0.05)
        waiting = asyncio.create_task(ana.until_alone(timeout=LIMIT))
        await cleo.leave()
        assert not waiting.done()
    await waiting
    assert not ana.users


async def test_a_wait_ends_when_we_leave_and_says_why(join: Join, server: SignalingServer) -> None:
    ana, bo = await join("ana"), await join("bo")
    await ana.user("bo", timeout=LIMIT)
    waiting = [asyncio.create_task(ana.user("nobody")), asyncio.create_task(ana.until_alone())]
    await server.kick("lobby", "ana", text="enough")
    with pytest.raises(LeftRoom, match=r"We left the room \(kicked: enough\) while we waited for nobody to come"):
        await waiting[0]
    with pytest.raises(LeftRoom, match="everybody else to leave"):
        await waiting[1]
    await out(ana)
    with pytest.raises(LeftRoom):
        await ana.user("nobody")
    assert bo.is_inside


async def test_who_has_been_alone_for_long_leaves(join: Join, make_peer: Callable[..., Peer]) -> None:
    async with make_peer("bo"):
        ana = await join("ana", exit_when_alone_for=0.3)  # before bo, it might be over before bo came
        await ana.user("bo", timeout=LIMIT)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ana.wait_exited(), 0.5)
    report = await out(ana)
    assert (report.reason, report.text) == (Reason.LEFT, "alone for 0.3 s")


async def test_who_is_alone_for_a_while_stays_if_somebody_comes(join: Join, make_peer: Callable[..., Peer]) -> None:
    ana = await join("ana", exit_when_alone_for=100 * LIMIT)
    waiting = ana._here.waiting
    assert waiting._timer is not None
    async with make_peer("bo"):
        await ana.user("bo", timeout=LIMIT)
        assert waiting._timer is None
    await ana.until_alone(timeout=LIMIT)
    assert waiting._timer is not None


async def test_who_finds_somebody_does_not_leave_at_once(join: Join) -> None:
    ana = await join("ana")
    bo = await join("bo", exit_when_alone_for=0)
    await bo.user("ana", timeout=LIMIT)
    await ana.leave()
    assert (await out(bo)).text == "alone for 0 s"


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_nobody_can_be_alone_for_less_than_no_time(seconds: float) -> None:
    with pytest.raises(UsageError, match="exit_when_alone_for must be None or 0 or more seconds"):
        PeerConfig(exit_when_alone_for=seconds)


async def test_the_others_know_what_is_muted_also_those_who_come_later(join: Join, journal: Journal) -> None:
    ana = await join("ana")
    bo = await join("bo")
    ana.mute("audio")  # the channel is hardly open yet
    await journal.until_media("bo", "remoteUserMuted ana")
    muted = journal.last("bo")
    assert isinstance(muted, RemoteUserMuted)
    assert (muted.kind, muted.session) == ("audio", ana.session)
    assert bo.users["ana"].muted == {"audio"}
    cleo = await join("cleo")
    await journal.until_media("cleo", "remoteUserMuted ana")
    assert cleo.users["ana"].muted == {"audio"}
    ana.unmute("audio")
    await journal.until_media("bo", "remoteUserUnmuted ana")
    assert not bo.users["ana"].muted
    assert not ana.users["bo"].muted


async def test_a_moderators_mute_is_told_as_well(join: Join, journal: Journal) -> None:
    ana, bo = await join("ana"), await join("bo")
    await bo.user("ana", timeout=LIMIT)
    await bo.mute_user("ana", "video")
    await journal.until_media("bo", "remoteUserMuted ana")
    assert bo.users["ana"].muted == {"video"}
    assert ana.is_inside
