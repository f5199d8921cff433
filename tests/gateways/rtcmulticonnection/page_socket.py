"""A page of RTCMultiConnection without a page: its socket, by python-socketio's client."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import socketio

from signaling.gateways.rmc_wire import CUSTOM_EVENT, MESSAGE_EVENT

PATIENCE = 20.0  # seconds for anything that a test waits for


class PageSocket:
    """Says what a page says; `told` is what the server told it, in order, as (event, *arguments)."""

    def __init__(self, userid: str) -> None:
        self.userid = userid
        self.told: list[tuple[Any, ...]] = []
        self.extra: dict[str, Any] = {}
        self.client = socketio.AsyncClient(reconnection=False)
        self.client.on("*", self._heard)
        self.client.on("disconnect", lambda reason: self._heard("disconnect", reason))
        self._changed = asyncio.Event()

    def _heard(self, *told: Any) -> None:
        self.told.append(told)
        self._changed.set()

    async def connect(self, url: str, *, transports: list[str] | None = None, **query: str) -> None:
        words = {
            "userid": self.userid,
            "msgEvent": MESSAGE_EVENT,
            "socketCustomEvent": CUSTOM_EVENT,
            "autoCloseEntireSession": "false",
            "extra": json.dumps(self.extra),
            **query,
        }
        await self.client.connect(f"{url}/?{urlencode(words)}", transports=transports or ["websocket"])

    async def ask(self, event: str, *args: Any) -> Any:
        """Say something that is acknowledged; return the acknowledgement's arguments."""
        return await self.client.call(event, args or None, timeout=PATIENCE)

    async def enter(self, room: str, *, event: str = "join-room", **wish: Any) -> Any:
        """Open or join a room."""
        return await self.ask(event, {"sessionid": room, "extra": self.extra, "password": "", **wish})

    async def speak(self, to: str, message: Any, *, sender: str | None = None) -> None:
        """Say something to another user."""
        envelope = {"remoteUserId": to, "sender": sender or self.userid, "message": message}
        await self.client.emit(MESSAGE_EVENT, envelope)

    async def until(self, event: str, *args: Any) -> tuple[Any, ...]:
        """Wait until such an event has been heard, with these first arguments; return all of it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for told in self.told:
                    if told[: len(args) + 1] == (event, *args):
                        return told
                self._changed.clear()
                await self._changed.wait()

    async def until_message(self, sender: str, key: str) -> dict[str, Any]:
        """Wait for an envelope of this sender whose message has this key, or is this text; return the message."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for told in self.told:
                    if told[0] == MESSAGE_EVENT and told[1]["sender"] == sender and key in told[1]["message"]:
                        return told[1]["message"]
                self._changed.clear()
                await self._changed.wait()

    async def close(self) -> None:
        """Close the socket as a page does: python-socketio alone would cut it before its last word is sent."""
        if self.client.connected:
            await self.client.eio.send("1")  # a packet of socket.io that says "disconnect"
            async with asyncio.timeout(PATIENCE):
                await self.client.eio.queue.join()
        await self.client.disconnect()

    def events(self, *names: str) -> list[tuple[Any, ...]]:
        """Return what was told of these events."""
        return [told for told in self.told if told[0] in names]


@contextlib.asynccontextmanager
async def page(
    url: str, userid: str, *, extra: dict[str, Any] | None = None, **query: Any
) -> AsyncIterator[PageSocket]:
    """Be a page while the block lasts."""
    socket = PageSocket(userid)
    socket.extra = extra or {}
    await socket.connect(url, **query)
    try:
        yield socket
    finally:
        await socket.close()
