"""What a client has to say while the server does not read."""

import asyncio
from typing import Any

import pytest

from peer import client
from peer.client import SignalingClient
from peer.config import PeerConfig
from signaling.messages import Join, UpdateExtra, decode_client

LIMIT = 20.0  # seconds


class UnreadSocket:
    """A connection that takes nothing more until `is_read` is set."""

    def __init__(self, count: int) -> None:
        self.numbers: list[int] = []
        self.is_read, self.is_all = asyncio.Event(), asyncio.Event()
        self._count = count

    async def send(self, text: str) -> None:
        await self.is_read.wait()
        said = decode_client(text.encode())
        assert isinstance(said, UpdateExtra)
        self.numbers.append(said.extra["n"])
        if len(self.numbers) == self._count:
            self.is_all.set()


async def test_when_too_much_waits_the_oldest_is_dropped_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being sent when it is dropped is said all the same, and is not taken for the next."""
    monkeypatch.setattr(client, "OUTBOX_LIMIT", 3)

    def nothing(*_: Any) -> None:
        pass

    join, config = Join(room="lobby", user="ana"), PeerConfig()
    ana = SignalingClient("ws://127.0.0.1:1", join, config, on_message=nothing, on_lost=nothing, on_gone=nothing)
    socket: Any = UnreadSocket(4)
    ana.say(UpdateExtra(extra={"n": 0}))
    writing = asyncio.create_task(ana._write(socket))
    try:
        await asyncio.sleep(0)
        for number in range(1, 5):
            ana.say(UpdateExtra(extra={"n": number}))
        socket.is_read.set()
        async with asyncio.timeout(LIMIT):
            await socket.is_all.wait()
    finally:
        writing.cancel()
        await asyncio.wait({writing})
    assert socket.numbers == [0, 2, 3, 4]
