"""Limits of number, rate, size and time, each with its clear error, and counted."""

import asyncio
import logging
from collections import Counter

import aiohttp
import pytest

from peer import Peer
from peer.errors import ServerUnreachable
from signaling import SignalingServer
from signaling.forms import ErrorCode
from signaling.gate import Limit
from signaling.messages import MAX_MESSAGE, Error, Join, NeedOffer, RemoteUserLeave, RemoteUserUpdate, UpdateExtra
from signaling.observer import Observer
from tests.signaling.client import PATIENCE, Client, Place, listening


class Count(Observer):
    """Counts what was refused."""

    def __init__(self, server: SignalingServer) -> None:
        self.refusals: Counter[str] = Counter()
        server.observers.add(self)

    def refused(self, limit: str) -> None:
        self.refusals[limit] += 1


async def refusal(place: Place, **headers: str) -> tuple[int, dict[str, str]]:
    """Try to connect; return what the server answers instead."""
    handshake = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    async with place.http.get(f"{place.url}/ws", headers={**handshake, **headers}) as response:
        assert response.headers["Retry-After"]
        return response.status, await response.json()


async def test_one_connection_too_many_from_an_address_is_told_so_and_may_come_later() -> None:
    server = SignalingServer(connections_per_address=2)
    count = Count(server)
    async with listening(server) as place:
        ana, ben = await place.enter("ana", "ben")
        assert await refusal(place) == (
            429,
            {"code": "rate_limited", "text": "there are 2 connections from 127.0.0.1 already"},
        )
        await ben.socket.close()
        async with asyncio.timeout(PATIENCE):
            while True:  # until the server has noticed
                try:
                    await place.connect()
                    break
                except aiohttp.WSServerHandshakeError:
                    await asyncio.sleep(0)
        assert not ana.socket.closed
    assert count.refusals[Limit.CONNECTIONS_PER_ADDRESS] >= 1


async def test_one_connection_too_many_in_all_is_told_so() -> None:
    server = SignalingServer(max_connections=1)
    count = Count(server)
    async with listening(server) as place:
        _ana = await place.enter("ana")
        text = "the server holds 1 connections and takes no more"
        assert await refusal(place) == (503, {"code": "server_full", "text": text})
    assert count.refusals == {Limit.CONNECTIONS: 1}


async def test_a_request_that_is_no_websocket_takes_no_place() -> None:
    async with listening(SignalingServer(max_connections=1)) as place:
        for _ in range(3):
            async with place.http.get(f"{place.url}/ws") as response:
                assert response.status == 400
        _ana = await place.enter("ana")


async def test_behind_a_trusted_proxy_each_client_has_its_own_limits() -> None:
    server = SignalingServer(connections_per_address=1, trusted_proxies=("127.0.0.0/8",))
    async with listening(server) as place:
        _clients = [await place.connect(headers={"X-Forwarded-For": f"203.0.113.{number}"}) for number in range(3)]
        status, answer = await refusal(place, **{"X-Forwarded-For": "203.0.113.1"})
        assert (status, answer["text"]) == (429, "there are 1 connections from 203.0.113.1 already")


async def test_who_is_no_trusted_proxy_speaks_for_nobody() -> None:
    async with listening(SignalingServer(connections_per_address=1)) as place:
        _ana = await place.connect(headers={"X-Forwarded-For": "203.0.113.1"})
        status, _ = await refusal(place, **{"X-Forwarded-For": "203.0.113.2"})
        assert status == 429


async def test_one_room_too_many_is_told_so_and_counted() -> None:
    server = SignalingServer(max_rooms=1)
    count = Count(server)
    async with listening(server) as place:
        _ana = await place.enter("ana")
        ben = await place.connect()
        await ben.say(Join(room="another", user="ben"))
        assert await ben.hear_a(Error) == Error(
            code=ErrorCode.SERVER_FULL, text="the server holds 1 rooms and takes no more", about="join"
        )
        assert await ben.hear_the_end() == 1000
    assert count.refusals == {Limit.ROOMS: 1}


async def test_one_join_too_many_in_a_minute_is_told_so_and_a_resume_is_none() -> None:
    server = SignalingServer(join_rate=2)
    count = Count(server)
    async with listening(server) as place:
        ana = await place.connect()
        before = await ana.join("ana")
        await (await place.connect()).join("ben")
        eva = await place.connect()
        await eva.say(Join(room="42", user="eva"))
        error = await eva.hear_a(Error)
        assert (error.code, error.about) == (ErrorCode.RATE_LIMITED, "join")
        assert error.text == "there are more than 2 joins a minute from 127.0.0.1: try again later"
        assert await eva.hear_the_end() == 1000
        again = await place.connect()
        assert (await again.resume(before)).resumed
    assert count.refusals == {Limit.JOIN_RATE: 1}


async def test_who_says_too_much_is_heard_late_and_told_so_once_and_nothing_is_lost() -> None:
    server = SignalingServer(message_rate=200, message_burst=20)
    count = Count(server)
    clock = asyncio.get_running_loop().time
    async with listening(server) as place, asyncio.timeout(4 * PATIENCE):
        ana, ben = await place.enter("ana", "ben")
        began = clock()
        for number in range(60):
            await ana.say(UpdateExtra(extra={"number": number}))
        numbers = [(await ben.hear_a(RemoteUserUpdate)).extra["number"] for _ in range(60)]
        assert numbers == list(range(60))
        assert clock() - began >= 0.9 * (60 - 20) / 200
        error = await ana.hear_a(Error)
        assert (error.code, error.text) == (ErrorCode.RATE_LIMITED, "more than 200 messages a second are heard late")
        await ana.say(NeedOffer(user="ana"))
        await ana.hear_a(NeedOffer)  # and no second complaint before it
    assert count.refusals == {Limit.MESSAGE_RATE: 1}


async def test_one_who_says_too_much_keeps_nobody_waiting_and_is_not_taken_for_dead() -> None:
    server = SignalingServer(message_rate=1, message_burst=26, heartbeat=0.5, grace=0)
    async with listening(server) as place, asyncio.timeout(4 * PATIENCE):
        ana, ben = await place.enter("ana", "ben")
        for number in range(28):
            await ana.say(UpdateExtra(extra={"number": number}))
        await ben.say(NeedOffer(user="ben"))
        heard = [await ben.hear() for _ in range(29)]
        # Which of what is in time comes first is the loop's affair: a quick one takes all of ana's frames in one turn.
        assert heard.index(NeedOffer(user="ben")) < len(heard) - 1, "ana's last words come seconds later"
        assert not any(isinstance(message, RemoteUserLeave) for message in heard)


async def test_a_message_that_is_too_large_is_told_so_and_counted() -> None:
    server = SignalingServer()
    count = Count(server)
    async with listening(server) as place:
        (ana,) = await place.enter("ana")
        await ana.socket.send_str(" " * (MAX_MESSAGE + 1))
        assert (await ana.hear_a(Error)).code is ErrorCode.TOO_LARGE
    assert count.refusals == {Limit.MESSAGE_SIZE: 1}


async def test_a_socket_that_never_joins_is_told_so_and_closed_whatever_it_says() -> None:
    server = SignalingServer(join_timeout=1.0)  # enough for who does say something
    count = Count(server)
    async with listening(server) as place:
        (ana,) = await place.enter("ana")
        silent, chatty = await place.connect(), await place.connect()
        await chatty.say(NeedOffer(user="ana"))
        assert (await chatty.hear_a(Error)).code is ErrorCode.WRONG_STATE
        for client in (silent, chatty):
            error = await client.hear_a(Error)
            assert (error.code, error.text) == (ErrorCode.TOO_SLOW, "a client joins within 1 seconds")
            assert await client.hear_the_end() == 1000
        await ana.say(NeedOffer(user="ana"))
        await ana.hear_a(NeedOffer)  # who has joined stays
    assert count.refusals == {Limit.JOIN_TIME: 2}


async def test_headers_that_do_not_come_in_time_end_the_connection() -> None:
    async with listening(SignalingServer(handshake_timeout=0.2)) as place, asyncio.timeout(PATIENCE):
        host, port = place.url.removeprefix("http://").split(":")
        for beginning in (b"", b"GET /ws HTTP/1.1\r\nHost: a\r\nX-Slow: "):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(beginning)
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()


async def test_a_limit_is_said_in_the_log_once_and_then_only_counted(caplog: pytest.LogCaptureFixture) -> None:
    server = SignalingServer(max_connections=1)
    with caplog.at_level(logging.WARNING, "signaling"):
        async with listening(server) as place:
            _ana = await place.enter("ana")
            for _ in range(3):
                await refusal(place)
    assert caplog.text.count("the limit connections was reached") == 1


async def test_a_client_that_does_not_read_is_counted_when_it_is_cut_off() -> None:
    server = SignalingServer(grace=0, heartbeat=0, outbox_bytes=100_000, message_rate=0)
    count = Count(server)
    async with listening(server) as place, asyncio.timeout(8 * PATIENCE):
        ana, _deaf = await place.enter("ana", "deaf")
        ending = asyncio.create_task(_hear_leave(ana))
        number = 0
        while not ending.done():
            number += 1
            await ana.say(UpdateExtra(extra={"number": number, "padding": "x" * 8000}))
        assert (await ending).user == "deaf"
    assert count.refusals == {Limit.OUTBOX: 1}


async def _hear_leave(client: Client) -> RemoteUserLeave:
    while not isinstance(message := await client.hear(), RemoteUserLeave):
        pass
    return message


async def test_a_peer_is_told_why_a_full_server_takes_nobody_in() -> None:
    async with listening(SignalingServer(max_connections=1)) as place:
        _ana = await place.enter("ana")
        with pytest.raises(ServerUnreachable, match=r"takes nobody in now: the server holds 1 connections"):
            async with Peer(f"{place.url.replace('http', 'ws')}/ws", room="42", user="ben"):
                pass
