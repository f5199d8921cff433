"""Candidates that are gathered after the offer, from a real TURN server, while ICE is at work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from peer.media.connection import Connection
from signaling.messages import IceServer
from tests.devices.turn import Turn, turn_server

LIMIT = 20.0  # seconds


class Call:
    """A connection of ours to a plain aiortc peer that takes part without candidates of ours."""

    def __init__(self) -> None:
        self.states: asyncio.Queue[str] = asyncio.Queue()
        self.them = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.us = Connection(
            *("call", "them"),
            outgoing={},
            ice_servers=(),
            on_track=lambda _: None,
            on_state=self.states.put_nowait,
            on_said=lambda _: None,
        )

    async def offer(self) -> None:
        offer = await self.us.offer()
        await self.them.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await self.them.setLocalDescription(await self.them.createAnswer())

    async def accept(self) -> None:
        await self.us.accept(self.them.localDescription.sdp.replace("a=end-of-candidates\r\n", ""))

    async def connected(self) -> str:
        """Wait for the connection; return the kind of our candidate that it uses."""
        async with asyncio.timeout(LIMIT):
            assert await self.states.get() == "connected"
        pair = self.us.selected_pair()
        assert pair is not None
        return pair.local_candidate_type

    def ports(self) -> list[object]:
        return list(self.us._pc.getTransceivers()[0].receiver.transport.transport._connection._protocols)

    def deafen(self) -> None:
        """Have no answer come to the ports that there are, as behind a firewall."""
        for port in self.ports():
            port.datagram_received = lambda *_: None  # type: ignore[attr-defined] # of aioice


@asynccontextmanager
async def calling() -> AsyncIterator[Call]:
    call = Call()
    try:
        yield call
    finally:
        await asyncio.gather(call.us.close(), call.them.close())


@pytest.fixture
async def turn() -> AsyncIterator[Turn]:
    async with turn_server() as turn:
        yield turn


async def test_a_relay_that_is_gathered_while_ice_tries_in_vain_makes_the_connection(turn: Turn) -> None:
    async with calling() as call:
        await call.offer()
        call.deafen()
        await call.accept()
        (relay,) = await call.us.gather([turn.ice_server("udp")])
        assert relay.startswith("candidate:")
        assert " typ relay raddr " in relay
        assert await call.connected() == "relay"


async def test_what_a_stun_server_says_is_told_and_a_relay_that_is_not_needed_any_more_is_given_back(
    turn: Turn,
) -> None:
    stun = IceServer(urls=[turn.url.replace("turn:", "stun:")])
    async with calling() as call:
        await call.offer()
        seen = await call.us.gather([stun])
        assert seen
        assert all(" typ srflx raddr " in candidate for candidate in seen)
        await call.accept()
        assert await call.connected() == "host"
        count = len(call.ports())
        assert await call.us.gather([turn.ice_server("tcp")]) == []
        assert len(call.ports()) == count


async def test_a_server_that_does_not_answer_gives_nothing_and_does_not_hold_up_the_close(turn: Turn) -> None:
    turn.freeze()
    async with calling() as call:
        await call.offer()
        gathering = asyncio.create_task(call.us.gather([turn.ice_server("udp")]))
        await asyncio.sleep(0)
        async with asyncio.timeout(LIMIT / 5):  # less than gathering takes
            await asyncio.wait({call.us.close()})
            assert await gathering == []
        assert await call.us.gather([turn.ice_server("udp")]) == []
