"""A page of a real browser that is in a room, as a test sees it.

page = await browser("firefox")
await page.publish()
await page.until_frames("ana", 10)
assert (await page.pixels("ana")).mean() > 0
page.kill()
"""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peer.testing.browser import Browser
from peer.testing.chromium import Chromium
from peer.testing.firefox import Firefox
from peer.testing.wire import BrowserError

LIMIT = 30.0  # seconds for anything that is waited for
ELSEWHERE = "about:blank"
LOAD_LIMIT = 15.0  # seconds for a page to be in the room, before it is loaded once more
SHOWN = "[document.URL, document.readyState, document.body?.innerText.slice(0, 500)].join(' ')"
SHOWN_LIMIT = 2.0  # seconds for a page that is to say why it is not as expected
POLL = 0.1  # seconds between two looks at the page's figures
BROWSERS: dict[str, type[Browser]] = {"chromium": Chromium, "firefox": Firefox}

Event = dict[str, Any]
Listener = Callable[[Event], None]


class Page:
    """A page in a room. `events` are what it was told, in order, each with its `type` as on the wire.

    They outlive the page: after a reload they go on, after a kill they can still be read.
    """

    def __init__(self, user: str, room: str) -> None:
        self.user, self.room = user, room
        self.events: list[Event] = []
        self.problems: list[str] = []  # exceptions in the page that nobody caught
        self._browser: Browser | None = None
        self._changed = asyncio.Event()
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Have a function called with every event from now on."""
        self._listeners.append(listener)

    # -- what it does --

    async def publish(
        self, *, audio: bool = True, video: bool = True, width: int = 320, height: int = 180, fps: int = 15
    ) -> None:
        """Show the browser's fake camera and let its fake microphone be heard."""
        options = {"audio": audio, "video": video, "width": width, "height": height, "frameRate": fps}
        await self.evaluate(f"exeuntTest.publish({json.dumps(options)})")

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression (of its promise), which must be JSON. `exeunt.me` is the peer.

        Raises `BrowserError` if it throws.
        """
        return await self._open_browser.evaluate(expression)

    async def leave(self) -> None:
        """Leave the room properly; the page stays open."""
        await self.evaluate("exeunt.me.leave().then(() => null)")

    # -- what it sees and hears --

    async def received(self, user: str, kind: str = "video") -> dict[str, Any]:
        """Return the W3C `inbound-rtp` statistics of what comes from a user, and `codec`; empty while nothing does."""
        return await self.evaluate(f"exeuntTest.received({json.dumps(user)}, {json.dumps(kind)})") or {}

    async def sent(self, kind: str = "video") -> list[dict[str, Any]]:
        """Return the W3C `outbound-rtp` statistics of what goes to the others, one entry for each, and `codec`."""
        return list(await self.evaluate(f"exeuntTest.sent({json.dumps(kind)})"))

    async def decoded_frames(self, user: str) -> int:
        """Return how many pictures of a user were decoded so far."""
        return int((await self.received(user)).get("framesDecoded", 0))

    async def sound_energy(self, user: str) -> float:
        """Return the W3C `totalAudioEnergy` of a user's sound so far: it stays 0 in silence."""
        return float((await self.received(user, "audio")).get("totalAudioEnergy", 0.0))

    async def pixels(self, user: str) -> NDArray[np.uint8]:
        """Return what a user's picture shows now: `(H, W, 3)` uint8 RGB. Raises `BrowserError` if there is none."""
        picture = await self.evaluate(f"exeuntTest.pixels({json.dumps(user)})")
        if picture is None:
            raise BrowserError(f"the page of {self.user} shows no picture of {user}: await page.until_frames() first")
        flat = np.frombuffer(base64.b64decode(picture["rgba"]), dtype=np.uint8)
        return flat.reshape(picture["height"], picture["width"], 4)[:, :, :3].copy()

    async def until_frames(self, user: str, count: int = 5) -> None:
        """Wait until so many more pictures of a user were decoded. Raises `AssertionError` after 30 s."""
        more = await _grown(lambda: self.decoded_frames(user))
        await self._until_more(more, count, f"{count} pictures of {user}")

    async def until_sound(self, user: str) -> None:
        """Wait until a user is heard from now on. Raises `AssertionError` after 30 s."""
        more = await _grown(lambda: self.sound_energy(user))
        await self._until_more(more, 1e-6, f"a sound of {user}")

    async def until(self, expression: str) -> None:
        """Wait until a JavaScript expression is true. Raises `AssertionError` after 30 s."""
        await self._until_more(lambda: self.evaluate(f"!!({expression})"), 1, expression)

    async def until_event(self, kind: str, /, **facts: object) -> Event:
        """Wait until the page was told something, like `until_event("remoteUserLeave", user="ana")`; return it."""

        def found() -> Event | None:
            wanted = {"type": kind, **facts}.items()
            return next((event for event in self.events if wanted <= event.items()), None)

        try:
            async with asyncio.timeout(LIMIT):
                while (event := found()) is None:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            told = "\n".join(map(str, self.events))
            raise AssertionError(f"the page of {self.user} was never told {kind} {facts}, but:\n{told}") from None
        return event

    # -- how it goes --

    async def reload(self) -> None:
        """Load the page again, as a user does; return when it is in the room anew."""
        seen = len(self.events)
        await self._open_browser.reload()
        await self._until_more(self._entered_since(seen), 1, "to be in the room again")

    async def go_away(self) -> None:
        """Go to another page, as a user does who follows a link."""
        await self._open_browser.go(ELSEWHERE)

    async def come_back(self) -> None:
        """Go back to the page, as a user does, after `go_away`; return when it is in the room anew."""
        seen = len(self.events)
        await self._open_browser.go_back()
        await self._until_more(self._entered_since(seen), 1, "to be in the room again")

    async def close_tab(self) -> None:
        """Close the tab, as a user does. The browser stays until the end of the test."""
        await self._open_browser.close_tab()

    def kill_tab(self) -> None:
        """Kill the process behind the tab. The browser stays until the end of the test."""
        self._open_browser.kill_tab()

    def kill(self) -> None:
        """Kill the browser with all its processes, as a power cut does."""
        self._open_browser.kill()

    async def close(self) -> None:
        """Close the browser. May be called twice; the fixture does so at the end of the test."""
        browser, self._browser = self._browser, None
        if browser is not None:
            await browser.close()

    async def enter(self, browser: Browser, url: str, *, codec: str = "") -> None:
        """Open a room's page in a browser and wait until it is in the room. The browser is the page's from now on."""
        self._browser = browser
        script = files("peer.testing").joinpath("page.js").read_text(encoding="utf-8")
        await browser.open(url, script.replace("%CODEC%", codec))
        try:
            await self._until_more(self._entered_since(0), 1, "to be in the room", LOAD_LIMIT)
        except AssertionError:  # a browser gives up scripts that it is loading when it takes the network for another
            await browser.reload()
            await self._until_more(self._entered_since(0), 1, "to be in the room")

    def take(self, text: str) -> None:
        """Take what the page's script tells."""
        told: dict[str, Any] = json.loads(text)
        if "problem" in told:
            self.problems.append(told["problem"])
            return
        self.events.append(told["event"])
        for listener in self._listeners:
            listener(told["event"])
        self._changed.set()

    def _entered_since(self, seen: int) -> Callable[[], Any]:
        async def count() -> int:
            return sum(event["type"] == "enterRoom" for event in self.events[seen:])

        return count

    async def _until_more(self, look: Callable[[], Any], least: float, what: str, limit: float = LIMIT) -> None:
        try:
            async with asyncio.timeout(limit):
                while await look() < least:  # noqa: ASYNC110 - a browser counts by itself, and tells nobody
                    await asyncio.sleep(POLL)
        except TimeoutError:
            shown = await self._shown()
            raise AssertionError(f"{self.user}'s page waited {limit:g} s for {what}: {self._state()}{shown}") from None

    async def _shown(self) -> str:
        """Return what the page says to whoever looks at it; empty if it does not answer."""
        try:
            async with asyncio.timeout(SHOWN_LIMIT):
                text = await self.evaluate(SHOWN)
        except (BrowserError, TimeoutError):
            return ""
        return f"\nit is at {' '.join(str(text).split())}"

    def _state(self) -> str:
        return "\n".join(["", *map(str, self.events[-10:]), *self.problems])

    @property
    def _open_browser(self) -> Browser:
        if self._browser is None:
            raise BrowserError(f"the page of {self.user} is closed")
        return self._browser


async def _grown(look: Callable[[], Awaitable[float]]) -> Callable[[], Awaitable[float]]:
    """Return what tells by how much a figure has grown since now: one of a connection begins anew with the next one."""
    last, grown = await look(), 0.0

    async def more() -> float:
        nonlocal last, grown
        now = await look()
        grown += now - last if now >= last else now
        last = now
        return grown

    return more


def kind_of(name: str) -> type[Browser]:
    """Return a browser by its name. Raises `BrowserError` for one that is not known."""
    if name not in BROWSERS:
        raise BrowserError(f"{name!r} is no browser known here: it is one of {', '.join(BROWSERS)}")
    return BROWSERS[name]
