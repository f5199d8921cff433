"""What we say to the others in the room and they to us: a conversation with each."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from aiortc import RTCDataChannel

from peer.conversation.conversation import Conversation, Delivery, Path, Post
from peer.conversation.letter import MAX_LOSSY, MAX_RELIABLE, TOPIC, Head, Letter, content_of, data_of
from peer.conversation.page import PageConversation
from peer.conversation.responding import Answer, Answering, Request, Responders
from peer.errors import MessageError, NoAnswer, NoResponder, RequestFailed, UserGone
from peer.events import (
    ConnectionBack,
    ConnectionLost,
    Event,
    Message,
    RemoteUserBack,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUnreachable,
    RoomChanged,
)
from signaling.messages import PAGE_MARK, Said

SEND_LIMIT = 10.0  # seconds that a send waits for a slow receiver
SETTLE_LIMIT = 0.3  # seconds, when we leave, for what was said to be taken; less than the notice may take
SHORT_SETTLE_LIMIT = 0.15  # seconds, if everybody's acknowledgement is waited for in the rest of the step
log = logging.getLogger(__name__)


class Conversations:
    """With everybody in the room; `put` gets what they say as events."""

    def __init__(self, post: Post, put: Callable[[Event], None]) -> None:
        self._post, self._put = post, put
        self._of: dict[str, Conversation] = {}
        self._answering = Answering(Responders())

    def answer_with(self, responders: Responders) -> None:
        """Have these answer what is asked."""
        self._answering.responders = responders

    # -- what happens in the room --

    def saw(self, event: Event) -> None:
        """Follow who is here and who can be reached."""
        match event:
            case RemoteUserJoin(user=user, session=session):
                self._end(user, f"{user} has come anew")
                kind = PageConversation if session.startswith(PAGE_MARK) else Conversation
                self._of[user] = kind(user, session, self._post, partial(self._heard, session))
            case RemoteUserLeave(user=user):
                self._end(user, f"{user} has left the room")
            case RemoteUserUnreachable(user=user) | RemoteUserBack(user=user):
                if (conversation := self._of.get(user)) is not None:
                    conversation.away(isinstance(event, RemoteUserUnreachable))
            case ConnectionLost() | ConnectionBack():
                for conversation in self._of.values():
                    conversation.server_turned()
            case RoomChanged(room=room):
                self._end_all(f"we are in the room {room} now")
            case _:
                pass

    def adopt(self, user: str, session: str, channel: RTCDataChannel) -> None:
        """There is a data channel to this user's session."""
        conversation = self._of.get(user)
        if conversation is not None and conversation.session == session:
            conversation.adopt(channel)

    def heard(self, said: Said) -> bool:
        """Take in what somebody said through the server; false: it is an ordinary message."""
        conversation = self._of.get(said.user or "")
        return said.topic == TOPIC and conversation is not None and conversation.hear_from_server(said.data)

    def came_back(self) -> None:
        """We were cut off from the server, and know again who is here."""
        for conversation in self._of.values():
            conversation.came_back()

    def _end(self, user: str, why: str) -> None:
        if (conversation := self._of.pop(user, None)) is not None:
            conversation.close(why)

    def _end_all(self, why: str) -> None:
        for user in tuple(self._of):
            self._end(user, why)

    # -- what we say --

    async def send_to(self, user: str, data: object, *, topic: str, reliable: bool, keep: bool) -> Delivery:
        """Say something to one user. Raises `UsageError`, `Unreachable` or `UserGone`."""
        form, content = content_of(topic, data, MAX_RELIABLE if reliable else MAX_LOSSY)
        return await self._send(user, Head(topic=topic, form=form), content, reliable=reliable, keep=keep)

    async def send_to_all(
        self, users: Iterable[str] | None, data: object, *, topic: str, reliable: bool, keep: bool
    ) -> tuple[Delivery, ...]:
        """Say something to these users, or to everybody else (None); a slow one holds up no other."""
        form, content = content_of(topic, data, MAX_RELIABLE if reliable else MAX_LOSSY)
        head = Head(topic=topic, form=form)
        names = tuple(self._of if users is None else dict.fromkeys(users))
        sending = (self._send(user, head, content, reliable=reliable, keep=keep) for user in names)
        results = await asyncio.gather(*sending, return_exceptions=True)
        return tuple(_delivery(user, result) for user, result in zip(names, results, strict=True))

    async def _send(self, user: str, head: Head, content: bytes, *, reliable: bool, keep: bool) -> Delivery:
        conversation = self._with(user)
        path: Path
        if reliable:
            path = await conversation.send(head, content, keep=keep, limit=SEND_LIMIT)
        else:
            path = conversation.say_lossy(head, content)
        return Delivery(user, path)

    async def request(self, user: str, topic: str, data: object, limit: float) -> Any:
        """Ask a user; return the answer. Raises `UsageError`, `MessageError`."""
        form, content = content_of(topic, data, MAX_RELIABLE)
        conversation = self._with(user)
        try:
            async with asyncio.timeout(limit):
                letter = await conversation.ask(topic, form, content, limit)
        except TimeoutError:
            raise NoAnswer(f"{user} did not answer {topic!r} within {limit:g} s") from None
        return _answer_in(letter, user)

    def _with(self, user: str) -> Conversation:
        conversation = self._of.get(user)
        if conversation is None:
            raise UserGone(f"{user} is not in the room")
        return conversation

    # -- what we hear --

    def _heard(self, session: str, user: str, letter: Letter, data: Any) -> None:
        if not letter.head.asks:
            self._put(Message(user=user, topic=letter.head.topic, data=data))
            return
        request = Request(user, letter.head.topic, data)
        self._answering.answer(request, letter.head.number, partial(self._say_answer, user, session))

    async def _say_answer(self, user: str, session: str, answer: Answer) -> None:
        conversation = self._of.get(user)
        if conversation is None or conversation.session != session:
            return
        try:
            await conversation.send(*answer, keep=True, limit=SEND_LIMIT)
        except MessageError as error:
            log.info("an answer to %s is lost: %s", user, error)

    # -- the end --

    async def settle(self, *, is_short: bool) -> None:
        """Give what was said a moment to be taken, before we say that we leave."""
        late = [one for one in self._of.values() if not one.is_settled]
        waits = [asyncio.create_task(one.settled(), name=f"settle with {one.user}") for one in late]
        try:
            if waits:
                await asyncio.wait(waits, timeout=SHORT_SETTLE_LIMIT if is_short else SETTLE_LIMIT)
        finally:
            for wait in waits:
                wait.cancel()

    async def close(self) -> None:
        """End every conversation; who waits for an answer is told."""
        self._end_all("we have left the room")
        await self._answering.close()


def _delivery(user: str, result: "Delivery | BaseException") -> Delivery:
    if isinstance(result, MessageError):
        return Delivery(user, "failed", result)
    if isinstance(result, BaseException):
        raise result
    return result


def _answer_in(letter: Letter, user: str) -> Any:
    """Return what an answer says. Raises what it says that went wrong."""
    try:
        data = data_of(letter)
    except ValueError as error:
        raise RequestFailed(f"{user} answered something that cannot be read: {error}") from None
    match letter.head.failure:
        case None:
            return data
        case "no_responder":
            raise NoResponder(f"{user}: {data}")
        case "failed":
            raise RequestFailed(f"{user}: {data}")
