"""Which client talks to the server at an address: ours, or that for a real RTCMultiConnection-Server."""

from collections.abc import Callable, Collection
from typing import Protocol

from aiortc import RTCDataChannel

from peer.checks import check_topology
from peer.client import SignalingClient
from peer.config import PeerConfig
from signaling.messages import ClientMessage, Join, Joined, ServerMessage
from signaling.reasons import Reason

RTCMULTICONNECTION = "rtcmulticonnection+"  # before http:// or https://


class Client(Protocol):
    """One session with a server, whichever. `channels`: the labels of the data channels of every connection."""

    url: str
    is_over: bool

    @property
    def channels(self) -> Collection[str]:
        """The labels of the data channels that every connection has."""

    @property
    def is_connected(self) -> bool:
        """Whether what we say reaches the server now, as far as we know."""

    async def connect(self) -> Joined:
        """Connect and join. Raises `SignalingError` with one sentence that says what is wrong."""

    def say(self, message: ClientMessage) -> None:
        """Send a message, or keep it until we are back."""

    def saw(self, seq: int) -> None:
        """Remember the last room event, so that a resume starts behind it."""

    def use_token(self, token: str) -> None:
        """Come back with this token, should the connection be lost."""

    def moved(self, room: str, seq: int) -> None:
        """Note that our session goes on in another room, of which that is the last room event."""

    def offers_to(self, user: str) -> bool:
        """Whether it is we who offer to somebody who came after us."""

    def adopts(self, user: str, channel: RTCDataChannel) -> bool:
        """Whether a data channel is taken for a use of the client's own."""

    async def close(self) -> None:
        """Hang up, bounded. May be called twice and in any state."""


def make_client(
    url: str,
    join: Join,
    config: PeerConfig,
    *,
    on_message: Callable[[ServerMessage], None],
    on_lost: Callable[[], None],
    on_gone: Callable[[Reason, str], None],
) -> Client:
    """Return the client for an address. Raises `UsageError` if it is none."""
    if not url.startswith(RTCMULTICONNECTION):
        return SignalingClient(url, join, config, on_message=on_message, on_lost=on_lost, on_gone=on_gone)
    check_topology(config.topology, "mesh")  # such a server knows no other
    from peer.rtcmulticonnection.client import RmcClient  # which needs python-socketio

    return RmcClient(url, join, config, on_message=on_message, on_lost=on_lost, on_gone=on_gone)
