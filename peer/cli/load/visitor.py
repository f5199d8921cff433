"""One user of a load test: a client without media, which says when it hears what."""

import asyncio

from peer.cli.load.figures import Figures
from peer.client import SignalingClient
from peer.config import PeerConfig
from signaling.messages import ExitRoom, Join, Joined, Leave, RemoteUserLeave, Said, Say, ServerMessage
from signaling.reasons import Reason

TOPIC = "load-test"
PADDING = "x" * 120
LEAVE_LIMIT = 5.0  # seconds until a leaver's exit is confirmed


class Visitor:
    """One user."""

    def __init__(self, url: str, join: Join, figures: Figures, left_at: dict[str, float]) -> None:
        self.is_inside = False
        self._figures = figures
        self._left_at = left_at  # session → when it said that it leaves; of the whole room
        self._session = ""
        self._out = asyncio.Event()
        self._clock = asyncio.get_running_loop().time
        self._client = SignalingClient(
            url, join, PeerConfig(), on_message=self._hear, on_lost=self._lost, on_gone=self._gone
        )

    async def enter(self) -> None:
        """Come in. Raises `SignalingError`."""
        self._session = (await self._client.connect()).session
        self.is_inside = True

    def speak(self) -> None:
        """Say something to everybody else in the room."""
        self._client.say(Say(topic=TOPIC, data={"at": self._clock(), "padding": PADDING}))

    async def leave(self) -> None:
        """Go, and wait until the server has said so: the others are told before."""
        self._left_at[self._session] = self._clock()
        self._client.say(Leave())
        try:
            async with asyncio.timeout(LEAVE_LIMIT):
                await self._out.wait()
        except TimeoutError:
            self._figures.failed(f"a leave was not confirmed within {LEAVE_LIMIT:g} s")
        self.is_inside = False

    async def close(self) -> None:
        """Hang up."""
        self.is_inside = False
        await self._client.close()

    def _hear(self, message: ServerMessage) -> None:
        now = self._clock()
        match message:
            case Said(topic="load-test", data={"at": float(at)}):
                self._figures.heard_at.append(now)
                self._figures.messages.append(now - at)
            case RemoteUserLeave(session=session) if session in self._left_at:
                self._figures.notices.append(now - self._left_at[session])
            case ExitRoom(reason=reason):
                self._end(reason)
            case Joined():
                self.is_inside = True  # back after a loss
            case _:
                pass  # nothing that is measured

    def _end(self, reason: Reason) -> None:
        if reason is not Reason.LEFT:
            self._figures.failed(f"a user was sent away: {reason}")
        self.is_inside = False
        self._out.set()

    def _lost(self) -> None:
        self._figures.failed("a connection was lost")
        self.is_inside = False

    def _gone(self, reason: Reason, text: str) -> None:
        self._figures.failed(f"a user did not come back: {text}")
        self._end(Reason.LEFT)
