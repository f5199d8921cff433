"""A server that takes WHIP and WHEP, and peers in its room, whose every event is written down."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from peer import Peer
from peer.config import PeerConfig
from peer.gateways.whip import Gateway, add_whip
from peer.hooks import Hook
from peer.media.liveness import SILENCE_LIMIT
from signaling.config import Options
from signaling.server import SignalingServer, Site
from tests.journal import Journal

FAST = PeerConfig(retry_min=0.02, retry_max=0.1, guard=False, watchdog=False)
SILENCE = 4.0  # seconds: a `silence` for tests in which media flow until somebody dies


@dataclass
class WhipRoom:
    """The room "lobby"."""

    server: SignalingServer
    gateway: Gateway
    site: Site
    journal: Journal
    stack: AsyncExitStack

    @property
    def whip(self) -> str:
        """Where a publisher called obs posts."""
        return f"{self.site.url}/whip/lobby?user=obs"

    def whep(self, user: str) -> str:
        """Where a player called screen posts, of a user."""
        return f"{self.site.url}/whep/lobby/{user}?user=screen"

    async def join(self, user: str, *, room: str = "lobby", token: str | None = None) -> Peer:
        """Let a peer enter; it leaves at the end."""
        peer = Peer(self.site.ws_url, room=room, user=user, token=token, config=FAST)
        for hook in [hook for hook in vars(peer).values() if isinstance(hook, Hook)]:
            hook(lambda event: self.journal.add(user, event))
        return await self.stack.enter_async_context(peer)

    async def until_empty(self) -> None:
        """Wait until no session is left."""
        for session in self.gateway.sessions:
            await session.wait_over()


@asynccontextmanager
async def whip_room(options: Options | None = None, *, silence: float = SILENCE_LIMIT) -> AsyncIterator[WhipRoom]:
    """Run one for the length of the block; who is silent for so long is lost."""
    server = SignalingServer(**{"grace": 2.0, **(options or {})})
    gateway = add_whip(server, silence_limit=silence)
    async with AsyncExitStack() as outer:
        site = await outer.enter_async_context(server.listen())
        stack = await outer.enter_async_context(AsyncExitStack())
        yield WhipRoom(server, gateway, site, Journal(), stack)
