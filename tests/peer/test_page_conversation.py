"""What goes which way to a page of RTCMultiConnection, with a channel and a server that do as the test says."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from aiortc import RTCDataChannel

from peer import UserGone
from peer.conversation.conversation import BUFFER, LOSSY_BUFFER
from peer.conversation.letter import Head, Letter, Taken, as_words
from peer.conversation.page import PageConversation

HEAD = Head(topic="chat")


class Server:
    """The way through the server."""

    is_open, is_away, is_only_way = True, False, False

    def __init__(self) -> None:
        self.said: list[tuple[int, Any]] = []  # numbers, contents

    def say(self, user: str, data: object) -> None:
        envelope = cast("dict[str, Any]", data)
        self.said.append((envelope["head"]["number"], json.loads(envelope["text"])))

    def say_lossy(self, user: str, data: object) -> bool:
        raise AssertionError("there is a data channel to a page")


class Channel:
    """A data channel that keeps what is said."""

    label, readyState, bufferedAmount, bufferedAmountLowThreshold = "sctp", "connecting", 0, 0  # noqa: N815 - aiortc's

    def __init__(self) -> None:
        self.said: list[Any] = []
        self._handlers: dict[str, Callable[..., None]] = {}

    def on(self, event: str, handler: Callable[..., None]) -> None:
        self._handlers[event] = handler

    def send(self, text: str) -> None:
        self.said.append(json.loads(json.loads(text)["message"]))

    def turn(self, state: str) -> None:
        self.readyState = state
        self._handlers["open" if state == "open" else "close"]()

    def hear(self, text: str) -> None:
        self._handlers["message"](text)


class Scene:
    """A conversation, with both ways and what was heard."""

    def __init__(self) -> None:
        self.server, self.channel = Server(), Channel()
        self.heard: list[tuple[str, str, Any]] = []
        self.it = PageConversation("ana", "rmc~1", self.server, self._hear)
        self.adopt(self.channel)

    def _hear(self, user: str, letter: Letter, data: Any) -> None:
        self.heard.append((user, letter.head.topic, data))

    def adopt(self, channel: Channel) -> None:
        self.it.adopt(cast("RTCDataChannel", channel))

    async def say(self, data: object, *, limit: float = 20.0) -> str:
        return await self.it.send(HEAD, json.dumps(data).encode(), keep=True, limit=limit)

    def take(self, number: int) -> None:
        assert self.it.hear_from_server(as_words(Taken(number=number)))


async def test_the_channel_waits_for_what_the_server_was_given_and_the_server_counts_without_the_channel() -> None:
    scene = Scene()
    assert await scene.say(1) == "server"
    scene.channel.turn("open")
    assert scene.server.said == [(1, 1), (1, 1)]  # again: nobody knows whether it was heard
    waiting = asyncio.create_task(scene.say(2))
    await asyncio.sleep(0)
    assert scene.channel.said == []
    scene.take(1)
    assert await waiting == "channel"
    assert await scene.say(3) == "channel"
    assert scene.channel.said == [2, 3]
    assert scene.it.is_settled
    scene.channel.turn("closed")
    assert await scene.say(4) == "server"
    assert scene.server.said[2:] == [(2, 4)]
    scene.take(2)
    assert scene.it.is_settled


async def test_what_the_server_was_given_is_said_there_again_when_the_page_is_back() -> None:
    scene = Scene()
    await scene.say(1)
    scene.channel.turn("open")
    scene.it.away(True)
    assert await scene.say(2, limit=0) == "kept"
    scene.server.said.clear()
    scene.it.away(False)
    assert scene.server.said == [(1, 1)]
    scene.take(1)
    assert scene.channel.said == [2]


async def test_a_full_channel_is_waited_for_and_loses_what_may_be_lost() -> None:
    scene = Scene()
    assert scene.it.say_lossy(HEAD, b"0") == "dropped"
    scene.channel.turn("open")
    assert scene.it.say_lossy(HEAD, b"1") == "channel"
    scene.channel.bufferedAmount = LOSSY_BUFFER + 1
    assert scene.it.say_lossy(HEAD, b"2") == "dropped"
    scene.channel.bufferedAmount = BUFFER
    assert await scene.say(3, limit=0) == "kept"
    scene.channel.bufferedAmount = 0
    scene.channel._handlers["bufferedamountlow"]()
    assert scene.channel.said == [1, 3]


async def test_a_page_is_heard_over_its_present_channel_until_the_conversation_is_over() -> None:
    scene = Scene()
    scene.channel.turn("open")
    text = '{"type":"text","message":"hello","uuid":"1","last":true}'
    scene.channel.hear(text)
    scene.channel.hear("no text")
    assert scene.heard == [("ana", "message", "hello")]
    scene.it.close("ana has left the room")
    scene.channel.hear(text)
    assert len(scene.heard) == 1
    late = Channel()
    scene.adopt(late)
    assert late._handlers == {}
    with pytest.raises(UserGone, match="left"):
        scene.it.say_lossy(HEAD, b"1")
