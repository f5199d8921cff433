"""Pages whose server is restarted, and pages that may only go through a TURN server."""

import json
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from signaling.server import SignalingServer
from tests.browser import OpenTab
from tests.command import Command, exeunt
from tests.devices.turn import turn_server
from tests.tab import Tab

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

SECRET = "shared-with-coturn-alone"
GRACE = "60"  # seconds, in which a server starts on a machine that is busy

# The page's own connections, with what each was told to use.
COUNTED = """(() => {
    window.calls = [];
    window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(configuration) {
            super(configuration);
            calls.push({ connection: this, configuration });
        }
    };
})()"""
ENTER = """import("/-/exeunt.js").then(async ({ Peer }) => {
    window.me = new Peer(location.origin.replace("http", "ws") + "/ws", %s);
    await me.join();
})"""
WAY = """(async () => {
    const stats = [...(await calls.at(-1).connection.getStats()).values()];
    const { selectedCandidatePairId } = stats.find((one) => one.type === "transport") ?? {};
    const pair = stats.find((one) => one.id === selectedCandidatePairId);
    return pair && stats.find((one) => one.id === pair.localCandidateId)?.candidateType;
})()"""
USERNAME = "calls.at(-1).configuration.iceServers[0].username"


@asynccontextmanager
async def serving(port: int, state: Path) -> AsyncIterator[tuple[Command, str]]:
    options = ("--state", str(state), "--grace", GRACE, "--json")
    async with exeunt("serve", "--port", str(port), *options) as server:
        yield server, str((await server.until("join"))["text"]).replace("ws", "http", 1).removesuffix("/ws")


async def test_pages_outlast_a_restart_of_their_server(open_tab: OpenTab, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    async with serving(port, tmp_path / "state") as (server, url):
        ana, ben = await open_tab("ana", url=url), await open_tab("ben", url=url)
        await ana.until_channels(1)
        server.signal(signal.SIGTERM)
        assert (await server.end())[0] == 0
        await ana.until_event("connectionLost")
    async with serving(port, tmp_path / "state"):
        for tab in (ana, ben):
            await tab.until_event("connectionBack")
        await ben.value("exeunt.me.leave()")
        await ana.until_event("remoteUserLeave ben left notice")
    assert [event for event in await ana.events() if "Leave" in event or "exit" in event] == [
        "remoteUserLeave ben left notice"
    ]


async def meet_in_the_page(tab: Tab, user: str, policy: str) -> None:
    options = {"room": "relayed", "user": user, "iceTransportPolicy": policy}
    await tab.value(COUNTED)
    await tab.value(ENTER % json.dumps(options))


async def test_a_page_that_may_only_use_the_relay_does_with_credentials_that_are_renewed(open_tab: OpenTab) -> None:
    async with turn_server(SECRET) as turn:
        server = SignalingServer(turn_urls=(turn.url,), turn_secret=SECRET, turn_ttl=8)  # time to connect in
        async with server.listen() as site:
            ana, ben = await open_tab(room="", url=site.url), await open_tab(room="", url=site.url)
            await meet_in_the_page(ana, "ana", "relay")
            await meet_in_the_page(ben, "ben", "all")
            await ana.until("me.isConnected('ben')")
            await ana.until(f"(await {WAY}) === 'relay'")
            first = str(await ana.value(USERNAME))
            assert first.endswith(":ana")
            await ben.value("me.leave()")
            await ana.until(f"Date.now() / 1000 > {first.partition(':')[0]}")  # the first credentials are over
            cleo = await open_tab(room="", url=site.url)
            await meet_in_the_page(cleo, "cleo", "all")
            await ana.until("me.isConnected('cleo')")
            await ana.until(f"(await {WAY}) === 'relay'")
            assert str(await ana.value(USERNAME)) > first
