"""One stay of a page in a room, as a node sees it: a connection like that of any other client.

What the node has to say is taken in at the loop's next turn, in its order: a page that answers at once would speak
while the node is still telling the others.
"""

import asyncio
import secrets
from collections.abc import Callable

from aiohttp import WSCloseCode

from signaling.framing import payload_of
from signaling.messages import PAGE_MARK, ServerMessage, decode_server


class Visit:
    """Stands for a page at its node. `heard` gets what the room says, `over` is called when the node lets go."""

    def __init__(
        self,
        address: str,
        *,
        last_seen: Callable[[], float],
        waiting: Callable[[], int],
        heard: Callable[["Visit", ServerMessage], None],
        over: Callable[["Visit", int], None],
    ) -> None:
        self.session = PAGE_MARK + secrets.token_urlsafe(12)
        self.address = address
        self._last_seen, self._waiting = last_seen, waiting
        self._heard, self._over = heard, over
        self._is_open = True

    @property
    def last_seen(self) -> float:
        """When the page last gave a sign of life, on the loop's clock."""
        return self._last_seen()

    @property
    def waiting(self) -> int:
        """How many packets the page has not taken yet."""
        return self._waiting()

    def send(self, frame: bytes) -> None:
        """Tell the page something, which is framed as for a WebSocket."""
        if self._is_open:
            asyncio.get_running_loop().call_soon(self._heard, self, decode_server(payload_of(frame)))

    def hang_up(self, code: int = WSCloseCode.OK) -> None:
        """Be over once everything that was said has been taken in."""
        if self._is_open:
            self._is_open = False
            asyncio.get_running_loop().call_soon(self._over, self, code)

    def close(self) -> None:
        """Be over at once: nobody is there to be told anything."""
        self._is_open = False
