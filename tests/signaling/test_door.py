"""Connections that ask for nothing, for half of something, or do not end: counted and cut, with real sockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from signaling import SignalingServer
from signaling.gate import Limit
from tests.signaling.client import PATIENCE, Place, listening
from tests.signaling.test_limits import Count

HALF = b"GET /ws HTTP/1.1\r\nHost: a\r\nX-Slow: "
BEGINNINGS = [b"", b"G", HALF]


@contextlib.asynccontextmanager
async def silent(place: Place, beginning: bytes = b"") -> AsyncIterator[asyncio.StreamReader]:
    """Connect and say no more than that."""
    host, port = place.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(beginning)
        yield reader
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def is_cut(reader: asyncio.StreamReader) -> bool:
    """Wait until the other side ends it."""
    async with asyncio.timeout(PATIENCE):
        try:
            return await reader.read() == b""
        except ConnectionResetError:
            return True


async def until_nobody_is_counted(server: SignalingServer) -> None:
    async with asyncio.timeout(PATIENCE):
        while server._sockets.gate.pending:  # noqa: ASYNC110 - the next turns of the loop are what is waited for
            await asyncio.sleep(0)


@pytest.mark.parametrize("beginning", BEGINNINGS)
async def test_one_too_many_from_an_address_is_cut_at_once_and_those_before_go_on(beginning: bytes) -> None:
    server = SignalingServer(pending_per_address=2, handshake_timeout=30)
    count = Count(server)
    async with listening(server) as place, contextlib.AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(silent(place, beginning))
        async with silent(place, beginning) as reader:
            assert await is_cut(reader)
        assert server._sockets.gate.pending == 2
    assert count.refusals == {Limit.PENDING_PER_ADDRESS: 1}


async def test_one_too_many_in_all_is_cut_and_one_that_ends_makes_room() -> None:
    server = SignalingServer(max_pending=1, pending_per_address=0, handshake_timeout=30)
    count = Count(server)
    async with listening(server) as place:
        async with silent(place, HALF), silent(place) as reader:
            assert await is_cut(reader)
        await until_nobody_is_counted(server)
        _ana = await place.enter("ana")
    assert count.refusals == {Limit.PENDING: 1}


async def test_who_is_a_websocket_is_not_counted_and_what_it_says_and_is_told_arrives() -> None:
    server = SignalingServer(pending_per_address=1)
    async with listening(server) as place:
        for user in ("ana", "ben", "eva"):
            await (await place.connect()).join(user)
            assert server._sockets.gate.pending == 0
        async with place.http.get(f"{place.url}/healthz") as response:
            assert response.status == 200
        assert server._sockets.gate.pending == 1, "it may ask again"


async def test_headers_that_come_byte_by_byte_do_not_make_it_last_longer() -> None:
    async with listening(SignalingServer(handshake_timeout=0.3)) as place, asyncio.timeout(PATIENCE):
        host, port = place.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        end = asyncio.create_task(reader.read())
        writer.write(HALF)
        while not end.done():
            writer.write(b"x")
            await asyncio.wait({end}, timeout=0.02)
        assert end.exception() is not None or end.result() == b""
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_a_trusted_proxy_is_no_single_address() -> None:
    server = SignalingServer(pending_per_address=1, trusted_proxies=("127.0.0.0/8",), handshake_timeout=30)
    async with listening(server) as place, contextlib.AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(silent(place, HALF))
        _ana = await place.enter("ana")
