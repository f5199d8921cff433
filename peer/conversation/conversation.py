"""What we and one user's session say to each other: letters, over whichever way there is."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from aiortc import RTCDataChannel

from peer.channel import LOSSY
from peer.conversation.letter import (
    Form,
    Head,
    Letter,
    Taken,
    acknowledgement,
    as_text,
    as_words,
    data_of,
    from_server,
    numbered,
    posted,
    read,
    written,
)
from peer.conversation.window import Incoming, Outgoing, Pieces
from peer.errors import MessageError, Unreachable, UserGone

BUFFER = 32 * 1024  # bytes that wait in a data channel; what must not wait for long, our leave, waits behind them
LOSSY_BUFFER = 16 * 1024  # bytes; beyond, a lossy letter is lost at once
ACK_DELAY = 0.02  # seconds in which further letters may come that are acknowledged together
log = logging.getLogger(__name__)

Path = Literal["channel", "server", "kept", "dropped", "failed"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """How something said went its way to one user.

    "channel": straight, over a data channel; "server": through the server; "kept": it is said as soon as there is a
    way; "dropped": it was lossy, and there was no way or no room at that moment; "failed": `error` says why.
    """

    user: str
    path: Path
    error: MessageError | None = None


class Post(Protocol):
    """The way through the server."""

    @property
    def is_open(self) -> bool:
        """Whether what we say there is passed on now."""

    @property
    def is_away(self) -> bool:
        """Whether our own connection to the server is lost."""

    @property
    def is_only_way(self) -> bool:
        """Whether there will never be a data channel: media pass through a server."""

    def say_lossy(self, user: str, data: object) -> bool:
        """Have the server pass this on, unless much was said so lately; return whether it was said."""

    def say(self, user: str, data: object) -> None:
        """Have the server pass this on."""


class Conversation:
    """Everything said to and by one session of one user. `heard` gets their letters: each once, in order.

    Nothing is ever sent but from here, in this order: over the data channel if one is open, else through the server.
    """

    def __init__(self, user: str, session: str, post: Post, heard: Callable[[str, Letter, Any], None]) -> None:
        self.user, self.session = user, session
        self._post, self._heard = post, heard
        self._is_away = False  # the server cannot reach them
        self._is_stuck = False  # they have taken nothing since we waited in vain: nobody waits for them again
        self._talk: RTCDataChannel | None = None
        self._lossy: RTCDataChannel | None = None
        self._outgoing, self._incoming = Outgoing(), Incoming()
        self._posted = Pieces()  # of what comes through the server
        self._questions: dict[int, asyncio.Future[Letter]] = {}
        self._changed = asyncio.Event()  # set and cleared at every change
        self._ack: asyncio.TimerHandle | None = None
        self._over: str | None = None  # why

    # -- the ways --

    def adopt(self, channel: RTCDataChannel) -> None:
        """Use a data channel from now on, once it is open, in the place of the former."""
        if self._over is not None:
            return
        if channel.label == LOSSY:
            self._lossy = channel
            channel.on("message", self._hear_lossy)
            return
        pieces = Pieces()
        self._talk_over(channel, lambda frame: self._hear(frame, pieces))

    def _talk_over(self, channel: RTCDataChannel, hear: Callable[[str | bytes], None]) -> None:
        self._talk = channel
        channel.bufferedAmountLowThreshold = BUFFER // 2
        channel.on("message", hear)
        channel.on("bufferedamountlow", self._say_on)
        for event in ("open", "close"):
            channel.on(event, lambda: self._turned(channel))
        self._turned(channel)

    def _turned(self, channel: RTCDataChannel) -> None:
        if channel is self._talk and channel.readyState != "connecting":
            self.renew()

    def away(self, is_away: bool) -> None:
        """The server can reach them, or not."""
        self._is_away = is_away
        self.server_turned()

    def server_turned(self) -> None:
        """The way through the server is there again, or not: that is of interest where there is no channel."""
        if is_open(self._talk):
            self._tell()
        else:
            self.renew()

    def came_back(self) -> None:
        """We were cut off from the server: what it was given for us meanwhile may be lost, and the sender not know."""
        if self._over is None and not is_open(self._talk):
            self._incoming.missed()
            self._acknowledge()

    def renew(self) -> None:
        """There may be another way: say on it what is not known to be taken, and what we have taken."""
        if self._over is not None:
            return
        self._outgoing.again()
        self._incoming.renewed()
        if not self._incoming.is_known:
            self._acknowledge()
        self._say_on()

    @property
    def _way(self) -> Path | None:
        if is_open(self._talk):
            return "channel"
        return "server" if self._post.is_open and not self._is_away else None

    @property
    def is_unreachable(self) -> bool:
        """Whether there is no way now, and none that will soon be there."""
        return not is_open(self._talk) and (self._is_away or self._post.is_away)

    # -- what we say --

    async def send(self, head: Head, content: bytes, *, keep: bool, limit: float) -> Path:
        """Say something reliably; return once it is handed to a way, or kept because there is none.

        Waits for a slow receiver for `limit` seconds. Raises `Unreachable` or `UserGone`.
        """
        if not keep and self.is_unreachable:
            raise Unreachable(f"{self.user} cannot be reached now")
        number = await self._keep(head, content, limit)
        await self._patiently(lambda: self._outgoing.is_said(number) or self.is_unreachable, limit)
        if not self._outgoing.is_said(number):
            return "kept"
        return self._way or "kept"

    async def ask(self, topic: str, form: Form, content: bytes, limit: float) -> Letter:
        """Say something and return the letter that answers it; the caller limits the wait."""
        if self.is_unreachable:
            raise Unreachable(f"{self.user} cannot be reached now")
        number = await self._keep(Head(topic=topic, form=form, asks=True), content, limit)
        answer: asyncio.Future[Letter] = asyncio.get_running_loop().create_future()
        self._questions[number] = answer
        try:
            self._check_not_over()
            return await answer
        finally:
            del self._questions[number]

    async def _keep(self, head: Head, content: bytes, limit: float) -> int:
        """Put a letter into the window as soon as there is room; return its number."""
        if not await self._patiently(lambda: self._outgoing.has_room(len(content)), limit):
            raise Unreachable(f"{self.user} has not taken what was said before: no more can be kept for them")
        number = self._outgoing.next_number
        self._outgoing.add(Letter(numbered(head, number), content))
        self._say_on()
        return number

    def say_lossy(self, head: Head, content: bytes) -> Path:
        """Say something that may be lost; do so at once or never."""
        self._check_not_over()
        letter = Letter(head, content)
        if self._post.is_only_way:
            is_said = self._way == "server" and self._post.say_lossy(self.user, posted(letter))
            return "server" if is_said else "dropped"
        channel = self._lossy
        if channel is None or not is_open(channel) or channel.bufferedAmount > LOSSY_BUFFER:
            return "dropped"
        channel.send(written(letter))
        return "channel"

    @property
    def is_settled(self) -> bool:
        """Whether everything said is known to be taken, or cannot be any more."""
        return self._over is not None or self._outgoing.is_empty or self.is_unreachable

    async def settled(self) -> None:
        """Wait until everything is settled."""
        while not self.is_settled:
            await self._changed.wait()

    def close(self, why: str) -> None:
        """They are gone, or we are: nothing is said or heard any more."""
        if self._over is not None:
            return
        self._over = why
        if self._ack is not None:
            self._ack.cancel()
        for answer in self._questions.values():
            if not answer.done():
                answer.set_exception(UserGone(why))
        self._tell()

    def _check_not_over(self) -> None:
        if self._over is not None:
            raise UserGone(self._over)

    async def _patiently(self, condition: Callable[[], bool], limit: float) -> bool:
        """Wait as `_until`, but not for somebody who cannot be reached, nor again for one who took nothing since."""
        came_true = await self._until(condition, 0 if self._is_stuck or self.is_unreachable else limit)
        self._is_stuck = not came_true
        return came_true

    async def _until(self, condition: Callable[[], bool], limit: float) -> bool:
        """Wait for a condition; return whether it came true within the limit. Raises `UserGone`."""
        try:
            async with asyncio.timeout(limit):
                while self._over is None and not condition():
                    await self._changed.wait()
        except TimeoutError:
            return False
        self._check_not_over()
        return True

    def _say_on(self) -> None:
        """Hand over as much as the present way takes."""
        if self._over is not None:
            return
        if (channel := self._talk) is not None and is_open(channel):
            while channel.bufferedAmount < BUFFER and (piece := self._outgoing.piece()) is not None:
                channel.send(piece)
        elif self._way == "server":
            while (envelope := self._outgoing.envelope(in_pieces=self._post.is_only_way)) is not None:
                self._post.say(self.user, envelope)
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed.clear()

    # -- what we hear --

    def hear_from_server(self, data: object) -> bool:
        """Take in what came through the server; false: it is no letter."""
        match message := from_server(data):
            case Taken():
                self._hear_taken(message)
            case Letter(head=Head(number=0)):
                self._pass_on(message)
            case Letter():
                self._take(message)
            case bytes():
                self._hear_piece(message, self._posted)
            case None:
                return False
        return True

    def _hear(self, frame: str | bytes, pieces: Pieces) -> None:
        if isinstance(frame, str):
            if (taken := acknowledgement(frame)) is not None:
                self._hear_taken(taken)
        else:
            self._hear_piece(frame, pieces)

    def _hear_piece(self, piece: bytes, pieces: Pieces) -> None:
        if (body := pieces.add(piece)) is not None and (letter := read(body)) is not None:
            self._take(letter)

    def _hear_lossy(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes) and (letter := read(frame)) is not None and not letter.head.number:
            self._pass_on(letter)

    def _hear_taken(self, taken: Taken) -> None:
        self._is_stuck = False
        self._outgoing.hear(taken)
        self._say_on()

    def _take(self, letter: Letter) -> None:
        if self._over is not None:
            return
        is_new = self._incoming.take(letter.head.number)
        if self._ack is None:
            self._ack = asyncio.get_running_loop().call_later(ACK_DELAY, self._acknowledge)
        if is_new:
            self._pass_on(letter)

    def _pass_on(self, letter: Letter) -> None:
        """Give a letter to whom it concerns: to who asked, or to the application."""
        if self._over is not None:
            return
        if letter.head.answers:
            question = self._questions.get(letter.head.answers)
            if question is not None and not question.done():
                question.set_result(letter)
            return
        try:
            self._heard(self.user, letter, data_of(letter))
        except ValueError as error:
            log.warning("%s said something that is not what it says it is: %s", self.user, error)

    def _acknowledge(self) -> None:
        if self._ack is not None:
            self._ack.cancel()
            self._ack = None
        if (channel := self._talk) is not None and is_open(channel):
            channel.send(as_text(self._incoming.taken()))
        elif self._way == "server":
            self._post.say(self.user, as_words(self._incoming.taken()))


def is_open(channel: RTCDataChannel | None) -> bool:
    """Whether something can be said over a channel."""
    return channel is not None and channel.readyState == "open"
