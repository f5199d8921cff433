"""The way through the server."""

import asyncio
from collections.abc import Callable

from peer.clients import Client
from peer.conversation.letter import TOPIC
from signaling.messages import Say

LOSSY_RATE = 40.0  # lossy letters a second in the long run, of the 100 messages that a server lets a client say
LOSSY_BURST = 80.0  # at once


class ServerPost:
    """Says what the server is to pass on to a user, as `message`s. `is_only_way`: there are no data channels."""

    def __init__(
        self,
        client: Client,
        grants: Callable[[], frozenset[str]],
        is_only_way: Callable[[], bool] = lambda: False,
    ) -> None:
        self._client, self._grants, self._is_only_way = client, grants, is_only_way
        self._credit, self._credited_at = LOSSY_BURST, 0.0  # by the loop's clock

    @property
    def is_open(self) -> bool:
        """Whether what we say there is passed on now: it takes the grant `message`."""
        return self._client.is_connected and "message" in self._grants()

    @property
    def is_away(self) -> bool:
        """Whether our own connection to the server is lost."""
        return not self._client.is_connected

    @property
    def is_only_way(self) -> bool:
        """Whether there will never be a data channel: media pass through a server."""
        return self._is_only_way()

    def say(self, user: str, data: object) -> None:
        """Have the server pass this on."""
        self._client.say(Say(topic=TOPIC, data=data, to=user))

    def say_lossy(self, user: str, data: object) -> bool:
        """Have the server pass this on, unless much was said so lately; return whether it was said."""
        now = asyncio.get_running_loop().time()
        self._credit = min(LOSSY_BURST, self._credit + (now - self._credited_at) * LOSSY_RATE)
        self._credited_at = now
        if self._credit < 1:
            return False
        self._credit -= 1
        self.say(user, data)
        return True
