"""By a relay media takes aiortc's own transport; on plain UDP it takes the short way. A real coturn, a real network."""

import asyncio
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
from aioice.ice import Connection, TransportPolicy

from peer import OutboundRtpStats, Peer, TestPattern
from tests.devices.turn import Turn, turn_server
from tests.journal import Journal

PATTERN = TestPattern(width=320, height=180, fps=15)
LIMIT = 30.0  # seconds
PICTURES = 10
LOUD = 500  # of 32767


@pytest.fixture
async def turn() -> AsyncIterator[Turn]:
    async with turn_server() as turn:
        yield turn


async def assert_picture_and_sound_arrive(bo: Peer) -> None:
    user, moved = bo.users["ana"], set[bytes]()
    async with asyncio.timeout(LIMIT):
        async for picture in user.video.frames("gray"):
            assert picture.array.shape == (PATTERN.height, PATTERN.width)
            moved.add(picture.array.tobytes())
            if len(moved) == PICTURES:
                break
        async for sound in user.audio.frames():
            if np.abs(sound.array).max() > LOUD:
                break


async def assert_paths(ana: Peer, path: str) -> None:
    stats = {one.kind: one for one in ana.stats() if isinstance(one, OutboundRtpStats)}
    assert {kind: (one.user, one.path) for kind, one in stats.items()} == {"audio": ("bo", path), "video": ("bo", path)}
    assert stats["video"].frames_sent >= PICTURES
    assert {one.packets_dropped for one in stats.values()} == {0}


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_by_a_relay_picture_and_sound_arrive_by_aiortcs_transport(
    make_peer: Callable[..., Peer],
    journal: Journal,
    turn: Turn,
    transport: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gather = Connection.gather_candidates

    async def gather_relayed(connection: Connection) -> None:
        connection._transport_policy = TransportPolicy.RELAY
        await gather(connection)

    monkeypatch.setattr(Connection, "gather_candidates", gather_relayed)
    servers = (turn.ice_server(transport),)
    async with make_peer("bo", ice_servers=servers) as bo, make_peer("ana", ice_servers=servers) as ana:
        await ana.publish(PATTERN)
        await journal.until("bo", "remoteUserJoin ana")
        await assert_picture_and_sound_arrive(bo)
        await assert_paths(ana, "transport")


async def test_on_plain_udp_they_take_one_call_for_each_frame(make_peer: Callable[..., Peer], journal: Journal) -> None:
    async with make_peer("bo") as bo, make_peer("ana") as ana:
        await ana.publish(PATTERN)
        await journal.until("bo", "remoteUserJoin ana")
        await assert_picture_and_sound_arrive(bo)
        await assert_paths(ana, "segments")
