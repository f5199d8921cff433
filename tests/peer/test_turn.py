"""A TURN server that is dead does not hold up an exit: aiortc alone waits 64 s for it."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from peer import ExitReport, Peer, TestPattern
from tests.devices.turn import Turn, turn_server
from tests.journal import Journal

SMALL = TestPattern(width=64, height=64, fps=5, tone=0)


@pytest.fixture
async def turn() -> AsyncIterator[Turn]:
    async with turn_server() as turn:
        yield turn


def is_well(report: ExitReport) -> bool:
    return [step.ended for step in report.steps] == ["ok"] * 4


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_turn_server_that_dies_in_a_call_does_not_delay_the_exit(
    make_peer: Callable[..., Peer], journal: Journal, turn: Turn, transport: str
) -> None:
    servers = (turn.ice_server(transport),)
    async with make_peer("bo") as bo, make_peer("ana", ice_servers=servers) as ana:
        await ana.publish(SMALL)
        await journal.until("bo", "remoteUserJoin ana")
        async with asyncio.timeout(30):
            async for _ in bo.users["ana"].video.frames():
                break
        turn.freeze()
        report = await ana.leave()
    assert is_well(report), report


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_turn_server_that_never_answers_does_not_delay_the_exit(
    make_peer: Callable[..., Peer], journal: Journal, turn: Turn, transport: str
) -> None:
    turn.freeze()
    servers = (turn.ice_server(transport),)
    async with make_peer("bo"), make_peer("ana", ice_servers=servers) as ana:
        await journal.until("bo", "remoteUserJoin ana")
        report = await ana.leave()
    assert is_well(report), report
