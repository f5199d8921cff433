"""WHIP over TLS, as the commands serve and use it, with a certificate of an authority of the test's own."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from peer import Peer
from signaling.messages import RemoteUserLeave
from signaling.reasons import Detection
from tests.authority import Authority
from tests.command import Command, exeunt, python
from tests.gateways.test_whip import see
from tests.gateways.whip_room import FAST
from tests.journal import Journal

OPTIONS = ("--test", "--size", "160x120", "--fps", "10", "--json")


@pytest.fixture
async def whip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[str, str]]:
    """Serve; yield the addresses of the room for a publisher and for peers, who believe the authority."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    files = ("--tls-cert", str(certificate), "--tls-key", str(key))
    async with exeunt("serve", "--port", "0", "--whip", "--json", *files) as server:
        url = str((await server.until("join"))["text"])
        where = str((await server.until("whip"))["text"]).split()[0].replace("ROOM", "lobby")
        assert (url[:6], where[:8]) == ("wss://", "https://")
        yield f"{where}?user=obs", url


@asynccontextmanager
async def publishing(url: str) -> AsyncIterator[Command]:
    async with exeunt("publish", url, *OPTIONS, environment=dict(os.environ)) as obs:
        yield obs


async def test_publishers_over_tls_are_seen_and_end_their_sessions_alive_or_dead(whip: tuple[str, str]) -> None:
    place, url = whip
    journal = Journal()
    async with Peer(url, room="lobby", user="ana", config=FAST) as ana:
        ana.on_remote_user_leave(lambda event: journal.add("ana", event))
        async with publishing(place) as obs:
            await see(ana, "obs")
            obs.signal(signal.SIGINT)
            assert (await obs.exited())["reason"] == "left"
        await journal.until("ana", "remoteUserLeave obs left")
        async with publishing(place) as obs:
            await see(ana, "obs")
            obs.signal(signal.SIGKILL)
            await journal.until_true(lambda: len(journal.of("ana")) == 2)  # its guard's DELETE
        leaves = [event for _, event in journal.events if isinstance(event, RemoteUserLeave)]
        assert [(leave.reason, leave.detected_by) for leave in leaves] == [("left", Detection.NOTICE)] * 2


async def test_who_does_not_trust_the_certificate_is_told_so_in_one_line(whip: tuple[str, str]) -> None:
    surroundings = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
    arguments = ("-m", "peer.cli", "publish", whip[0], *OPTIONS[:-1])
    async with python(*arguments, environment=surroundings, stderr=asyncio.subprocess.PIPE) as obs:
        status, _ = await obs.end()
    assert status == 1
    assert "is not to be trusted" in obs.errors
    assert obs.errors.count("\n") == 1
