"""A real page of RTCMultiConnection 3.7.1 in a real browser: npm's files, and what a page usually does with them."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from peer.testing.browser import Browser
from peer.testing.chromium import Chromium
from peer.testing.firefox import Firefox
from tests.npm.modules import need_modules

HERE = Path(__file__).parent
LOADED = ("rtcmulticonnection/dist/RTCMultiConnection.js", "socket.io-client/dist/socket.io.js")
PATIENCE = 60.0  # seconds for anything that a test waits for
UNTIL = "(async () => { while (!(%s)) await new Promise((next) => setTimeout(next, 50)); return true; })()"
WATCH = (
    "(tell) => addEventListener('unhandledrejection', ({ reason }) => tell(JSON.stringify({ problem: `${reason}` })))"
)

# Whether a user's pictures move, and how loud the user is.
MOVES = """(() => {
    const element = connection.streamEvents.selectFirst({ userid: %s })?.mediaElement;
    if (!element?.videoWidth) return false;
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 36 });
    const context = canvas.getContext("2d");
    context.drawImage(element, 0, 0, 64, 36);
    const picture = context.getImageData(0, 0, 64, 36).data.join("");
    return (window.first ??= picture) !== picture;
})()"""
# By what the connection counts, as no AudioContext runs in a Firefox on a machine without a loudspeaker.
LOUD = """await (async () => {
    const counted = [...((await connection.peers[%s]?.peer?.getStats()) ?? new Map()).values()];
    const sound = counted.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio");
    return sound && (window.energy ??= sound.totalAudioEnergy) + 1e-6 < sound.totalAudioEnergy;
})()"""


def files_in(folder: Path) -> Path:
    """Fill a folder with what a page loads: what `--rtcmulticonnection-files` names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in LOADED:
        shutil.copy(need_modules() / name, folder)
    shutil.copy(HERE / "page.html", folder)
    return folder


class RmcPage:
    """A page, named by its userid."""

    def __init__(self, browser: Browser, user: str) -> None:
        self.browser, self.user = browser, user

    async def evaluate(self, expression: str) -> Any:
        async with asyncio.timeout(PATIENCE):
            return await self.browser.evaluate(expression)

    async def do(self, statement: str) -> None:
        """Do something whose value is of no interest."""
        await self.evaluate(f"void ({statement})")

    async def enter(self, room: str = "lobby") -> list[Any]:
        """Open the room or join it; return what the callback was called with."""
        answer: list[Any] = await self.evaluate(f"enter({json.dumps(room)})")
        return answer

    async def until(self, condition: str) -> None:
        """Wait until an expression is true."""
        try:
            await self.evaluate(UNTIL % condition)
        except TimeoutError:
            raise AssertionError(f"{self.user}: never came true: {condition}; {await self.happened()}") from None

    async def until_happened(self, kind: str, userid: str | None = None) -> None:
        """Wait until the page has heard something, of some user."""
        await self.until(f"happened.some(([kind, user]) => kind === '{kind}' && user === {json.dumps(userid)})")

    async def happened(self, *kinds: str) -> list[list[Any]]:
        """Return what the page has heard, in order, as [kind, userid, extra or data]."""
        return [one for one in await self.evaluate("happened") if not kinds or one[0] in kinds]

    async def until_seen(self, user: str) -> None:
        """Wait until a user's pictures move in the page, and the user is heard."""
        name = json.dumps(user)
        await self.do("window.first = window.energy = undefined")
        await self.until(MOVES % name)
        await self.until(LOUD % name)

    async def close_tab(self) -> None:
        """Close the tab as a user does: unlike the kit's `close_tab`, this runs `beforeunload`."""
        match self.browser:
            case Chromium() as chromium:
                await chromium._wire.ask("Target.createTarget", {"url": "about:blank"})  # or the browser would end
                await chromium._ask("Page.close")
            case Firefox() as firefox:
                await firefox._ask("browsingContext.close", context=firefox._tab, promptUnload=True)


@asynccontextmanager
async def rmc_page(
    url: str, user: str, folder: Path, *, kind: type[Browser] = Chromium, **query: str
) -> AsyncIterator[RmcPage]:
    """Have a page, which is in no room yet, in a browser of its own."""
    browser = await kind.start(folder, lambda _: None)
    try:
        page = RmcPage(browser, user)
        await open_page(page, url, **query)
        yield page
    finally:
        await browser.close()


async def open_page(page: RmcPage, url: str, **query: str) -> None:
    """Load the page, anew if it is there."""
    address = f"{url}/rtcmulticonnection/page.html?{urlencode({'user': page.user, **query})}"
    await page.browser.open(address, WATCH)
    await page.until("window.enter")
