"""Only what the other end of a connection must have sent is a sign of its life, in each of the ways it may come."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aioice.ice
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.mediastreams import AudioStreamTrack
from aiortc.rtcdtlstransport import is_rtcp

from peer.media import aiortc_compat
from peer.media.aiortc_life import SignsOfLife
from tests.peer.media.test_strangers import nonsense, stun

LIMIT = 20.0  # seconds
TICKS = 10  # of the loop: what was taken from the queue last is handled
aiortc_compat.install()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check in milliseconds what is checked in seconds."""
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.05)


@asynccontextmanager
async def two() -> AsyncIterator[tuple[RTCPeerConnection, RTCPeerConnection]]:
    """Connect us with somebody who sends sound."""
    ours, theirs = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    try:
        theirs.addTrack(AudioStreamTrack())
        made = asyncio.Event()
        ours.on("connectionstatechange", lambda: made.set() if ours.connectionState == "connected" else None)
        await theirs.setLocalDescription(await theirs.createOffer())
        await ours.setRemoteDescription(theirs.localDescription)
        await ours.setLocalDescription(await ours.createAnswer())
        await theirs.setRemoteDescription(ours.localDescription)
        async with asyncio.timeout(LIMIT):
            await made.wait()
        yield ours, theirs
    finally:
        await asyncio.gather(ours.close(), theirs.close())


def transport_of(connection: RTCPeerConnection) -> Any:
    (transceiver,) = connection.getTransceivers()
    return transceiver.receiver.transport


async def check_no_more(connection: RTCPeerConnection) -> None:
    """Ask nothing of the other end from now on."""
    task = transport_of(connection).transport._connection._query_consent_task
    task.cancel()
    await asyncio.wait({task})


def send_only(connection: RTCPeerConnection, may_go: Callable[[bytes], bool]) -> None:
    """Let go out what may, of sound and its reports."""
    transport = transport_of(connection)
    send = transport._send_rtp

    async def sending(packet: bytes) -> None:
        if may_go(packet):
            await send(packet)

    transport._send_rtp = sending


async def checks(ours: RTCPeerConnection, theirs: RTCPeerConnection) -> None:
    send_only(theirs, lambda _: False)
    await check_no_more(ours)


async def answers(_: RTCPeerConnection, theirs: RTCPeerConnection) -> None:
    send_only(theirs, lambda _: False)
    await check_no_more(theirs)


async def sound(ours: RTCPeerConnection, theirs: RTCPeerConnection) -> None:
    send_only(theirs, lambda packet: not is_rtcp(packet))
    await asyncio.gather(check_no_more(ours), check_no_more(theirs))


async def reports(ours: RTCPeerConnection, theirs: RTCPeerConnection) -> None:
    send_only(theirs, is_rtcp)
    await asyncio.gather(check_no_more(ours), check_no_more(theirs))


async def nothing(ours: RTCPeerConnection, theirs: RTCPeerConnection) -> None:
    send_only(theirs, lambda _: False)
    await asyncio.gather(check_no_more(ours), check_no_more(theirs))


@pytest.mark.parametrize("only", [checks, answers, sound, reports])
async def test_each_thing_that_comes_from_there_is_a_sign(only: Any) -> None:
    async with two() as (ours, theirs):
        signs = SignsOfLife(ours)
        await only(ours, theirs)
        await all_of_it_arrived(ours)
        before = signs.heard_at
        async with asyncio.timeout(LIMIT):
            while signs.heard_at == before:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)


async def test_nothing_that_strangers_send_is_a_sign() -> None:
    async with two() as (ours, theirs):
        signs = SignsOfLife(ours)
        await nothing(ours, theirs)
        await all_of_it_arrived(ours)
        before = signs.heard_at
        await all_of_it_arrived(ours, *nonsense(), b"\x80\xc8" + bytes(30), b"\x80\x6f" + bytes(100))
        assert signs.heard_at == before
        assert ours.connectionState == "connected"


async def all_of_it_arrived(connection: RTCPeerConnection, *datagrams: bytes) -> None:
    """Send this to each port of a connection, and wait until it, and what was under way, has been looked at."""
    loop = asyncio.get_running_loop()
    for candidate in transport_of(connection).transport.iceGatherer.getLocalCandidates():
        family = socket.AF_INET6 if ":" in candidate.ip else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as stranger:
            stranger.setblocking(False)
            stranger.connect((candidate.ip, candidate.port))
            for datagram in [*datagrams, stun()]:  # whose answer is an error: it is not signed
                stranger.send(datagram)
            async with asyncio.timeout(LIMIT):
                while b"Bad Request" not in await loop.sock_recv(stranger, 1500):
                    pass
    queue = transport_of(connection).transport._connection._queue
    while not queue.empty():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)
    for _ in range(TICKS):
        await asyncio.sleep(0)
