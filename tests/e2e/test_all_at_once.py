"""One room with all of them: a Python peer, our page, a page of RTCMultiConnection, a WHIP publisher, a WHEP player.

Each leaves in each way, and everybody's account of who left, and why, is the same: the server's journal, what the
Python peer and our page were told, and `onleave` in the other page, which knows no reasons.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from peer import Peer, RemoteUserLeave
from peer.gateways.whip import add_whip
from peer.testing import Page
from peer.testing.chromium import Chromium
from signaling import SignalingServer
from signaling.server import Site
from tests.command import Command, python
from tests.e2e.test_rtcmulticonnection import PATIENT
from tests.e2e.test_viewers import PATTERN
from tests.gateways.clients import Client, client
from tests.gateways.rtcmulticonnection.page import RmcPage, files_in, rmc_page
from tests.journal import Journal

pytestmark = pytest.mark.e2e
LIMIT = 30.0  # seconds for anything that a test waits for
SILENCE = 10.0  # seconds after which a silent connection is lost: a busy machine holds one up for some
GRACE = 5.0  # seconds: with PATIENT, a browser that is slow for a while stays in the room
GUESTS = ("screen", "obs", "rita", "pat")  # in the order in which they go
REASONS = {"leaves": "left", "is kicked": "kicked", "is killed": "network_lost"}


class Room:
    """The room "lobby", who is in it, and what is known of who left."""

    def __init__(self, server: SignalingServer, site: Site, journal: Path) -> None:
        self.server, self.site = server, site
        self.told = Journal()
        self.bot = Peer(site.ws_url, room="lobby", user="bot", extra={"is": "bot"})
        self.bot.on_remote_user_leave(lambda event: self.told.add("bot", event))
        self.rita: RmcPage
        self.pat: Page
        self.ways: dict[str, dict[str, Callable[[], Awaitable[object] | object]]] = {}  # by user
        self._journal = journal

    def reasons(self) -> dict[str, list[str]]:
        """Return why each has left, by each account."""
        bot = [event for _, event in self.told.events if isinstance(event, RemoteUserLeave)]
        lines = [json.loads(line) for line in self._journal.read_text().splitlines()]
        page = [event for event in self.pat.events if event["type"] == "remoteUserLeave"]
        return {
            user: [
                *(event.reason.value for event in bot if event.user == user),
                *(line["reason"] for line in lines if line["event"] == "exited" and line.get("user") == user),
                *(event["reason"] for event in page if event["user"] == user),
            ]
            for user in GUESTS
        }

    async def go(self, user: str, way: str) -> None:
        """Have one go, and wait until everybody knows."""
        gone = self.server.kick("lobby", user) if way == "is kicked" else self.ways[user][way]()
        if isinstance(gone, Awaitable):
            await gone
        await self.told.until("bot", f"remoteUserLeave {user} {REASONS[way]}")
        if user != "pat":
            await self.pat.until_event("remoteUserLeave", user=user, reason=REASONS[way])
        if user in ("screen", "obs") and user in await self.rita.evaluate("connection.getAllParticipants()"):
            await self.rita.until_happened("onleave", user)


@asynccontextmanager
async def full_room(folder: Path, way: str) -> AsyncIterator[Room]:
    """Have all of them in the room; who is to be killed is a process of its own."""
    files = await asyncio.to_thread(files_in, folder / "files")
    journal = folder / "server.jsonl"
    server = SignalingServer(
        rtcmulticonnection=True, rtcmulticonnection_files=files, grace=GRACE, journal=journal, message_rate=0
    )
    add_whip(server, silence_limit=SILENCE)
    async with AsyncExitStack() as stack:
        room = Room(server, await stack.enter_async_context(server.listen()), journal)
        await stack.enter_async_context(room.bot)
        await room.bot.publish(PATTERN)
        room.rita = await stack.enter_async_context(
            rmc_page(room.site.url, "rita", folder / "rita", parameters=PATIENT)
        )
        await room.rita.enter()
        room.pat = Page("pat", "lobby")
        stack.push_async_callback(room.pat.close)
        browser = await Chromium.start(folder / "pat", room.pat.take)
        await room.pat.enter(browser, f"{room.site.url}/lobby?user=pat")
        await room.pat.publish()
        room.ways = {
            "rita": {"leaves": lambda: room.rita.do("connection.leave()"), "is killed": room.rita.browser.kill},
            "pat": {"leaves": room.pat.leave, "is killed": room.pat.kill},
        }
        for user, url in (
            ("obs", f"{room.site.url}/whip/lobby?user=obs"),
            ("screen", f"{room.site.url}/whep/lobby/bot?user=screen"),
        ):
            room.ways[user] = await _media_client(stack, url, way)
        yield room


async def _media_client(stack: AsyncExitStack, url: str, way: str) -> dict[str, Callable[[], Any]]:
    if way == "is killed":
        mortal: Command = await stack.enter_async_context(python("-m", "tests.gateways.clients", url))
        assert await mortal.line() == "connected"
        return {"is killed": mortal.running.kill}
    one: Client = await stack.enter_async_context(client(publishes="/whip/" in url))
    await one.begin(url)
    return {"leaves": one.delete}


@pytest.mark.parametrize("way", list(REASONS))
async def test_each_leaves_and_all_agree(tmp_path: Path, way: str) -> None:
    async with full_room(tmp_path, way) as room:
        senders = [await room.bot.user(user, timeout=LIMIT) for user in ("obs", "rita", "pat")]
        await asyncio.gather(
            room.rita.until_seen("bot"),
            *(room.pat.until_frames(user) for user in ("bot", "obs", "rita")),
            *(user.video.first_frame(timeout=LIMIT) for user in senders),
        )
        for user in GUESTS:
            await room.go(user, way)
        accounts = room.reasons()
    assert accounts == {user: [REASONS[way]] * (2 if user == "pat" else 3) for user in GUESTS}
