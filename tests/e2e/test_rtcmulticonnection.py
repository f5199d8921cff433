"""An unmodified page of RTCMultiConnection 3.7.1 in a room with Python peers, our own page and others of its kind."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from peer import Delivery, Message, Peer, RemoteUserLeave, TestPattern
from peer.testing import Page
from peer.testing.browser import Browser
from peer.testing.chromium import Chromium
from peer.testing.firefox import Firefox
from peer.testing.process import descendants
from signaling import SignalingServer
from signaling.server import Site
from tests.cable import Cable
from tests.gateways.rtcmulticonnection.page import RmcPage, files_in, open_page, rmc_page
from tests.journal import Journal

pytestmark = pytest.mark.e2e
LIMIT = 60.0  # seconds
GRACE = 1.0  # seconds
LONG_GRACE = 20.0  # seconds: with PATIENT, a browser that is slow for a while stays in the room
PATIENT = "&secret=of this page alone"
PATTERN = TestPattern(width=160, height=90, fps=10)  # small: this machine encodes it, and those of several browsers


@contextlib.asynccontextmanager
async def serving(folder: Path, *, grace: float = GRACE) -> AsyncIterator[tuple[SignalingServer, Site]]:
    files = await asyncio.to_thread(files_in, folder / "files")
    server = SignalingServer(rtcmulticonnection=True, rtcmulticonnection_files=files, grace=grace)
    async with server.listen() as site:
        yield server, site


class Bot:
    """A Python peer, with what it hears."""

    def __init__(self, site: Site, user: str = "bot") -> None:
        self.user, self.journal, self.said = user, Journal(), asyncio.Queue[Message]()
        self.me = Peer(site.ws_url, room="lobby", user=user, extra={"is": user})
        for hook in (self.me.on_remote_user_join, self.me.on_remote_user_leave, self.me.on_exit_room):
            hook(lambda event: self.journal.add(user, event))
        self.me.on_message(self.said.put_nowait)

    @contextlib.asynccontextmanager
    async def inside(self) -> AsyncIterator["Bot"]:
        """Be in the room, with a picture and a sound."""
        async with self.me as me:
            await me.publish(PATTERN)
            yield self

    async def until_seen(self, user: str) -> None:
        """Wait until a user's pictures and sound have arrived."""
        remote = await self.me.user(user, timeout=LIMIT)  # a page may know that it is in before we do
        async with asyncio.timeout(LIMIT):
            async for _ in remote.video.frames("gray"):
                break
            async for sound in remote.audio.frames():
                if abs(sound.array.astype(int)).max() > 500:
                    break


@pytest.mark.parametrize(("kind", "page_comes_first"), [(Chromium, True), (Chromium, False), (Firefox, True)])
async def test_a_page_and_a_python_peer_see_hear_and_read_each_other(
    tmp_path: Path, kind: type[Browser], page_comes_first: bool
) -> None:
    async with (
        serving(tmp_path, grace=LONG_GRACE) as (_, site),
        rmc_page(site.url, "ana", tmp_path / "profile", kind=kind, parameters=PATIENT) as page,
    ):
        bot = Bot(site)
        if page_comes_first:
            assert (await page.enter())[0] is True
        async with bot.me as me:
            await me.publish(PATTERN)
            if not page_comes_first:
                assert (await page.enter())[0] is True
            await bot.journal.until("bot", "remoteUserJoin ana")
            await asyncio.gather(bot.until_seen("ana"), page.until("document.querySelectorAll('video').length === 2"))
            await page.until("connection.getAllParticipants().includes('bot')")
            await talk(bot, page)
            await chat(bot, page)
        await page.until_happened("onleave", "bot")
    assert bot.journal.of("bot") == ["remoteUserJoin ana", "exitRoom left"]


async def chat(bot: Bot, page: RmcPage) -> None:
    """Have both say something to each other over the page's data channel, by the words of each."""
    await page.until_happened("onopen", "bot")
    await page.do("connection.send({ by: 'ana' })")
    await page.do("connection.send('x' + '🎺'.repeat(1_200), 'bot')")  # in three pieces, none of whole characters
    async with asyncio.timeout(LIMIT):
        heard = [await bot.said.get() for _ in range(2)]
    assert [(one.user, one.topic, one.data) for one in heard] == [
        ("ana", "message", {"by": "ana"}),
        ("ana", "message", "x" + "🎺" * 1_200),
    ]
    said = [{"to": "ana", "n": [1, None, "ü"]}, "ü🎺" * 30_000, b"\x00\xff"]
    for data in said:
        assert await bot.me.send(data, to="ana") == Delivery("ana", "channel")
    await page.until(f"texts.length === {len(said)}")
    assert await bot.me.send("at once", to="ana", reliable=False) == Delivery("ana", "channel")
    await page.until("texts.includes('at once')")
    assert await page.evaluate("texts") == [*said[:-1], "AP8=", "at once"]
    assert [user for _, user, _ in await page.happened("onmessage")] == ["bot"] * (len(said) + 1)


async def talk(bot: Bot, page: RmcPage) -> None:
    """Have the page say something through the server."""
    await page.do("connection.socket.emit(connection.socketCustomEvent, { by: 'ana' })")
    async with asyncio.timeout(LIMIT):
        said = await bot.said.get()
    assert (said.user, said.topic, said.data) == ("ana", "message", {"by": "ana"})


async def test_a_page_that_listens_to_no_data_channel_is_told_through_the_server(tmp_path: Path) -> None:
    session = '{"audio": true, "video": true}'
    async with serving(tmp_path) as (_, site), rmc_page(site.url, "ana", tmp_path / "profile", session=session) as page:
        assert (await page.enter())[0] is True
        async with Bot(site).inside() as bot:  # who offers, a data channel too
            await bot.until_seen("ana")
            for data in ({"to": "ana"}, b"\x00\xff"):
                assert await bot.me.send(data, to="ana", topic="chat") == Delivery("ana", "server")
            await page.until("happened.filter(([kind]) => kind === 'custom').length === 2")
            assert await page.happened("custom", "onopen") == [
                ["custom", "bot", {"to": "ana"}],
                ["custom", "bot", "AP8="],
            ]


CLOSES = {  # how a page goes, and what our peers are told
    "leave()": ("connection.leave()", "left"),
    "closeSocket()": ("connection.closeSocket()", "left"),
    "leave() and closeSocket()": ("connection.leave(), connection.closeSocket()", "left"),
    "another page": (None, "left"),
}


@pytest.mark.parametrize("kind", [Chromium, Firefox])
async def test_every_way_in_which_a_page_leaves_is_told_as_left(tmp_path: Path, kind: type[Browser]) -> None:
    async with serving(tmp_path) as (_, site), rmc_page(site.url, "ana", tmp_path / "profile", kind=kind) as page:
        bot = Bot(site)
        async with bot.me:
            for way, (statement, reason) in CLOSES.items():
                bot.journal.note("bot", way)
                await page.enter()
                await page.until("connection.peers.bot?.peer?.connectionState === 'connected'")
                if statement is None:  # it is there before the next is asked for: Firefox may else answer nothing
                    await page.browser.go(f"{site.url}/socket.io/socket.io.js")
                else:
                    await page.do(statement)
                await bot.journal.until("bot", f"remoteUserLeave ana {reason}")
                assert bot.journal.of("bot")[-3:] == [way, "remoteUserJoin ana", f"remoteUserLeave ana {reason}"]
                await open_page(page, site.url)
                bot.journal.lines.clear()
            await page.enter()
            await bot.journal.until("bot", "remoteUserJoin ana")
            await page.close_tab()
            await bot.journal.until("bot", "remoteUserLeave ana left")


def kill_tab(page: RmcPage) -> None:
    page.browser.kill_tab()


def kill(page: RmcPage) -> None:
    page.browser.kill()


def freeze(page: RmcPage) -> None:
    """Have all processes of the browser stand still, as a machine does whose lid is closed."""
    for pid in (page.browser.group.pid, *descendants(page.browser.group.pid)):
        os.kill(pid, signal.SIGSTOP)


@pytest.mark.parametrize(
    ("kind", "die", "detected_by"),
    [
        pytest.param(Chromium, kill_tab, "socket_closed", id="Chromium's tab killed"),
        pytest.param(Firefox, kill_tab, "socket_closed", id="Firefox' tab killed"),
        pytest.param(Chromium, kill, "socket_closed", id="Chromium killed"),
        pytest.param(Firefox, kill, "socket_closed", id="Firefox killed"),
        pytest.param(Chromium, freeze, "heartbeat", id="Chromium frozen"),
    ],
)
async def test_a_page_that_dies_or_freezes_is_lost(
    tmp_path: Path, kind: type[Browser], die: Callable[[RmcPage], None], detected_by: str
) -> None:
    async with serving(tmp_path) as (_, site), rmc_page(site.url, "ana", tmp_path / "profile", kind=kind) as page:
        bot = Bot(site)
        async with bot.me:
            await page.enter()
            await bot.journal.until("bot", "remoteUserJoin ana")
            die(page)
            try:
                await bot.journal.until("bot", "remoteUserLeave ana network_lost")
            finally:
                page.browser.kill()
    left = next(event for _, event in bot.journal.events if isinstance(event, RemoteUserLeave))
    assert (left.detected_by, left.extra) == (detected_by, {"fullName": "ANA"})
    assert left.silent_for < 10


@contextlib.asynccontextmanager
async def our_page(site: Site, user: str, profile: Path) -> AsyncIterator[Page]:
    """Have a page of ours in the room, which shows its camera."""
    page = Page(user, "lobby")
    try:
        await page.enter(await Chromium.start(profile, page.take), f"{site.url}/lobby?user={user}")
        await page.publish(width=160, height=90, fps=5)
        yield page
    finally:
        await page.close()


async def test_two_pages_ours_and_a_peer_are_in_one_room_until_each_goes_its_way(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, grace=LONG_GRACE) as (server, site),
        rmc_page(site.url, "ana", tmp_path / "ana", parameters=PATIENT) as ana,
        rmc_page(site.url, "bo", tmp_path / "bo", kind=Firefox, parameters=PATIENT) as bo,
        Bot(site).inside() as bot,
    ):
        assert (await ana.enter())[0] is True
        async with our_page(site, "cy", tmp_path / "cy") as cy:
            assert (await bo.enter())[0] is True
            for page in (ana, bo):  # one was there before our page, one was not
                await page.until_seen("cy")
                await cy.until_frames(page.user)
                await cy.until_sound(page.user)
                await bot.until_seen(page.user)
            await chat_with_ours(cy, ana, bo)
            await part(server, ana, bo, cy)


async def chat_with_ours(cy: Page, *pages: RmcPage) -> None:
    """Have our page and others say something to each other, over the data channel of the latter."""
    for page in pages:
        await page.until_happened("onopen", "cy")
        await page.do("connection.send('by ' + connection.userid, 'cy')")
        await cy.until_event("message", user=page.user, topic="message", data=f"by {page.user}")
        sent = await cy.evaluate(f"exeunt.me.send({{ to: '{page.user}' }}, {{ to: '{page.user}' }})")
        assert sent == {"user": page.user, "path": "channel"}
        await page.until(f"texts.some(({{ to }}) => to === '{page.user}')")


async def part(server: SignalingServer, ana: RmcPage, bo: RmcPage, cy: Page) -> None:
    """Have two pages speak to each other; then one leaves, and the other is kicked."""
    await ana.until_seen("bo")
    await ana.until_happened("onopen", "bo")
    await ana.do("connection.send('by data channel')")
    await bo.until_happened("onmessage", "ana")
    await ana.do("connection.leave()")
    await cy.until_event("remoteUserLeave", user="ana", reason="left")
    await bo.until_happened("onleave", "ana")
    assert await left(bo, "ana") == [{"fullName": "ANA"}]
    await server.kick("lobby", "bo", "enough")
    await cy.until_event("remoteUserLeave", user="bo", reason="kicked")
    await bo.until("happened.some(([kind, , text]) => kind === 'logs' && text === 'out of the room: kicked (enough)')")
    await bo.until_happened("onSocketDisconnect")
    assert [(await left(bo, user))[-1] for user in ("bot", "cy")] == [{"is": "bot"}, {}]


async def left(page: RmcPage, user: str) -> list[object]:
    """Return the extras with which the page heard that a user left."""
    return [extra for _, who, extra in await page.happened("onleave") if who == user]


async def test_a_page_is_muted_and_dismissed_and_may_come_again(tmp_path: Path) -> None:
    async with (
        serving(tmp_path) as (server, site),
        rmc_page(site.url, "ana", tmp_path / "ana") as ana,
        Bot(site).inside() as bot,
    ):
        await ana.enter()
        await ana.until("connection.peers.bot?.peer?.connectionState === 'connected'")
        await server.mute("lobby", "ana", "audio")
        await ana.until("connection.attachStreams[0].getAudioTracks()[0].enabled === false")
        await server.dismiss("lobby")
        await ana.until_happened("onEntireSessionClosed", "lobby")
        await bot.journal.until("bot", "exitRoom dismissed")
        assert await ana.happened("onSocketDisconnect") == []
        assert (await ana.enter())[0] is True


async def test_a_page_with_a_secret_outlives_a_broken_connection_to_the_server(tmp_path: Path) -> None:
    async with serving(tmp_path, grace=30.0) as (_, site), Cable(site.url).laid() as cable:
        parameters = "&secret=known to ana alone"
        async with (
            rmc_page(cable.url, "ana", tmp_path / "ana", parameters=parameters) as ana,
            Bot(site).inside() as bot,
        ):
            hear = bot.me.on_remote_user_unreachable, bot.me.on_remote_user_back
            for hook in hear:
                hook(lambda event: bot.journal.add("bot", event))
            await ana.enter()
            await bot.until_seen("ana")
            cable.cut()
            await bot.journal.until("bot", "remoteUserUnreachable ana")
            cable.mend()
            await bot.journal.until("bot", "remoteUserBack ana")
            bot.me.send_message("news", "still here", to="ana")  # through the server
            await ana.until_happened("custom", "bot")
            assert await ana.happened("onleave") == []
    assert bot.journal.of("bot")[:3] == ["remoteUserJoin ana", "remoteUserUnreachable ana", "remoteUserBack ana"]
