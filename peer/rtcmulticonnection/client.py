"""The socket to a real RTCMultiConnection-Server, with the face of `SignalingClient`.

That server lets nobody come back: a connection that was lost is an end for the others, at once. So coming back is
entering anew, under the same name: the others of before have left (`network_lost`) and join again as they answer.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiortc import RTCDataChannel

from peer.client import retry_delays
from peer.clients import RTCMULTICONNECTION
from peer.config import PeerConfig
from peer.conversation.letter import TOPIC, Letter, Taken, as_words, from_server
from peer.errors import ServerUnreachable, SignalingError, UsageError
from peer.rtcmulticonnection.line import CALL_LIMIT, Line
from peer.rtcmulticonnection.room import Effect, Emit, RmcRoom, Tell
from peer.rtcmulticonnection.text import LABEL, Texts, pieces, plain
from signaling.messages import ClientMessage, ExitRoom, Join, Joined, Leave, Said, Say, ServerMessage
from signaling.reasons import Reason

GRACE = 10.0  # seconds in which we try to come back
log = logging.getLogger(__name__)


class RmcClient:
    """One session with a server. Callbacks run on the loop and return at once."""

    channels = (LABEL,)

    def __init__(
        self,
        url: str,
        join: Join,
        config: PeerConfig,
        *,
        on_message: Callable[[ServerMessage], None],
        on_lost: Callable[[], None],
        on_gone: Callable[[Reason, str], None],
    ) -> None:
        if not url.removeprefix(RTCMULTICONNECTION).startswith(("http://", "https://")):
            raise UsageError(
                f"{url!r} is no server address: it looks like {RTCMULTICONNECTION}https://example.org:9001"
            )
        self.url = url
        self.is_over = False
        self._config = config
        self._on_message, self._on_lost, self._on_gone = on_message, on_lost, on_gone
        self._core = RmcRoom(join.room, join.user, join.extra)
        self._texts: dict[str, Texts] = {}
        self._channels: dict[str, RTCDataChannel] = {}
        self._said = 0  # texts, which need names
        self._line: Line | None = None
        self._early: list[tuple[str, tuple[Any, ...]]] | None = None  # heard before it is taken in that we are in
        self._lost = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()

    async def connect(self) -> Joined:
        """Connect, open the room or join it. Raises `SignalingError` with one sentence that says what is wrong."""
        limit = self._config.connect_limit
        try:
            async with asyncio.timeout(limit):
                joined, first = await self._enter()
        except TimeoutError:
            await self.close()
            raise ServerUnreachable(f"{self.url} does not answer within {limit:g} s") from None
        except BaseException:
            await self.close()
            raise
        self._task = asyncio.create_task(self._run(first), name="rtcmulticonnection")
        return joined

    def say(self, message: ClientMessage) -> None:
        """Say something to the server, or over a data channel what is to be said there."""
        if isinstance(message, Say):
            self._speak(message)
            return
        self._carry_out(self._core.say(message), is_answer=True)
        if isinstance(message, Leave) and self._line is not None:
            self._keep(self._farewell(self._line))

    @property
    def is_connected(self) -> bool:
        """Whether what we say reaches the server now, as far as we know."""
        return self._line is not None and self._line.is_open

    def saw(self, seq: int) -> None:
        """Room events are not asked for again there."""

    def use_token(self, token: str) -> None:
        """There are no tokens there."""

    def moved(self, room: str, seq: int) -> None:
        """Nobody is moved there."""

    def offers_to(self, user: str) -> bool:
        """Whether it is we who offer to somebody who came after us."""
        return self._core.offers_to(user)

    def adopts(self, user: str, channel: RTCDataChannel) -> bool:
        """Take a data channel for what applications say: pages have one for that."""
        if channel.label != LABEL:
            return False
        self._channels[user], self._texts[user] = channel, Texts()
        channel.on("message", lambda said: self._heard_text(user, said))
        return True

    async def close(self) -> None:
        """Hang up, bounded. May be called twice and in any state."""
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait({task})
        line, self._line = self._line, None
        if line is not None:
            await line.close()
        for sending in self._sending:
            sending.cancel()
        if self._sending:
            await asyncio.wait(self._sending)

    # -- being connected --

    async def _enter(self) -> tuple[Joined, list[Effect]]:
        core, self._early = self._core, []
        line = self._line = await Line.open(
            self.url.removeprefix(RTCMULTICONNECTION), core, self._happened, self._lost.set
        )
        exists, *_ = await line.call("check-presence", core.room)
        if not await line.enter("join-room" if exists else "open-room"):
            await line.enter_or_raise("open-room" if exists else "join-room")  # it has ended, or begun, meanwhile
        return core.enter(GRACE)

    async def _run(self, first: list[Effect]) -> None:
        """Be in the room for as long as we can come back to it."""
        self._begin(first)
        while True:
            await self._lost.wait()
            self._on_lost()
            try:
                joined, first = await self._come_back()
            except SignalingError as error:
                self.is_over = True
                self._on_gone(Reason.NETWORK_LOST, str(error))
                return
            self._on_message(joined)
            self._begin(first)

    def _begin(self, first: list[Effect]) -> None:
        """We are in: get in touch with the others, and take in what they have said since the server let us in."""
        early, self._early = self._early or [], None
        self._carry_out(first)
        for event, arguments in early:
            self._happened(event, arguments)

    async def _come_back(self) -> tuple[Joined, list[Effect]]:
        delay = retry_delays(self._config)
        attempt = 0
        try:
            async with asyncio.timeout(GRACE):
                while True:
                    await self._hang_up()
                    await asyncio.sleep(delay(attempt))
                    attempt += 1
                    try:
                        async with asyncio.timeout(CALL_LIMIT):
                            return await self._enter()
                    except (SignalingError, TimeoutError) as error:
                        log.debug("attempt %d to come back: %r", attempt, error)
        except TimeoutError:
            raise ServerUnreachable(f"{self.url} did not answer for {GRACE:g} s") from None

    async def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()
        self._lost.clear()

    async def _farewell(self, line: Line) -> None:
        """Say that we are out once the server has passed on that we leave: it answers in the order it was asked in."""
        await line.sent()
        try:
            await line.call("check-presence", self._core.room)
        except SignalingError as error:
            log.debug("nobody confirms that we leave: %s", error)
            return
        self._on_message(ExitRoom(reason=Reason.LEFT))

    # -- what happens --

    def _happened(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._early is None:
            self._carry_out(self._core.hear(event, arguments))
        else:
            self._early.append((event, arguments))

    def _heard_text(self, user: str, said: str | bytes) -> None:
        if (content := self._texts[user].hear(said)) is not None:
            self._carry_out(self._core.said(user, content[0]))

    def _carry_out(self, effects: list[Effect], *, is_answer: bool = False) -> None:
        for effect in effects:
            match effect:
                case Tell(message) if is_answer:
                    self._answer(message)
                case Tell(message):
                    self._on_message(message)
                case Emit(event, argument) if self._line is not None:
                    self._line.emit(event, argument)
                case Emit():
                    log.debug("not connected: %s is not said", effect.event)

    def _speak(self, message: Say) -> None:
        """Say something to a user, or to all; what `Peer.send` says is taken out of its letter, and counts as taken."""
        if message.topic != TOPIC:
            self._send(message.to, message.data)
            return
        letter = from_server(message.data)
        if message.to is None or not isinstance(letter, Letter) or not self._send(message.to, plain(letter)):
            return
        taken = as_words(Taken(number=letter.head.number))
        self._answer(Said(topic=TOPIC, data=taken, user=message.to))

    def _answer(self, message: ServerMessage) -> None:
        """Say what a server would: not before whoever asks has finished asking."""
        asyncio.get_running_loop().call_soon(self._on_message, message)

    def _send(self, to: str | None, data: object) -> bool:
        """Say it where a channel is open; whether there was one."""
        self._said += 1
        users = self._channels if to is None else {to: self._channels.get(to)}
        is_said = False
        for channel in users.values():
            if channel is not None and channel.readyState == "open":
                is_said = True
                for piece in pieces(data, f"{self._core.user}-{self._said}"):
                    channel.send(piece)
        return is_said

    def _keep(self, work: Any) -> None:
        task = asyncio.create_task(work, name="rtcmulticonnection farewell")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
