import asyncio

import pytest
from aiohttp._websocket.writer import WebSocketWriter
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import WSMsgType

from signaling.framing import PING, payload_of, text_frame


class Written(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = b""

    def write(self, data: bytes) -> None:  # type: ignore[override] # aiohttp writes nothing else
        self.bytes += data

    def is_closing(self) -> bool:
        return False


def as_aiohttp_does(payload: bytes, kind: WSMsgType) -> bytes:
    transport = Written()
    loop = asyncio.new_event_loop()
    try:
        writer = WebSocketWriter(BaseProtocol(loop), transport)
        loop.run_until_complete(writer.send_frame(payload, kind))
    finally:
        loop.close()
    return transport.bytes


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_frame_is_the_same_as_aiohttps(size: int) -> None:
    payload = b"x" * size
    assert text_frame(payload) == as_aiohttp_does(payload, WSMsgType.TEXT)
    assert payload_of(text_frame(payload)) == payload


def test_a_ping_is_the_same_as_aiohttps() -> None:
    assert as_aiohttp_does(b"", WSMsgType.PING) == PING
