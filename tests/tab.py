"""One page of a browser that shows a room, as a test sees it."""

import asyncio

from playwright.async_api import ConsoleMessage, Page

DEADLINE = 40.0  # seconds for anything that a test waits for

# What `events` tells of each, without what comes and goes with the calls.
EVENTS = """exeunt.events.filter(({ type }) => type !== "track" && !/^remoteUser(Un)?(published|muted)$/i.test(type))
    .map(({ type, user, reason, detectedBy }) => [type, user, reason, detectedBy].filter(Boolean).join(" "))"""

PICTURE_HASH = """(() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 });
    const context = canvas.getContext("2d");
    context.drawImage(document.querySelector('%s video'), 0, 0, 64, 48);
    return context.getImageData(0, 0, 64, 48).data.join("");
})()"""

LOUDNESS = """(() => {
    if (!window.meter) {
        const context = new AudioContext();
        window.meter = context.createAnalyser();
        context.createMediaStreamSource(document.querySelector('%s audio').srcObject).connect(window.meter);
    }
    const samples = new Float32Array(window.meter.fftSize);
    window.meter.getFloatTimeDomainData(samples);
    return Math.max(...samples.map(Math.abs));
})()"""


def tile(user: str) -> str:
    """Return the selector of a user's tile."""
    return f'[data-user="{user}"]'


class Tab:
    """A page with its waits. `problems` are the exceptions and breaches of the security policy in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._heard)

    async def until(self, condition: str) -> None:
        """Wait until a JavaScript expression is true in the page.

        `page.wait_for_function` would need `eval`, which the security policy of the page forbids.
        """
        loop = "async () => { while (!(%s)) await new Promise((next) => setTimeout(next, 20)); }"
        try:
            async with asyncio.timeout(DEADLINE):
                await self.page.evaluate(loop % condition)
        except TimeoutError:
            raise AssertionError(f"never came true: {condition}\n{await self.page.evaluate(STATE)}") from None

    async def until_unasked(self, condition: str) -> None:
        """As `until`, but the page does not take it for a click, as it does every other look that we take."""
        session = await self.page.context.new_cdp_session(self.page)
        loop = "(async () => { while (!(%s)) await new Promise((next) => setTimeout(next, 20)); })()"
        async with asyncio.timeout(DEADLINE):
            await session.send(
                "Runtime.evaluate", {"expression": loop % condition, "awaitPromise": True, "userGesture": False}
            )

    async def value(self, expression: str) -> object:
        """Return what an expression is in the page."""
        return await self.page.evaluate(expression)

    async def events(self) -> list[str]:
        """Return everything that happened, in order, as "type user reason detected_by"."""
        return list(await self.page.evaluate(EVENTS))

    async def until_event(self, event: str) -> None:
        """Wait for an event, given as `events` tells it."""
        await self.until(f"{EVENTS}.includes({event!r})")

    async def until_inside(self) -> None:
        """Wait until the page is in its room."""
        await self.until("window.exeunt?.me.isInside")

    async def until_connected(self, user: str) -> None:
        """Wait until media can flow between this page and a user."""
        await self.until(f"exeunt.me.isConnected({user!r})")

    async def until_channels(self, count: int) -> None:
        """Wait until this page can talk straight to so many others."""
        await self.until(f"channels.filter(({{ readyState }}) => readyState === 'open').length === {count}")

    async def until_picture(self, user: str) -> None:
        """Wait until a user's tile shows a picture that moves."""
        await self.until(f"document.querySelector('{tile(user)}')?.dataset.picture === 'on'")
        picture = PICTURE_HASH % tile(user)
        await self.until(f"(window.first ??= {picture}) !== {picture}")
        await self.value("delete window.first")

    async def until_sound(self, user: str) -> None:
        """Wait until a user is heard."""
        await self.until(f"({LOUDNESS % tile(user)}) > 0.01")

    async def until_ended(self, title: str) -> None:
        """Wait for the last screen with this title."""
        await self.page.get_by_role("heading", name=title).wait_for(timeout=DEADLINE * 1000)

    async def publish(self) -> None:
        """Join with camera and microphone, and keep the tracks in `window.published`."""
        await self.page.click("#publish")
        await self.until("document.querySelector('.own video')?.srcObject?.active")
        await self.value("{ window.published = document.querySelector('.own video').srcObject.getTracks(); }")

    async def devices_are_released(self) -> bool:
        """Whether every track that `publish` opened has ended."""
        return bool(await self.value("published.length > 0 && published.every((t) => t.readyState === 'ended')"))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.problems.append(message.text)


STATE = """JSON.stringify({
    events: window.exeunt?.events.map((event) => event.type + " " + (event.user ?? "")),
    page: document.body.innerText.slice(0, 400),
}, null, 1)"""
