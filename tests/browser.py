"""A server, browsers and pages for the tests of the web pages.

All that the tests need to know of the network is the fixture `base_url`. Browsers give no ICE candidates on a machine
that has only a loopback interface: there must be another one, whether or not it leads anywhere.
"""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Playwright, async_playwright, expect

from signaling.config import Options
from signaling.server import SignalingServer
from tests.cable import Cable
from tests.devices.tools import need
from tests.tab import DEADLINE, Tab

CHROMIUM = os.environ.get("EXEUNT_CHROMIUM") or shutil.which("google-chrome") or "chromium"
FAKE_DEVICES = "--use-fake-device-for-media-stream"
GRANTED = "--use-fake-ui-for-media-stream"
AUTOPLAY = "--autoplay-policy=no-user-gesture-required"
QUIET = ("--disable-background-networking", "--disable-component-update", "--no-first-run")

# `asked`: how often the page wanted to use camera or microphone. Pictures are small: this machine encodes them all.
# `channels`: every data channel "exeunt" that it had.
WITNESS = """
    window.channels = [];
    const keep = (channel) => {
        if (channel.label === "exeunt") channels.push(channel);
        return channel;
    };
    window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(...options) {
            super(...options);
            this.addEventListener("datachannel", ({ channel }) => keep(channel));
        }
        createDataChannel(...options) {
            return keep(super.createDataChannel(...options));
        }
    };
    window.asked = 0;
    const devices = navigator.mediaDevices ?? {};  // about:blank has none
    const getUserMedia = devices.getUserMedia?.bind(devices);
    devices.getUserMedia = ({ audio, video }) => {
        window.asked += 1;
        return getUserMedia({ audio, video: video && { width: 320, height: 180, frameRate: 10 } });
    };
"""

expect.set_options(timeout=DEADLINE * 1000)

OpenTab = Callable[..., Awaitable[Tab]]
Launch = Callable[..., Awaitable[Browser]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    need(CHROMIUM, "chromium")
    async with async_playwright() as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def launch(playwright: Playwright) -> AsyncIterator[Launch]:
    """Start browsers with these arguments; each kind once."""
    browsers: dict[tuple[str, ...], Browser] = {}

    async def start(*args: str) -> Browser:
        if args not in browsers:
            browsers[args] = await playwright.chromium.launch(
                executable_path=need(CHROMIUM, "chromium"),
                headless=True,
                chromium_sandbox=os.geteuid() != 0,
                args=[*QUIET, *args],
            )
        return browsers[args]

    yield start
    for browser in browsers.values():
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(launch: Launch) -> Browser:
    """A browser with a fake camera and microphone that may be used, and with sound."""
    return await launch(GRANTED, FAKE_DEVICES, AUTOPLAY)


@pytest.fixture
def server_options() -> Options:
    """The options of the test's server: override it with `@pytest.mark.parametrize("server_options", [...])`."""
    return {"grace": 60.0}  # a busy machine must not be too slow to come back


@pytest_asyncio.fixture(loop_scope="session")
async def server(server_options: Options) -> SignalingServer:
    return SignalingServer(**server_options)


@pytest_asyncio.fixture(loop_scope="session")
async def base_url(server: SignalingServer) -> AsyncIterator[str]:
    async with server.listen() as site:
        yield site.url


@pytest_asyncio.fixture(loop_scope="session")
async def cable(base_url: str) -> AsyncIterator[Cable]:
    """Another address of the same server, that can be cut off."""
    async with Cable(base_url).laid() as laid:
        yield laid


@pytest_asyncio.fixture(loop_scope="session")
async def open_tab(browser: Browser, base_url: str) -> AsyncIterator[OpenTab]:
    """Open pages: `await open_tab("ana")` is in the room "lobby". Afterwards, none of them may have had a problem."""
    contexts: list[BrowserContext] = []
    tabs: list[Tab] = []

    async def open_one(
        user: str = "", *, room: str = "lobby", url: str = base_url, using: Browser = browser, token: str = ""
    ) -> Tab:
        asked = {"user": user, "token": token}
        context = await using.new_context(reduced_motion="reduce")
        contexts.append(context)
        await context.add_init_script(WITNESS)
        tab = Tab(await context.new_page())
        tabs.append(tab)
        await tab.page.goto(f"{url}/{room}?{urlencode({name: word for name, word in asked.items() if word})}")
        return tab

    yield open_one
    for context in contexts:
        await context.close()
    assert [problem for tab in tabs for problem in tab.problems] == []
