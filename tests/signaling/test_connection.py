"""One socket against clients of other makes, and what is said when it ends."""

import asyncio
import socket
import ssl
import subprocess
from pathlib import Path

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedOK

from signaling import SignalingServer
from signaling.messages import (
    ExitRoom,
    Join,
    Joined,
    Leave,
    NeedOffer,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUpdate,
    UpdateExtra,
    decode_server,
    encode,
)
from signaling.node import Node
from signaling.reasons import Reason
from tests.signaling.client import PATIENCE, Client, listening

SIZES = (0, 1, 60, 125, 126, 200, 5000, 8100)  # characters that a message is longer by
MANY = 20  # messages of 8000 characters


def padded(size: int) -> UpdateExtra:
    return UpdateExtra(extra={"size": size, "padding": "é" * (size // 2)})


async def test_frames_of_every_length_are_read_by_websockets() -> None:
    async with listening(SignalingServer()) as place, asyncio.timeout(4 * PATIENCE):
        (ana,) = await place.enter("ana")
        async with connect(f"{place.url.replace('http', 'ws')}/ws", compression=None, proxy=None) as ben:
            await ben.send(encode(Join(room="42", user="ben")).decode())
            assert isinstance(decode_server(await ben.recv()), Joined)
            for size in SIZES:
                await ana.say(padded(size))
                event = decode_server(await ben.recv())
                assert isinstance(event, RemoteUserUpdate)
                assert event.extra == padded(size).extra
            await (await ben.ping())
            await ben.send(encode(Leave()).decode())
            assert decode_server(await ben.recv()) == ExitRoom(reason=Reason.LEFT)
            with pytest.raises(ConnectionClosedOK):
                await ben.recv()


async def test_frames_of_every_length_are_read_over_tls(tmp_path: Path) -> None:
    server_side, client_side = contexts(tmp_path)
    async with (
        SignalingServer().listen(ssl_context=server_side) as site,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=client_side)) as http,
        asyncio.timeout(4 * PATIENCE),
    ):
        ana, ben = [Client(await http.ws_connect(site.ws_url)) for _ in range(2)]
        await ana.join("ana")
        await ben.join("ben")
        await ana.hear_a(RemoteUserJoin)
        for size in SIZES:
            await ana.say(padded(size))
            assert (await ben.hear_a(RemoteUserUpdate)).extra == padded(size).extra
        await ben.say(Leave())
        assert (await ana.hear_a(RemoteUserLeave)).user == "ben"
        assert await ben.hear() == ExitRoom(reason=Reason.LEFT)
        assert await ben.hear_the_end() == 1000


async def test_a_client_that_reads_late_over_tls_gets_everything_in_order(tmp_path: Path) -> None:
    server_side, client_side = contexts(tmp_path)
    server = SignalingServer(heartbeat=0, message_rate=0, outbox_messages=4000, outbox_bytes=64 * 1024 * 1024)
    count = 2000
    async with (
        server.listen(ssl_context=server_side) as site,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=client_side)) as http,
        asyncio.timeout(8 * PATIENCE),
    ):
        ana, ben = [Client(await http.ws_connect(site.ws_url)) for _ in range(2)]
        await ana.join("ana")
        await ben.join("ben")
        for number in range(count):
            await ana.say(UpdateExtra(extra={"number": number, "padding": "x" * 6000}))
        await ana.say(NeedOffer(user="ana"))
        await ana.hear_a(RemoteUserJoin)
        await ana.hear_a(NeedOffer)  # all before it has been told
        assert [(await ben.hear_a(RemoteUserUpdate)).extra["number"] for _ in range(count)] == list(range(count))


async def test_everything_that_was_said_before_a_hang_up_is_read_before_it() -> None:
    server = SignalingServer(heartbeat=0, message_rate=0, outbox_messages=4000, outbox_bytes=64 * 1024 * 1024)
    connector = aiohttp.TCPConnector(socket_factory=with_a_small_buffer)
    async with (
        listening(server) as place,
        aiohttp.ClientSession(connector=connector) as http,
        asyncio.timeout(4 * PATIENCE),
    ):
        (ana,) = await place.enter("ana")
        ben = Client(await http.ws_connect(f"{place.url}/ws", max_msg_size=0))
        await ben.join("ben")
        await ana.hear_a(RemoteUserJoin)
        said = 0
        while server._node.census().waiting < MANY:  # no more than that: there is a second to take the rest in
            for _ in range(MANY):
                await ana.say(UpdateExtra(extra={"number": said, "padding": "x" * 8000}))
                said += 1
            await ana.say(NeedOffer(user="ana"))
            await ana.hear_a(NeedOffer)  # all before it has been told, or waits for ben's socket
        assert await server.kick("42", "ben")
        heard = [await ben.hear() for _ in range(said + 1)]
        assert [type(message) for message in heard] == [RemoteUserUpdate] * said + [ExitRoom]
        assert await ben.hear_the_end() == 1000


def with_a_small_buffer(address: aiohttp.AddrInfoType) -> socket.socket:
    """Return a socket that takes little before it is read, and yet more than a few bytes at a time."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    return made


async def test_a_client_that_hangs_up_in_the_middle_of_a_burst_harms_nobody() -> None:
    async with listening(SignalingServer(grace=0, message_rate=0)) as place, asyncio.timeout(4 * PATIENCE):
        ana, ben, eva = await place.enter("ana", "ben", "eva")
        for number in range(100):
            await ana.say(UpdateExtra(extra={"number": number}))
        await ana.socket.close()
        for other in (ben, eva):
            numbers = []
            while isinstance(message := await other.hear(), RemoteUserUpdate):
                numbers.append(message.extra["number"])
            assert isinstance(message, RemoteUserLeave)
            assert numbers == list(range(len(numbers)))


async def test_an_idle_socket_has_no_task_beyond_those_of_its_request() -> None:
    async with listening(SignalingServer()) as place:
        before = asyncio.all_tasks()
        ana = await place.connect()
        await ana.join("ana")
        assert len(asyncio.all_tasks() - before) == 2  # aiohttp's own: one for the TCP connection, one for the request


async def test_a_defect_of_ours_ends_the_connection_and_is_seen(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Node):
        def heard(self, connection: object, message: object) -> None:
            raise ZeroDivisionError("a defect")

    server = SignalingServer()
    server._node = Broken(server.config, server.observers)
    async with listening(server) as place:
        ana = await place.connect()
        await ana.say(Join(room="42", user="ana"))
        await ana.hear_the_end()
    assert "ZeroDivisionError" in caplog.text


def contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the server's and the client's side of TLS with a certificate of its own."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
    made = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    files = ("-keyout", str(key), "-out", str(certificate))
    subprocess.run(["openssl", "req", "-x509", *made, *files, *subject], check=True, capture_output=True, timeout=30)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    client = ssl.create_default_context(cafile=str(certificate))
    return server, client
