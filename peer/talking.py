"""What a peer can say to the others, and ask them: the part of `Peer` that needs no camera."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal, get_args, overload

from peer.conversation.conversation import Delivery
from peer.conversation.responding import Responders, ResponderT
from peer.errors import UsageError
from peer.events import Message
from peer.hooks import EventStream
from peer.participant import Participant
from peer.visit import Visit

Users = list[str] | tuple[str, ...] | set[str] | frozenset[str]
IfUnreachable = Literal["keep", "refuse"]


class Talker(Participant):
    """Says things to the others in the room, over data channels or the server."""

    def __init__(self) -> None:
        super().__init__()
        self._responders = Responders()

    @property
    @abstractmethod
    def _here(self) -> Visit:
        """The visit that we are in. Raises `UsageError` if we are in none."""

    @overload
    async def send(
        self, data: object, to: str, *, topic: str = ..., reliable: bool = ..., if_unreachable: IfUnreachable = ...
    ) -> Delivery: ...
    @overload
    async def send(
        self,
        data: object,
        to: Users | None = ...,
        *,
        topic: str = ...,
        reliable: bool = ...,
        if_unreachable: IfUnreachable = ...,
    ) -> tuple[Delivery, ...]: ...
    async def send(
        self,
        data: object,
        to: str | Users | None = None,
        *,
        topic: str = "message",
        reliable: bool = True,
        if_unreachable: IfUnreachable = "keep",
    ) -> Delivery | tuple[Delivery, ...]:
        """Say something to one user, to some, or to everybody else (None): they get `onMessage`.

        `data` is bytes or anything that JSON can say. `reliable`: of 256 KiB at most, in order, once, over every
        broken connection; through the server (16 KiB, grant `message`) where there is no data channel. Else: of 1000
        bytes at most, over a data channel, lost if the network is busy. In a room whose media pass through Janus all of
        that goes through the server, large letters in pieces.

        Returns once it is handed over, after 10 s at most; one who takes nothing is not waited for again. To who cannot
        be reached it is kept and said when they are back (256 letters and 4 MiB for each at most), or, with
        `if_unreachable="refuse"`, not said. To one user: raises `Unreachable` or `UserGone`; to many: the
        `Delivery` of each says how it went. Raises `UsageError` for what cannot be said.
        """
        if if_unreachable not in get_args(IfUnreachable):
            raise UsageError(f'if_unreachable must be "keep" or "refuse", not {if_unreachable!r}')
        conversations, keep = self._here.conversations, if_unreachable == "keep"
        if isinstance(to, str):
            return await conversations.send_to(to, data, topic=topic, reliable=reliable, keep=keep)
        return await conversations.send_to_all(to, data, topic=topic, reliable=reliable, keep=keep)

    async def request(self, user: str, topic: str, data: object = None, *, timeout: float = 5.0) -> Any:
        """Ask a user; return what their responder of the topic answers: bytes or what JSON can say.

        Raises `NoAnswer` after `timeout` seconds, `NoResponder` if nobody there answers the topic, `RequestFailed`
        with the text of what the responder raised, `Unreachable` or `UserGone`, `UsageError` for what cannot be said.
        What was asked in vain may still be carried out there, late.
        """
        if not timeout > 0:
            raise UsageError(f"timeout must be more than 0 seconds, not {timeout!r}")
        return await self._here.conversations.request(user, topic, data, timeout)

    def respond(self, topic: str) -> Callable[[ResponderT], ResponderT]:
        """Answer what others ask of this topic: a decorator for a plain or `async` function.

        It gets a `Request(user, topic, data)`; what it returns, bytes or what JSON can say, is the answer, and what it
        raises is a `RequestFailed` where it was asked. It may be registered before we enter the room. Raises
        `UsageError` if somebody answers the topic already.
        """
        return lambda responder: self._responders.add(topic, responder)

    def messages(self, topic: str | None = None) -> AsyncIterator[Message]:
        """Return what others say from now on, of one topic or of all; ends when we are out.

        Who reads more than 1000 events too late misses the oldest.
        """
        return _only(self.events(), topic)


async def _only(events: EventStream, topic: str | None) -> AsyncIterator[Message]:
    async for event in events:
        if isinstance(event, Message) and topic in (None, event.topic):
            yield event
