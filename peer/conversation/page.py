"""What we and a page of RTCMultiConnection say to each other: its own texts on its own data channel, or letters."""

import secrets
from collections.abc import Callable
from typing import Any

from aiortc import RTCDataChannel

from peer.conversation.conversation import BUFFER, LOSSY_BUFFER, Conversation, Path, Post, is_open
from peer.conversation.letter import Head, Letter
from peer.rtcmulticonnection.text import Texts, pieces, plain

TOPIC = "message"  # of all that a page says


class PageConversation(Conversation):
    """Everything said to and by one stay of a page. Through the server it takes letters, as everybody.

    Its channel knows neither topics nor acknowledgements: what is in the channel's buffer counts as taken. Each letter
    goes one way only, and they stay in order: while the server has some that are not known to be taken, the channel
    waits for those.
    """

    def __init__(self, user: str, session: str, post: Post, heard: Callable[[str, Letter, Any], None]) -> None:
        super().__init__(user, session, post, heard)
        self._name = secrets.token_hex(4)  # a page puts together what has one name, whoever said it
        self._texts = 0

    def adopt(self, channel: RTCDataChannel) -> None:
        """Use a data channel from now on, once it is open, in the place of the former."""
        if self._over is not None:
            return
        texts = Texts()
        self._talk_over(channel, lambda said: self._hear_text(said, texts))

    def server_turned(self) -> None:
        """The way through the server is there again, or not: what it was given is said there again."""
        self.renew()

    def came_back(self) -> None:
        """What a page says is no letter, and is not said again."""

    def say_lossy(self, head: Head, content: bytes) -> Path:
        """Say something at once or never: a page has no channel that loses anything."""
        self._check_not_over()
        channel = self._talk
        if channel is None or not is_open(channel) or channel.bufferedAmount > LOSSY_BUFFER:
            return "dropped"
        self._say_text(channel, Letter(head, content))
        return "channel"

    def _say_on(self) -> None:
        if self._over is not None:
            return
        channel = self._talk if is_open(self._talk) else None
        while channel and channel.bufferedAmount < BUFFER and (letter := self._outgoing.hand_over()) is not None:
            self._say_text(channel, letter)
        while self._is_posting and (envelope := self._outgoing.envelope(is_again=channel is not None)) is not None:
            self._post.say(self.user, envelope)
        self._tell()

    @property
    def _is_posting(self) -> bool:
        return self._post.is_open and not self._is_away

    def _say_text(self, channel: RTCDataChannel, letter: Letter) -> None:
        self._texts += 1
        for piece in pieces(plain(letter), f"{self._name}-{self._texts}"):
            channel.send(piece)

    def _hear_text(self, said: str | bytes, texts: Texts) -> None:
        if (content := texts.hear(said)) is not None and self._over is None:
            self._heard(self.user, Letter(Head(topic=TOPIC), b""), content[0])
