"""A leave is told two ways and heard once: through the server, and straight over the data channel of each call."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from playwright.async_api import Dialog, WebSocketRoute

from peer import Peer
from signaling.messages import ExitRoom, Leave, RemoteUserLeave
from signaling.server import SignalingServer
from tests.browser import OpenTab
from tests.cable import Cable
from tests.command import Command, exeunt
from tests.journal import Journal
from tests.signaling.client import Client, M
from tests.tab import Tab

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

WAITS = ["server", "everyone", None]
SECONDS = 30  # for what a Python peer waits for
SOON = 7.0  # seconds: less than an attempt to come back hangs
GRACE = 5.0  # seconds: what is done while somebody is cut off is done by then, on a machine that is busy


def leave(wait: str | None) -> str:
    """Leave, and return whom the exit names as not having acknowledged."""
    return f"""exeunt.me.leave({{ wait: {json.dumps(wait)} }}).then(() => exeunt.events.at(-1).unacknowledged)"""


async def meet(open_tab: OpenTab, *, ana_at: str, ben_at: str) -> tuple[Tab, Tab]:
    """Let ana and ben meet; they can talk straight to each other."""
    ana = await open_tab("ana", url=ana_at)
    await ana.until_inside()
    ben = await open_tab("ben", url=ben_at)
    await ana.until_channels(1)
    await ben.until_channels(1)
    return ana, ben


async def until_cleo_came(open_tab: OpenTab, ana: Tab) -> None:
    """Whatever the server said before cleo came, ana has heard by then."""
    await (await open_tab("cleo")).until_inside()
    await ana.until_event("remoteUserJoin cleo")


@asynccontextmanager
async def mortal_server() -> AsyncIterator[tuple[Command, str]]:
    """A server of its own process, and its address."""
    async with exeunt("serve", "--port", "0", "--grace", str(GRACE), "--json") as server:
        url = str((await server.until("join"))["text"])
        yield server, url.replace("ws", "http", 1).removesuffix("/ws")


@pytest.mark.parametrize("wait", WAITS)
async def test_a_leave_is_heard_once_though_it_is_told_two_ways(
    open_tab: OpenTab, base_url: str, wait: str | None
) -> None:
    ana, ben = await meet(open_tab, ana_at=base_url, ben_at=base_url)
    assert await ben.value(leave(wait)) == []
    await until_cleo_came(open_tab, ana)
    assert await ana.events() == [
        "enterRoom ana",
        "remoteUserJoin ben",
        "remoteUserLeave ben left notice",
        "remoteUserJoin cleo",
    ]
    assert await ben.events() == ["enterRoom ben", "remoteUserJoin ana", "exitRoom left"]


@pytest.mark.parametrize("how", [*(leave(wait) for wait in WAITS), "closing the page"], ids=[*map(str, WAITS), "page"])
async def test_a_leave_is_heard_when_the_server_is_dead_and_once(open_tab: OpenTab, how: str) -> None:
    async with mortal_server() as (server, url):
        ana, ben = await meet(open_tab, ana_at=url, ben_at=url)
        server.signal(signal.SIGKILL)
        await ana.until_event("connectionLost")
        await ben.until_event("connectionLost")
        if how == "closing the page":
            await ben.page.close(run_before_unload=True)
        else:
            assert await ben.value(how) == []
        await ana.until_event("remoteUserLeave ben left notice")
        await ana.until_ended("Connection lost")
    assert await ana.events() == [
        "enterRoom ana",
        "remoteUserJoin ben",
        "connectionLost",
        "remoteUserLeave ben left notice",
        "exitRoom network_lost",
    ]


@pytest.mark.parametrize("server_options", [{"grace": GRACE}], ids=["short grace"])
async def test_what_the_server_says_of_who_said_goodbye_straight_is_no_news(
    open_tab: OpenTab, base_url: str, server: SignalingServer, cable: Cable
) -> None:
    ana, ben = await meet(open_tab, ana_at=base_url, ben_at=cable.url)
    cable.cut()
    await ana.until_event("remoteUserUnreachable ben")
    await ben.value(leave("server"))
    await ana.until_event("remoteUserLeave ben left notice")
    async with asyncio.timeout(SECONDS):
        while (room := server.room("lobby")) and len(room.users) > 1:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
    await until_cleo_came(open_tab, ana)
    assert await ana.events() == [
        "enterRoom ana",
        "remoteUserJoin ben",
        "remoteUserUnreachable ben",
        "remoteUserLeave ben left notice",
        "remoteUserJoin cleo",
    ]


async def test_a_roster_that_still_lists_who_said_goodbye_straight_brings_nobody_back(
    open_tab: OpenTab, server: SignalingServer, cable: Cable
) -> None:
    ana, ben = await meet(open_tab, ana_at=cable.url, ben_at=cable.url)
    cable.cut()
    await ana.until_event("connectionLost")
    await ben.until_event("connectionLost")
    await ben.value(leave("server"))
    await ana.until_event("remoteUserLeave ben left notice")
    cable.mend()
    await ana.until_event("connectionBack")
    assert await server.kick("lobby", "ben")
    await until_cleo_came(open_tab, ana)
    assert await ana.events() == [
        "enterRoom ana",
        "remoteUserJoin ben",
        "connectionLost",
        "remoteUserLeave ben left notice",
        "connectionBack",
        "remoteUserJoin cleo",
    ]


async def test_who_gives_up_coming_back_says_so_straight(open_tab: OpenTab, base_url: str) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    ben = await open_tab("ben", room="elsewhere")
    await ben.until_inside()
    lines: list[WebSocketRoute] = []

    async def relay(route: WebSocketRoute) -> None:
        """Let one line through, on which the grace is short."""
        if lines:
            await route.close()
            return
        lines.append(route)
        upstream = route.connect_to_server()
        upstream.on_message(lambda text: route.send(str(text).replace('"grace":60.0', '"grace":0.5')))

    await ben.page.route_web_socket("**/ws", relay)
    await ben.page.goto(f"{base_url}/lobby?user=ben")
    await ben.until_channels(1)
    await lines[0].close()
    await ana.until_event("remoteUserLeave ben network_lost notice")
    await ben.until_ended("Connection lost")
    assert await ben.events() == ["enterRoom ben", "remoteUserJoin ana", "connectionLost", "exitRoom network_lost"]


async def test_who_is_removed_says_nothing_straight_because_the_server_has_told_everybody(
    open_tab: OpenTab, base_url: str, server: SignalingServer
) -> None:
    ana, ben = await meet(open_tab, ana_at=base_url, ben_at=base_url)
    await ben.value("{ window.said = []; channels[0].send = (text) => { said.push(text); }; void 0; }")
    assert await server.kick("lobby", "ben")
    await ben.until_ended("You were removed by a moderator")
    assert await ben.value("said") == []
    await ana.until_event("remoteUserLeave ben kicked admin")


async def test_a_leave_over_the_channel_says_all_that_a_leave_says(open_tab: OpenTab, base_url: str) -> None:
    ana, ben = await meet(open_tab, ana_at=base_url, ben_at=base_url)
    await ben.value("exeunt.me.updateExtra({ mood: 'fine' })")
    await ana.until_event("remoteUserUpdate ben")
    await ben.value("""channels[0].send('{"type": "leave", "reason": "bored"}')""")
    await ben.value("""channels[0].send('{"type": "leave", "reason": "error", "text": "out of memory"}')""")
    await ana.until_event("remoteUserLeave ben error notice")
    (heard,) = await ana.value("exeunt.events.filter(({ type }) => type === 'remoteUserLeave')")
    session = await ben.value("exeunt.me.session")
    assert heard == {
        "type": "remoteUserLeave",
        "user": "ben",
        "session": session,
        "reason": "error",
        "text": "out of memory",
        "detectedBy": "notice",
        "silentFor": 0,
        "extra": {"mood": "fine"},
    }
    assert await ana.value("exeunt.me.users.size") == 0


async def test_who_gets_the_server_back_while_leaving_tells_it(open_tab: OpenTab, base_url: str, cable: Cable) -> None:
    """The raw client has no data channel: the server's word is its only way to know, and nobody's answer is quicker."""
    async with raw_client(base_url) as raw:
        await raw.join("raw", room="lobby")
        ben = await open_tab("ben", url=cable.url)
        await ben.until_inside()
        cable.cut()
        await ben.until_event("connectionLost")
        cable.mend()  # a leave waits for a second: all of that is for coming back
        await ben.value(f"{{ window.left = {leave('everyone')}; dispatchEvent(new Event('online')); void 0; }}")
        assert (await raw.hear_next(RemoteUserLeave)).reason == "left"
        assert await ben.value("left") == ["raw"]


async def test_who_hangs_without_a_network_tries_anew_when_it_is_there(open_tab: OpenTab, cable: Cable) -> None:
    """What is said on a connection that was begun without a network gets lost, and for ten seconds nobody knows."""
    ben = await open_tab("ben", url=cable.url)
    await ben.until_inside()
    cable.cut()
    await ben.until_event("connectionLost")
    cable.mend()
    cable.swallow()
    async with asyncio.timeout(SECONDS):
        while not cable.is_used:  # noqa: ASYNC110 - a browser tells nobody that it tries
            await asyncio.sleep(0.02)
    await ben.value("null")  # what it says on that is said by now
    cable.mend()
    await ben.value("void dispatchEvent(new Event('online'))")
    async with asyncio.timeout(SOON):
        await ben.until_event("connectionBack")


@pytest.mark.parametrize("is_cut_off", [False, True], ids=["whole", "cut off"])
async def test_who_waits_for_everyone_is_told_who_does_not_know(
    open_tab: OpenTab, base_url: str, cable: Cable, is_cut_off: bool
) -> None:
    """A page that shows an alert stands still until somebody has read it."""
    ana, ben = await meet(open_tab, ana_at=base_url, ben_at=cable.url)
    cleo = await open_tab("cleo")
    await ben.until_channels(2)
    async with cleo.page.expect_event("dialog") as shown:
        await cleo.value("void setTimeout(() => alert('read me'))")
    alert: Dialog = await shown.value
    if is_cut_off:
        cable.cut()
        await ben.until_event("connectionLost")
    assert await ben.value(leave("everyone")) == ["cleo"]
    assert "remoteUserLeave ben left notice" in await ana.events()
    await alert.accept()
    await cleo.until_event("remoteUserLeave ben left notice")


async def test_a_page_acknowledges_to_the_server_too(open_tab: OpenTab, base_url: str) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    async with raw_client(base_url) as raw:
        await raw.join("raw", room="lobby")
        await ana.until_event("remoteUserJoin raw")
        await raw.say(Leave(wait=True))
        assert (await raw.hear_next(ExitRoom)).unacknowledged == []
    assert await ana.value("exeunt.events.at(-1).wantsAck ?? null") is None


@pytest.mark.parametrize("wait", WAITS)
async def test_a_python_peer_hears_a_page_leave_when_the_server_is_out_of_reach(
    open_tab: OpenTab, base_url: str, cable: Cable, wait: str | None
) -> None:
    journal = Journal()
    async with Peer(f"{base_url.replace('http', 'ws', 1)}/ws", room="lobby", user="bot") as bot:
        for hook in (bot.on_remote_user_unreachable, bot.on_remote_user_leave):
            hook(lambda event: journal.add("bot", event))
        ana = await open_tab("ana", url=cable.url)
        await ana.until_channels(1)
        cable.cut()
        await journal.until("bot", "remoteUserUnreachable ana")
        await ana.until_event("connectionLost")
        assert await ana.value(leave(wait)) == []
        await journal.until("bot", "remoteUserLeave ana left")


@pytest.mark.parametrize("wait", WAITS)
async def test_a_page_hears_a_python_peer_leave_when_the_server_is_out_of_reach(
    open_tab: OpenTab, base_url: str, cable: Cable, wait: str | None
) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    async with Peer(f"{cable.url.replace('http', 'ws', 1)}/ws", room="lobby", user="bot") as bot:
        await ana.until_channels(1)
        cable.cut()
        await ana.until_event("remoteUserUnreachable bot")
        report = await bot.leave(wait=wait)
        assert report.unacknowledged == ()
    await ana.until_event("remoteUserLeave bot left notice")


async def test_what_cannot_be_waited_for_is_refused_and_nobody_leaves(open_tab: OpenTab) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    refused = "exeunt.me.leave({ wait: 'forever' }).catch((error) => error.message)"
    assert await ana.value(refused) == 'wait must be "server", "everyone" or null, not "forever"'
    assert await ana.value("exeunt.me.isInside") is True


@asynccontextmanager
async def raw_client(base_url: str) -> AsyncIterator["RawClient"]:
    """Let in somebody who says what the test says, and nothing else."""
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{base_url}/ws") as socket:
        yield RawClient(socket)


class RawClient(Client):
    """One who is not interested in calls."""

    async def hear_next(self, kind: type[M]) -> M:
        """Return the next message of this kind."""
        while not isinstance(message := await self.hear(), kind):
            pass
        return message
