"""The user of a room that somebody is who does not come in as our own clients do."""

import asyncio

from peer.config import PeerConfig
from peer.peer import Peer
from signaling import messages as wire
from signaling.reasons import Reason

LOST_LIMIT = 1.0  # seconds for the server to tell the others that somebody is lost


class Proxy(Peer):
    """A `Peer` that stands for somebody: of the server's own process, so that nobody has to look after it.

    `receive_from` names the users whose pictures and sound it takes.
    """

    def __init__(self, url: str, *, room: str, user: str, token: str | None, receive_from: tuple[str, ...]) -> None:
        config = PeerConfig(guard=False, watchdog=False, receive_from=receive_from)
        super().__init__(url, room=room, user=user, token=token, config=config)
        self._giving_up: asyncio.TimerHandle | None = None

    def lose(self, silent_for: float) -> None:
        """Whom we stand for is gone without a word: the others are told `network_lost`, and we are let go.

        It is the server that tells them, so that everybody hears the same: known by `media`, silent for so long.
        """
        self._here.client.say(wire.Leave(silent_for=silent_for))
        loop = asyncio.get_running_loop()
        self._giving_up = loop.call_later(LOST_LIMIT, self.request_exit, Reason.NETWORK_LOST)

    async def wait_gone(self) -> Reason:
        """Wait until we are out, for whatever reason; return it."""
        report = await self.wait_exited()
        if self._giving_up is not None:
            self._giving_up.cancel()
        return report.reason
