"""A real server, peers in its rooms, and a journal of what each was told."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from peer import Peer
from peer.config import PeerConfig
from peer.hooks import Hook
from signaling.config import SignalingConfig
from signaling.server import SignalingServer, Site
from tests.journal import Journal

FAST = PeerConfig(retry_min=0.02, retry_max=0.1, connect_limit=30.0)
MakePeer = Callable[..., Peer]


@pytest.fixture
def server_config() -> SignalingConfig:
    """What a test's server is like; override it in the module or by parametrizing."""
    return SignalingConfig(grace=30.0)  # whoever a test cuts off is back before, on the busiest machine


@pytest.fixture
async def server(server_config: SignalingConfig) -> SignalingServer:
    return SignalingServer(server_config)


@pytest.fixture
async def site(server: SignalingServer) -> AsyncIterator[Site]:
    async with server.listen() as site:
        yield site


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def make_peer(site: Site, journal: Journal) -> MakePeer:
    """Make a peer of room "lobby" whose every event is in the journal."""

    def make(user: str, *, url: str = site.ws_url, **options: object) -> Peer:
        peer = Peer(url, room="lobby", user=user, config=FAST, **options)
        for hook in [hook for hook in vars(peer).values() if isinstance(hook, Hook)]:
            hook(lambda event, user=user: journal.add(user, event))
        return peer

    return make


@pytest.fixture
async def join(make_peer: MakePeer) -> AsyncIterator[Callable[..., object]]:
    """Make a peer and let it enter; at the end of the test it leaves."""
    async with AsyncExitStack() as stack:

        async def enter(user: str, **options: object) -> Peer:
            return await stack.enter_async_context(make_peer(user, **options))

        yield enter
