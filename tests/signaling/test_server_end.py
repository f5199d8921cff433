"""Clients who are hostile or unlucky, and the end of the server: nothing is left behind."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import aiohttp
import pytest

from signaling import SignalingConfig, SignalingServer
from signaling.connection import HANGUP_TIMEOUT, MAX_FRAME
from signaling.messages import (
    MAX_MESSAGE,
    Error,
    ErrorCode,
    ExitRoom,
    NeedOffer,
    Offer,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUpdate,
    UpdateExtra,
)
from signaling.node import SHUTDOWN_TIMEOUT
from signaling.reasons import Reason
from tests.signaling.client import PATIENCE, Client, Place, listening, mounted, other_tasks

OUTBOX = SignalingConfig().outbox_messages
MANY_BYTES = 64 * 1024 * 1024
Serve = Callable[[SignalingServer], AbstractAsyncContextManager[Place]]

KEY = "a key of thirty-two letters, sure"

both_ways = pytest.mark.parametrize("serve", [listening, mounted])


async def hear_leave(client: Client) -> RemoteUserLeave:
    return await client.hear_a(RemoteUserLeave)


# -- hostile and unlucky clients --


@both_ways
async def test_no_frame_ends_a_connection_that_is_answered_with_an_error(serve: Serve) -> None:
    async with serve(SignalingServer()) as place:
        ana, ben = await place.enter("ana", "ben")
        frames = {
            "": ErrorCode.BAD_MESSAGE,
            "[" * 60_000: ErrorCode.BAD_MESSAGE,
            '{"type":"extra","extra":{"a":"\\ud800"}}': ErrorCode.BAD_MESSAGE,
            '{"type":"exitRoom","reason":"left"}': ErrorCode.UNKNOWN_TYPE,
            " " * (MAX_MESSAGE + 1): ErrorCode.TOO_LARGE,
            "é" * (MAX_MESSAGE // 2 + 1): ErrorCode.TOO_LARGE,
            '{"type":"extra","extra":{"a":' + "[" * 900 + "]" * 900 + "}}": ErrorCode.TOO_LARGE,
            '{"type":"needOffer","user":"nobody"}': ErrorCode.NO_SUCH_USER,
            '{"type":"join","room":"42","user":"ana"}': ErrorCode.WRONG_STATE,
        }
        for frame, code in frames.items():
            await ana.socket.send_str(frame)
            assert (await ana.hear_a(Error)).code == code
        await ana.socket.send_bytes(b'{"type":"leave"}')
        assert (await ana.hear_a(Error)).code == ErrorCode.BAD_MESSAGE
        await ana.say(NeedOffer(user="ben"))
        assert await ben.hear() == NeedOffer(user="ana")


@both_ways
async def test_a_frame_beyond_all_measure_ends_the_connection_of_its_sender_alone(serve: Serve) -> None:
    async with serve(SignalingServer(grace=0)) as place:
        ana, ben = await place.enter("ana", "ben")
        await ben.socket.send_str(" " * (MAX_FRAME + 1))
        assert await ben.hear_the_end() == 1009
        assert (await hear_leave(ana)).reason == Reason.NETWORK_LOST


@both_ways
async def test_a_client_that_does_not_read_is_cut_off_and_the_others_are_told(serve: Serve) -> None:
    async with serve(SignalingServer(grace=0, heartbeat=0, outbox_bytes=MANY_BYTES)) as place:
        ana, _deaf = await place.enter("ana", "deaf")
        offer = Offer(user="deaf", call="c", sdp="x" * 60_000)
        sent = 0
        async with asyncio.timeout(4 * PATIENCE):
            ending = asyncio.create_task(ana.hear())
            while not ending.done() and sent < 20 * OUTBOX:
                await ana.say(offer)
                sent += 1
            leave = await ending
        assert isinstance(leave, RemoteUserLeave)
        assert (leave.user, leave.reason) == ("deaf", Reason.NETWORK_LOST)
        assert sent > OUTBOX


async def test_a_burst_of_one_client_cuts_off_nobody() -> None:
    async with listening(SignalingServer()) as place:
        ana, ben = await place.enter("ana", "ben")
        count = 4 * OUTBOX

        async def flood() -> None:
            for turn in range(count):
                await ana.say(UpdateExtra(extra={"turn": turn}))

        async with asyncio.timeout(4 * PATIENCE), asyncio.TaskGroup() as group:
            group.create_task(flood())
            turns = [(await ben.hear_a(RemoteUserUpdate)).extra["turn"] for _ in range(count)]
        assert turns == list(range(count))


@both_ways
async def test_a_ping_of_a_client_is_answered(serve: Serve) -> None:
    async with serve(SignalingServer()) as place:
        client = await place.connect(autoping=False)
        await client.socket.ping(b"are you there?")
        assert await client.socket.receive(timeout=PATIENCE) == (aiohttp.WSMsgType.PONG, b"are you there?", "")


async def test_compression_is_not_accepted() -> None:
    async with listening(SignalingServer()) as place:
        client = await place.connect(compress=15)
        assert client.socket.compress == 0


@both_ways
async def test_a_plain_request_where_sockets_are_expected_is_a_bad_request(serve: Serve) -> None:
    async with serve(SignalingServer()) as place, place.http.get(f"{place.url}/ws") as response:
        assert response.status == 400


# -- the end --


@both_ways
async def test_a_shutdown_tells_everybody_and_leaves_nothing_behind(serve: Serve) -> None:
    before = other_tasks()
    server = SignalingServer()
    async with aiohttp.ClientSession() as http:
        async with serve(server) as place:
            clients = []
            for user in ("ana", "ben"):
                client = Client(await http.ws_connect(f"{place.url}/ws"))
                await client.join(user)
                clients.append(client)
            await clients[0].hear_a(RemoteUserJoin)
            outside = Client(await http.ws_connect(f"{place.url}/ws"))
            hearing = [asyncio.create_task(_hear_out(client)) for client in (*clients, outside)]
        heard = await asyncio.gather(*hearing)
    shut_down = ExitRoom(reason=Reason.SERVER_SHUTDOWN)
    assert heard[:2] == [(shut_down, 1000), (shut_down, 1000)]
    assert getattr(heard[2][0], "code", None) == ErrorCode.SERVER_SHUTDOWN
    assert other_tasks() == before
    assert server.rooms() == []


async def _hear_out(client: Client) -> tuple[object, int | None]:
    return await client.hear(), await client.hear_the_end()


@both_ways
@pytest.mark.parametrize("unread", [0, OUTBOX - 20])
async def test_a_shutdown_waits_for_nobody_who_does_not_answer(serve: Serve, unread: int) -> None:
    before = other_tasks()
    clock = asyncio.get_running_loop().time
    async with aiohttp.ClientSession() as http:
        async with serve(SignalingServer(heartbeat=0, outbox_bytes=MANY_BYTES)) as place:
            deaf = Client(await http.ws_connect(f"{place.url}/ws"))  # does not read, so does not close either
            await deaf.join("deaf")
            (ana,) = await place.enter("ana")
            for _ in range(unread):
                await ana.say(Offer(user="deaf", call="c", sdp="x" * 65_000))
            await ana.say(NeedOffer(user="ana"))
            await ana.hear_a(NeedOffer)  # all before it has been relayed
            began = clock()
        assert clock() - began < SHUTDOWN_TIMEOUT + HANGUP_TIMEOUT
        await deaf.socket.close()
    assert other_tasks() == before


async def test_a_cancelled_program_closes_its_server() -> None:
    before = other_tasks()
    is_up = asyncio.Event()
    addresses = []

    async def program() -> None:
        async with SignalingServer().listen() as site:
            addresses.append((site.host, site.port))
            is_up.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(program())
    await asyncio.wait_for(is_up.wait(), PATIENCE)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()  # again, while it closes
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(OSError, match=r".*"):
        await asyncio.open_connection(*addresses[0])
    assert other_tasks() == before


async def test_a_taken_port_is_an_os_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="address already in use"):
        async with SignalingServer().listen(port=taken.getsockname()[1]):
            pass
    assert other_tasks() == set()
