"""`exeunt serve` as its operators meet it: restarts, certificates, logs, webhooks."""

import asyncio
import json
import signal
import socket
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from peer import Peer
from peer.config import PeerConfig
from peer.hooks import Hook
from peer.signals import ECHO
from signaling.messages import ErrorCode, Join
from tests.authority import Authority
from tests.command import Command, python
from tests.journal import Journal
from tests.signaling.client import Client
from tests.signaling.receiver import KEY, office
from tests.signaling.test_tls import subject

LIMIT = 60.0  # seconds


@asynccontextmanager
async def serving(*options: str, port: int = 0) -> AsyncIterator[tuple[Command, str]]:
    command = ("-m", "peer.cli", "serve", "--port", str(port), "--json", *options)
    async with python(*command, stderr=PIPE) as server:
        yield server, str((await server.until("join"))["text"])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def watched(url: str, user: str, journal: Journal) -> Peer:
    peer = Peer(url, room="lobby", user=user, config=PeerConfig(retry_min=0.02, retry_max=0.1))
    for hook in [hook for hook in vars(peer).values() if isinstance(hook, Hook)]:
        hook(lambda event: journal.add(user, event))
    return peer


async def until_logged(server: Command, text: str) -> None:
    assert server.running.stderr is not None
    while text.encode() not in (line := await server.running.stderr.readline()):
        assert line, "it ended before it said so"


async def test_peers_outlast_a_restart_of_their_server_and_hear_of_no_leave(tmp_path: Path) -> None:
    port, state, journal = free_port(), str(tmp_path / "state"), Journal()
    options = ("--state", state, "--grace", "60")  # a busy machine takes its time to start a server
    async with asyncio.timeout(LIMIT), AsyncExitStack() as stack:
        async with serving(*options, port=port) as (server, url):
            ana = await stack.enter_async_context(watched(url, "ana", journal))
            bo = await stack.enter_async_context(watched(url, "bo", journal))
            await journal.until("ana", "remoteUserJoin bo")
            server.signal(signal.SIGTERM)
            status, said = await server.end()
            assert (status, json.loads(said.splitlines()[-1])["text"]) == (0, "everybody can come back for a while")
        async with serving(*options, port=port):
            await journal.until("ana", "connectionBack")
            await journal.until("bo", "connectionBack")
            assert set(ana.users) == {"bo"}
            assert not Path(state).exists()
            await bo.leave()
            await journal.until("ana", "remoteUserLeave bo left")
            await ana.leave()
    assert [line for line in journal.of("ana") if "Leave" in line or "exit" in line] == [
        "remoteUserLeave bo left",
        "exitRoom left",
    ]


async def test_a_second_signal_ends_a_server_that_drains_at_once() -> None:
    async with asyncio.timeout(LIMIT), serving("--drain-delay", "60", "--log-format", "text") as (server, url):
        server.signal(signal.SIGTERM)
        await until_logged(server, "the server ends; everybody is let go of in 60 s")
        ready = url.replace("ws", "http", 1).removesuffix("/ws") + "/readyz"
        async with aiohttp.ClientSession() as http, http.get(ready) as response:
            assert response.status == 503
        await asyncio.sleep(ECHO)  # the same signal twice in so short a time is one wish
        server.signal(signal.SIGTERM)
        assert (await server.end())[0] == 128 + signal.SIGTERM


@pytest.mark.parametrize("form", ["json", "text"])
async def test_logs_hold_one_line_for_each_thing_whatever_users_are_called(form: str) -> None:
    async with asyncio.timeout(LIMIT), serving("--log-format", form) as (server, url):
        async with aiohttp.ClientSession() as http:
            hostile = Client(await http.ws_connect(url))
            await hostile.socket.send_str('{"type":"join","room":"42","user":"ana\\n\\u001b[31mlevel: error"}')
            assert getattr(await hostile.hear(), "code", None) in set(ErrorCode)
            client = Client(await http.ws_connect(url))
            await client.say(Join(room="42", user="ana", extra={"name": "\x1b[2J\n"}))
            await client.hear()
            await client.socket.close()
        server.signal(signal.SIGTERM)
        await server.end()
    lines = server.errors.splitlines()
    assert all(line.isprintable() for line in lines)
    assert any("room 42: ana entered" in line for line in lines)
    if form == "json":
        entered = next(entry for entry in map(json.loads, lines) if "entered" in entry["text"])
        assert (entered["level"], entered["room"], entered["user"]) == ("info", "42", "ana")
        assert entered["session"]


async def test_a_hang_up_signal_has_a_renewed_certificate_used(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("first")
    options = ("--tls-cert", str(certificate), "--tls-key", str(key), "--log-format", "text")
    async with asyncio.timeout(LIMIT), serving(*options) as (server, url):
        assert url.startswith("wss://")
        port = int(url.rpartition(":")[2].removesuffix("/ws"))
        assert await subject("127.0.0.1", port, authority.trusting()) == "first"
        for old, new in zip((certificate, key), authority.issue("second"), strict=True):
            new.replace(old)
        server.signal(signal.SIGHUP)
        await until_logged(server, "the certificate was read again")
        assert await subject("127.0.0.1", port, authority.trusting()) == "second"
        key.write_text("nothing")
        server.signal(signal.SIGHUP)
        await until_logged(server, "the certificate was not changed")
        assert await subject("127.0.0.1", port, authority.trusting()) == "second"
        server.signal(signal.SIGTERM)
        assert (await server.end())[0] == 0


async def test_webhooks_by_the_command_line(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"{KEY}\n\nanother key of such a length\n")
    async with asyncio.timeout(LIMIT), office() as there:
        async with serving("--webhook", there.url, "--webhook-key-file", str(keys)) as (server, url):
            async with aiohttp.ClientSession() as http:
                client = Client(await http.ws_connect(url))
                await client.join("ana")
                assert await there.until(2) == ["roomCreated", "userJoined"]
                await client.socket.close()
            server.signal(signal.SIGTERM)
            await server.end()
        assert [event.type for event in there.events][-2:] == ["userLeft", "roomClosed"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--tls-key", "key.pem"), "--tls-key takes a --tls-cert"),
        (("--tls-cert", "nowhere.pem"), "nowhere.pem or its key cannot be read"),
        (("--state", "/dev/null/state"), "no state can be kept in /dev/null/state"),
        (("--webhook", "https://example.org"), "webhook_keys"),
        (("--webhook-key-file", "/dev/null/key"), "/dev/null/key cannot be read"),
        (("--webhook-key-file", "/dev/null"), "there is nothing in /dev/null"),
        (("--turn-url", "turn:example.org"), "turn_secret"),
        (("--turn-url", "example.org"), "turn:example.org:3478"),
        (("--log-format", "xml"), "xml"),
    ],
)
async def test_what_cannot_be_is_one_line(options: tuple[str, ...], words: str) -> None:
    async with python("-m", "peer.cli", "serve", "--port", "0", *options, stderr=PIPE) as server:
        status, _ = await server.end()
    assert status == 2
    (line,) = server.errors.splitlines()
    assert words in line
