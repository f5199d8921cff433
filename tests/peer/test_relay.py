"""Calls that go through a TURN server alone, with credentials that the signaling server makes and renews."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from peer import Peer, TestPattern
from peer.media.connection import Connection
from signaling.config import SignalingConfig
from signaling.effects import Effect, Send
from signaling.messages import IceServers
from signaling.observer import Observer
from signaling.server import SignalingServer, Site
from signaling.turn import ice_servers
from tests.devices.turn import Turn, turn_server
from tests.journal import Journal

SECRET = "shared-with-coturn-alone"
LIMIT = 30.0  # seconds
SMALL = TestPattern(width=64, height=64, fps=5, tone=0)


@pytest.fixture
async def turn() -> AsyncIterator[Turn]:
    async with turn_server(SECRET) as turn:
        yield turn


def config(turn: Turn, **options: object) -> SignalingConfig:
    return SignalingConfig(turn_urls=(turn.url,), turn_secret=SECRET, **options)


@pytest.fixture
async def server(turn: Turn) -> SignalingServer:
    return SignalingServer(config(turn))


def way(peer: Peer) -> tuple[str, str]:
    """Return the kinds of the candidates, ours and theirs, that media of a peer's only call go between."""
    (connection,) = peer._here.topology._connections.values()
    ice = connection._pc.getTransceivers()[0].sender.transport.transport._connection
    (pair,) = {id(pair): pair for pair in ice._nominated.values()}.values()
    return pair.local_candidate.type, pair.remote_candidate.type


async def first_picture(of: Peer, user: str) -> None:
    async with asyncio.timeout(LIMIT):
        async for _ in of.users[user].video.frames():
            return


async def test_a_call_through_the_relay_alone(make_peer: Callable[..., Peer], journal: Journal) -> None:
    async with make_peer("bo") as bo, make_peer("ana", ice_transport_policy="relay") as ana:
        await ana.publish(SMALL)
        await journal.until("bo", "remoteUserJoin ana")
        await first_picture(bo, "ana")
        assert way(ana)[0] == "relay"


@pytest.mark.parametrize(
    ("secret", "age", "is_taken"), [(SECRET, 0, True), ("another secret", 0, False), (SECRET, 7200, False)]
)
async def test_credentials_of_another_secret_and_those_that_are_over_are_refused(
    turn: Turn, secret: str, age: float, is_taken: bool
) -> None:
    servers = ice_servers(replace(config(turn), turn_secret=secret), "ana", time.time() - age)
    connection = Connection(
        "call",
        "bo",
        outgoing={},
        receives=True,
        ice_servers=servers,
        relay_only=True,
        on_track=lambda _: None,
        on_state=lambda _: None,
        on_said=lambda _: None,
    )
    assert ("typ relay" in await connection.offer()) == is_taken
    await connection.close()


async def test_credentials_are_renewed_before_they_end_and_the_next_call_uses_them(turn: Turn) -> None:
    server = SignalingServer(config(turn, turn_ttl=2))
    given = Given()
    server.observers.add(given)
    async with (
        asyncio.timeout(LIMIT),
        server.listen() as site,
        Peer(site.ws_url, room="r", user="ana", ice_transport_policy="relay") as ana,
    ):
        await ana.publish(SMALL)
        await given.until(3)
        async with Peer(site.ws_url, room="r", user="bo") as bo:
            await first_picture(bo, "ana")
            assert way(ana)[0] == "relay"
        (used,) = ana._here.topology._ice_servers
    assert all(name.endswith(":ana") for name in given.names[:3])
    ends = [int(name.partition(":")[0]) for name in given.names[:3]]
    assert ends == sorted(ends)
    assert ends[2] - ends[0] >= 1
    assert used.username != given.names[0]


class Given(Observer):
    """The user names of all credentials that were renewed."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._came = asyncio.Event()

    def did(self, effect: Effect) -> None:
        if isinstance(effect, Send) and isinstance(effect.message, IceServers):
            self.names += [str(server.username) for server in effect.message.ice_servers]
            self._came.set()

    async def until(self, count: int) -> None:
        while len(self.names) < count:
            self._came.clear()
            await self._came.wait()


async def test_who_names_ice_servers_of_their_own_keeps_them(site: Site) -> None:
    async with Peer(site.ws_url, room="r", user="ana", ice_servers=()) as ana:
        ana._here._heard(IceServers(ice_servers=[]))
        assert list(ana._here.topology._ice_servers) == []
