"""A member of one of our rooms in as few lines as possible: it talks to those it wants to, and ignores everybody else.

In a room with 64 viewers every newcomer offers to everybody, other viewers included. These do not.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import aiohttp

from signaling.messages import (
    Answer,
    ExitRoom,
    Join,
    Joined,
    Message,
    NeedOffer,
    Offer,
    RemoteUserJoin,
    decode_server,
    encode,
)

ENTER_LIMIT = 10.0  # seconds


class Connecting(Protocol):
    """One side of a connection."""

    async def offer(self) -> str:
        """Return the SDP of an offer."""

    async def accept(self, sdp: str) -> None:
        """Take the answer to it."""

    async def answer(self, sdp: str) -> str:
        """Take an offer; return the SDP of the answer."""


class Member:
    """Who has entered. `connect(user)` makes the connection with a user, or returns None for one to be ignored."""

    def __init__(
        self, socket: aiohttp.ClientWebSocketResponse, joined: Joined, connect: Callable[[str], Connecting | None]
    ) -> None:
        self._socket = socket
        self._joined = joined
        self._connect = connect
        self._calls: dict[str, Connecting] = {}

    async def run(self) -> None:
        """Offer to those who were here before us, answer those who came later, until we are out."""
        for user in self._joined.users:
            await self._call(user.user)
        async for frame in self._socket:
            await self._heard(decode_server(frame.data))

    async def _heard(self, message: Message) -> None:
        match message:
            case Offer(user=user, call=call, sdp=sdp):
                if connection := self._connect(user):
                    await self._say(Answer(user=user, call=call, sdp=await connection.answer(sdp)))
            case Answer(call=call, sdp=sdp) if call in self._calls:
                await self._calls[call].accept(sdp)
            case NeedOffer(user=user):
                await self._call(user)
            case RemoteUserJoin() | ExitRoom() | _:
                pass

    async def _call(self, user: str) -> None:
        if connection := self._connect(user):
            call = f"{self._joined.session}.{len(self._calls) + 1}"
            self._calls[call] = connection
            await self._say(Offer(user=user, call=call, sdp=await connection.offer()))

    async def _say(self, message: Message) -> None:
        await self._socket.send_str(encode(message).decode())


@asynccontextmanager
async def entered(
    http: aiohttp.ClientSession, url: str, room: str, user: str, connect: Callable[[str], Connecting | None]
) -> AsyncIterator[Member]:
    """Enter a room for the length of the block."""
    async with http.ws_connect(url) as socket:
        await socket.send_str(encode(Join(room=room, user=user)).decode())
        async with asyncio.timeout(ENTER_LIMIT):
            joined = decode_server((await socket.receive()).data)
        assert isinstance(joined, Joined), joined
        yield Member(socket, joined, connect)
