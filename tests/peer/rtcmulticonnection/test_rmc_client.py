"""The client over a line that we say the words of."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from peer.config import PeerConfig
from peer.rtcmulticonnection.client import RmcClient
from peer.rtcmulticonnection.room import RmcRoom
from signaling import messages as wire
from signaling.gateways import rmc_wire as rmc

LIMIT = 20.0  # seconds


class Told:
    """A server at which somebody asks us to connect as soon as we are in, before we know that we are."""

    is_open = True

    def __init__(self, happened: Callable[[str, tuple[Any, ...]], None]) -> None:
        self._happened = happened
        self.said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def hear(self, message: dict[str, Any]) -> None:
        said = {"remoteUserId": "bot", "sender": "ana", "message": message, "extra": {}}
        self._happened(rmc.MESSAGE_EVENT, (said,))

    async def call(self, event: str, argument: Any) -> tuple[Any, ...]:
        return (True, argument)

    async def enter(self, event: str) -> bool:
        self.hear(rmc.participation_request(is_data_only=False))
        return True

    def emit(self, event: str, argument: dict[str, Any]) -> None:
        self.said.put_nowait(argument)

    async def close(self) -> None:
        pass


async def test_who_asks_before_we_know_that_we_are_in_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[Told] = []

    async def open_line(url: str, core: RmcRoom, happened: Any, lost: Any) -> Told:
        lines.append(Told(happened))
        return lines[-1]

    monkeypatch.setattr("peer.rtcmulticonnection.client.Line.open", open_line)
    told: list[wire.ServerMessage] = []
    client = RmcClient(
        "rtcmulticonnection+http://here",
        wire.Join(room="lobby", user="bot", extra={}),
        PeerConfig(),
        on_message=told.append,
        on_lost=lambda: None,
        on_gone=lambda reason, text: None,
    )
    try:
        await client.connect()
        async with asyncio.timeout(LIMIT):
            asked = [await lines[0].said.get() for _ in range(2)]
        assert [one["remoteUserId"] for one in asked] == ["lobby", "ana"]
        assert asked[1]["message"] == rmc.enable_media({})
        lines[0].hear(rmc.ready_for_offer({}))
        assert [type(message) for message in told] == [wire.RemoteUserJoin]
        assert client.offers_to("ana")
    finally:
        await client.close()
