"""Our page in a room whose media pass through Janus: browsers publish and watch there as Python peers do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from peer import Peer, TestPattern
from peer.testing import Journal, OpenBrowser, Page
from peer.testing.fixtures import RunningServer, Stage, serving
from signaling.calls import RoomSettings
from signaling.config import SignalingConfig
from tests.cable import Cable
from tests.devices.janus import Janus, janus_server
from tests.e2e.rooms import through

LIMIT = 30.0  # seconds for anything that is waited for here
QUICK = 3.0  # seconds: less than anything for which we would wait for Janus
SHOWS = "[...document.querySelectorAll('video')].some(({ videoWidth }) => videoWidth === %d)"
PATTERN = TestPattern(width=320, height=240, fps=10, tone=400)


@dataclass
class Scene:
    """A server with its Janus, the line to that, and how pages and Python peers come."""

    server: RunningServer
    janus: Janus
    line: Cable
    open: OpenBrowser

    def peer(self, user: str) -> Peer:
        """Return a Python peer that is to come."""
        return Peer(self.server.ws_url, room="lobby", user=user, guard=False)

    async def page(self, user: str) -> Page:
        """Have a page come in."""
        return await self.open("chromium", user=user)


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    """Run a server and its Janus for the length of the block; pages are closed at its end."""
    journal = Journal(folder / "journal.jsonl")
    async with AsyncExitStack() as stack:
        janus = await stack.enter_async_context(janus_server())
        line = await stack.enter_async_context(Cable(janus.url).laid())
        settings = through(janus, url=line.url.replace("http", "ws", 1))
        site = await stack.enter_async_context(serving(journal, settings))
        pages = await stack.enter_async_context(AsyncExitStack())
        mesh = replace(RoomSettings.usual("hall", SignalingConfig(**settings)), topology="mesh", close_when_empty=False)
        await site.server.create(mesh)
        yield Scene(site, janus, line, OpenBrowser(Stage(site, journal, folder, None, pages)))


async def is_seen(viewer: Peer, user: str) -> np.ndarray:
    """Return a picture of a user's that is not black, the third that comes, as a Python peer has it."""
    count = 0
    async with asyncio.timeout(LIMIT):
        async for frame in (await viewer.user(user)).video.frames():
            count += frame.array.std() > 20
            if count == 3:
                return frame.array
    raise AssertionError(f"{user} has left")


async def test_two_pages_and_a_python_peer_see_and_hear_each_other_whoever_came_first(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as play:
        async with play.peer("ana") as ana:
            await ana.publish(PATTERN, codec="VP8")  # a Firefox does not have H.264 from the start
            bo = await play.page("bo")
            await bo.until_frames("ana")
            await bo.until_sound("ana")
            assert (await bo.pixels("ana")).shape == (240, 320, 3)
            await bo.until_event("remoteUserPublished", user="ana", kind="video")
            await bo.publish()
            assert (await is_seen(ana, "bo")).shape == (180, 320, 3)
            cy = await play.open("firefox", user="cy")
            await cy.publish()
            for user in ("ana", "bo"):
                await cy.until_frames(user)
                await cy.until_sound(user)
            await bo.until_frames("cy")
            assert [sent["codec"] for sent in await bo.sent()] == ["VP8"], "one encoder, however many watch"
            await bo.evaluate("exeunt.me.mute('video')")
            await cy.until_event("remoteUserMuted", user="bo", kind="video")
            await bo.leave()
            left = await cy.until_event("remoteUserLeave", user="bo")
            assert (left["reason"], bo.events[-1]["type"]) == ("left", "exitRoom")
        await cy.until_event("remoteUserLeave", user="ana", reason="left")
        assert await play.server.server.kick("lobby", "cy")
        assert (await cy.until_event("exitRoom"))["reason"] == "kicked"


async def test_a_page_goes_on_when_it_loses_janus_when_janus_dies_and_when_it_is_moved_to_a_mesh_and_back(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as play, play.peer("ana") as ana:
        await ana.publish(PATTERN)
        bo = await play.page("bo")
        await bo.publish()
        await both(ana, bo)
        await publish_anew_unheard(play, ana)
        await both(ana, bo)
        play.line.cut()
        play.line.mend()
        for user, width, height in (("cy", 160, 120), ("dora", 128, 96)):  # the second on the m-lines of the first
            async with play.peer(user) as other:
                await other.publish(TestPattern(width=width, height=height, fps=10, tone=800))
                await bo.until_frames(user)
                await is_of_size(bo, user, (height, width, 3))
                await is_seen(other, "bo")
        play.line.cut()
        await play.janus.kill()
        await play.janus.start()
        play.line.mend()
        await both(ana, bo)
        for room in ("hall", "lobby"):
            here = ana.room
            for user in ("ana", "bo"):
                assert await play.server.server.move(here, user, room)
            await bo.until_event("roomChanged", room=room)
            await both(ana, bo)
        await bo.evaluate("exeunt.me.unpublish()")
        await bo.evaluate("exeunt.me.mute('audio')")
        await ana.leave()
        play.janus.freeze()
        async with asyncio.timeout(QUICK):
            await bo.leave()
        play.janus.thaw()


async def publish_anew_unheard(play: Scene, ana: Peer) -> None:
    """Have ana publish over another connection while the page has lost Janus: no word of it reaches the page."""
    stay = ana._here.topology._stay
    session, up = stay._downlink._session, stay._uplink
    session._line.url = play.janus.url  # ana comes back another way
    play.line.cut()
    before = up._line
    await before._connection._pc.close()
    async with asyncio.timeout(LIMIT):
        while up._line in {before, None} or up.pair() is None:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.05)
    play.line.mend()


async def is_of_size(page: Page, user: str, shape: tuple[int, ...]) -> None:
    """Wait until the page shows a user's picture in its size: on an m-line that is used again, not the former one's."""
    async with asyncio.timeout(LIMIT):
        while (await page.pixels(user)).shape != shape:  # noqa: ASYNC110 - a browser tells nobody what it shows
            await asyncio.sleep(0.1)


async def both(ana: Peer, page: Page) -> None:
    """Wait until both see each other, from now on."""
    await asyncio.gather(page.until_frames("ana"), is_seen(ana, page.user))
