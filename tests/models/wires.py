"""What lies between the machines of the model: connections that can be cut, and data channels that garble."""

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from peer.channel import ChannelMessage
from signaling import messages as wire

if TYPE_CHECKING:
    from tests.models.client import Client


MANY = 1000  # messages: more than are ever on their way


@dataclass(eq=False, slots=True)
class Connection:
    """One WebSocket: ordered in each direction until its end (None), which a cut connection never brings.

    When it is cut, what is still in the queues was on the other side of the cut; each end notices at its own time.
    """

    session: str  # whose it is, as the server sees it
    up: deque[wire.ClientMessage | None] = field(default_factory=deque)
    down: deque[wire.ServerMessage | None] = field(default_factory=deque)
    is_heard: bool = True  # by the server
    cut_at: float | None = None
    server_notices: float | None = None
    client_notices: float | None = None

    def say_up(self, message: wire.ClientMessage | None) -> None:
        """Let the client say something, or close its end."""
        if self.cut_at is None:
            self.up.append(message)

    def say_down(self, message: wire.ServerMessage | None) -> None:
        """Let the server say something, or close its end."""
        if self.cut_at is None:
            self.down.append(message)

    def cut(
        self,
        now: float,
        *,
        keep: tuple[int, int] = (MANY, MANY),
        server_notices: float | None,
        client_notices: float | None,
    ) -> None:
        """Lose everything that is said from now on, and of what is on its way (up, down) all but the first few."""
        if self.cut_at is not None:
            return
        for _ in range(len(self.up) - keep[0]):
            self.up.pop()
        for _ in range(len(self.down) - keep[1]):
            self.down.pop()
        self.cut_at, self.server_notices, self.client_notices = now, server_notices, client_notices


@dataclass(eq=False, slots=True)
class Channel:
    """The data channel of one call: what was said lies in a bag, out of which it comes in any order, or twice."""

    ends: tuple["Client", "Client"]
    bag: list[tuple["Client", ChannelMessage]] = field(default_factory=list)  # receiver, message

    def say(self, sender: "Client", message: ChannelMessage) -> None:
        """Say something to the other end."""
        self.bag.append((self.other(sender), message))

    def other(self, end: "Client") -> "Client":
        """Return whom `end` is connected with."""
        return self.ends[end is self.ends[0]]
