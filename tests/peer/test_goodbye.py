"""A leave is told two ways, and heard once: through the server, and straight over the data channel."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from peer import Peer, Reason, RemoteUserLeave, TestPattern, UsageError
from peer.media.connection import Connection
from peer.visit import Visit
from tests.cable import Cable
from tests.journal import Journal

MakePeer = Callable[..., Peer]
SMALL = TestPattern(width=64, height=64, fps=5, tone=0)


def channel_of(peer: Peer, user: str) -> Connection | None:
    """The connection whose channel to `user` is open."""
    visit: Visit = peer._here
    return next(
        (
            one
            for one in visit.topology._connections.values()
            if one.user == user and one._channel is not None and one._channel.readyState == "open"
        ),
        None,
    )


async def connected(*peers: Peer) -> None:
    async with asyncio.timeout(30):
        for one in peers:
            for other in peers:
                while one is not other and channel_of(one, other.name) is None:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.01)


@pytest.fixture
async def cable(site: object) -> AsyncIterator[Cable]:
    async with Cable(site.url).laid() as cable:
        yield cable


def ws(cable: Cable) -> str:
    return cable.url.replace("http", "ws") + "/ws"


async def test_a_leave_is_heard_once_though_it_is_told_two_ways(make_peer: MakePeer, journal: Journal) -> None:
    async with make_peer("bo") as bo:
        async with make_peer("ana") as ana:
            await connected(ana, bo)
        async with make_peer("cy"):  # the server's word about ana has come by now
            await journal.until("bo", "remoteUserJoin cy")
    assert journal.of("bo").count("remoteUserLeave ana left") == 1


@pytest.mark.parametrize("wait", ["server", "everyone", None])
async def test_a_leave_is_heard_at_once_when_the_server_is_gone(
    make_peer: MakePeer, journal: Journal, cable: Cable, wait: str | None
) -> None:
    async with make_peer("bo", url=ws(cable)) as bo, make_peer("ana", url=ws(cable)) as ana:
        await connected(ana, bo)
        cable.cut()
        await journal.until("ana", "connectionLost")
        await journal.until("bo", "connectionLost")
        leaving = asyncio.create_task(ana.leave(wait=wait))
        await journal.until("bo", "remoteUserLeave ana left")
        report = await leaving
        cable.mend()
        await journal.until("bo", "connectionBack")
        async with make_peer("cy"):
            await journal.until("bo", "remoteUserJoin cy")
    (leave,) = [event for user, event in journal.events if user == "bo" and isinstance(event, RemoteUserLeave)][:1]
    assert (leave.user, leave.reason, leave.detected_by) == ("ana", Reason.LEFT, "notice")
    assert sum("remoteUserLeave ana" in line for line in journal.of("bo")) == 1
    assert (report.notice, report.unacknowledged) == ("none", ())
    assert report.steps[0].ended == ("timed out" if wait == "server" else "ok")


async def test_whoever_waits_for_everyone_is_told_that_all_know(make_peer: MakePeer, journal: Journal) -> None:
    async with make_peer("bo"), make_peer("cy"), make_peer("ana") as ana:
        report = await ana.leave(wait="everyone")
    assert (report.notice, report.unacknowledged) == ("acknowledged", ())
    first = journal.lines.index(("ana", "exitRoom left"))
    for other in ("bo", "cy"):
        assert journal.lines.index((other, "remoteUserLeave ana left")) < first


async def test_whoever_waits_for_everyone_is_told_who_does_not_know(
    make_peer: MakePeer, journal: Journal, cable: Cable
) -> None:
    async with make_peer("bo"), make_peer("cy", url=ws(cable)) as cy, make_peer("ana") as ana:
        await journal.until("cy", "remoteUserJoin ana")
        for connection in list(cy._here.topology._connections.values()):
            connection.close()
        cable.cut()
        await journal.until("ana", "remoteUserUnreachable cy")
        report = await ana.leave(wait="everyone")
        assert report.unacknowledged == ("cy",)
        cable.mend()
        await journal.until("cy", "remoteUserLeave ana left")


async def test_an_exception_is_told_straight_too(make_peer: MakePeer, journal: Journal, cable: Cable) -> None:
    async with make_peer("bo") as bo:
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is what fails
            async with make_peer("ana", url=ws(cable)) as ana:
                await connected(ana, bo)
                cable.cut()
                raise ZeroDivisionError
        await journal.until("bo", "remoteUserLeave ana error")


async def test_a_wait_for_something_else_is_an_error(make_peer: MakePeer) -> None:
    async with make_peer("ana") as ana:
        with pytest.raises(UsageError, match="everyone"):
            await ana.leave(wait="forever")
