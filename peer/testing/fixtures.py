"""What the fixtures of `plugin.py` do, as plain asynchronous context managers: usable without pytest, too."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Unpack
from urllib.parse import urlencode

from peer.capture.source import Kind
from peer.config import Options
from peer.errors import UsageError
from peer.testing.guest import Guest
from peer.testing.journal import Journal
from peer.testing.network import Network
from peer.testing.page import Page, kind_of
from peer.testing.program import PUBLISH, PeerProcess
from signaling.config import Options as ServerOptions
from signaling.messages import Extra
from signaling.server import SignalingServer, Site

ROOM = "lobby"  # where everybody meets who is not told otherwise
CODECS = ("", "VP8", "VP9", "H264", "AV1")


@dataclass(frozen=True)
class RunningServer:
    """A server in this process. `server` can kick, dismiss, mute and move, and tells who is there."""

    server: SignalingServer
    site: Site

    @property
    def url(self) -> str:
        """Its front page, like `http://127.0.0.1:40123`."""
        return self.site.url

    @property
    def ws_url(self) -> str:
        """Its address for peers, like `ws://127.0.0.1:40123/ws`."""
        return self.site.ws_url


@asynccontextmanager
async def serving(journal: Journal, options: ServerOptions) -> AsyncIterator[RunningServer]:
    """Run a server on a free port of loopback, for the length of the block."""
    settings: ServerOptions = {"journal": journal.path, **options}
    server = SignalingServer(**settings)
    async with server.listen() as site:
        yield RunningServer(server, site)


@dataclass
class Stage:
    """What those who come into a room need: where it is, where to write, and who closes what they opened."""

    site: RunningServer
    journal: Journal
    folder: Path
    network: Network | None
    stack: AsyncExitStack
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    async def url_for(self, user: str) -> str:
        """Return where this user finds the server: over a line of its own, if the test has a network.

        Raises `UsageError` on another loop than the server's, which does not run meanwhile.
        """
        if asyncio.get_running_loop() is not self._loop:
            raise UsageError(
                "the test runs on another event loop than its fixtures: mark it with @pytest.mark.asyncio alone and"
                " without loop_scope, or set asyncio_default_fixture_loop_scope to the same in pytest's configuration"
            )
        return self.site.url if self.network is None else (await self.network.lay(user)).url


class Join:
    """`await join("ana")`: a real peer of this process, in the room."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._numbers = count()

    async def __call__(
        self,
        user: str,
        *,
        room: str = ROOM,
        token: str | None = None,
        extra: Extra | None = None,
        publish: tuple[Kind | str, ...] = (),
        codec: str = "auto",
        **options: Unpack[Options],
    ) -> Guest:
        """Let a peer with fake devices enter; `publish` them at once: ("audio", "video").

        Options are those of `PeerConfig`. It leaves at the end of the test, if it has not. Raises as `Peer` does.
        """
        stage = self._stage
        folder = stage.folder / f"devices-{next(self._numbers)}"  # one user may come twice
        folder.mkdir()
        url = (await stage.url_for(user)).replace("http", "ws", 1) + "/ws"
        settings: Options = {"journal": stage.journal.path, **options}
        guest = Guest(url, room=room, user=user, folder=folder, token=token, extra=extra, **settings)
        await stage.stack.enter_async_context(guest)
        if publish:
            await guest.publish_devices(*publish, codec=codec)
        return guest


class OpenBrowser:
    """`await browser("firefox")`: an installed browser, whose page is in the room."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._numbers = count()

    async def __call__(
        self,
        name: str = "chromium",
        *,
        user: str | None = None,
        room: str = ROOM,
        token: str | None = None,
        codec: str = "",
    ) -> Page:
        """Start a browser ("chromium" or "firefox") with fake devices; `codec` is the only one that it takes.

        `user` is by default the browser's name. The browser ends with the test. Raises `BrowserError` if it is not
        installed, with a word on what to do.
        """
        if codec not in CODECS:
            raise UsageError(f"{codec!r} is no codec that a browser may have: {', '.join(CODECS[1:])}")
        stage, user = self._stage, user or name
        page = Page(user, room)
        page.listen(stage.journal.listener(user, room))
        stage.stack.push_async_callback(_close, page)
        profile = stage.folder / f"{name}-{next(self._numbers)}"
        asked: Mapping[str, str] = {"user": user} | ({"token": token} if token else {})
        browser = await kind_of(name).start(profile, page.take)
        await page.enter(browser, f"{await stage.url_for(user)}/{room}?{urlencode(asked)}", codec=codec)
        return page


async def _close(page: Page) -> None:
    """Close a page, in which nothing may have gone wrong that nobody caught."""
    await page.close()
    assert not page.problems, f"exceptions in the page of {page.user}: {'; '.join(page.problems)}"


class Spawn:
    """`await spawn("ana")`: a peer in a process of its own."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def __call__(self, user: str, *command: str, room: str = ROOM) -> PeerProcess:
        """Start a command and wait until its user is in the room; without one, `exeunt publish` of a test pattern.

        In the command {url}, {room}, {user} and {journal} are replaced: it has to join with them, and to write that
        journal. It ends with the test. Raises `OSError` if there is no such program, `AssertionError` after 30 s.
        """
        stage = self._stage
        url = (await stage.url_for(user)).replace("http", "ws", 1) + "/ws"
        words = {"url": url, "room": room, "journal": str(stage.journal.path)}
        process = await PeerProcess.start(user, command or PUBLISH, **words)
        stage.stack.push_async_callback(process.close)
        await stage.journal.until("enterRoom", who=f"peer {room}/{user}")
        return process
