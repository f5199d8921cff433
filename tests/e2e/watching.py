"""Pages that watch, and say in numbers what they see: when the first picture came, and how each one after it was."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, BrowserContext

from peer import Peer
from tests.tab import Tab

# For each connection: when it was connected and showed its first picture (milliseconds), and the time code of each
# picture that it showed since, null where it cannot be read (see peer/capture/timecode.py).
WITNESS = """
    window.calls = [];
    window.onlyCodec = null;
    const CELLS = 40, WIDTH = 400;
    const canvas = new OffscreenCanvas(WIDTH, 3);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const timeCode = (video) => {
        context.drawImage(video, 0, 0, video.videoWidth, video.videoHeight / 12, 0, 0, WIDTH, 3);
        const row = context.getImageData(0, 1, WIDTH, 1).data;
        const bits = Array.from({ length: CELLS }, (_, cell) => row[(cell * 10 + 5) * 4 + 1] > 127 ? 1 : 0);
        if (bits[0] !== 1 || bits[1] !== 0 || bits[38] !== 0 || bits[39] !== 1) return null;
        const nibbles = Array.from({ length: 9 }, (_, n) => parseInt(bits.slice(2 + 4 * n, 6 + 4 * n).join(""), 2));
        return nibbles.reduce((left, right) => left ^ right) === 0 ? parseInt(bits.slice(2, 34).join(""), 2) : null;
    };
    const watch = (call, track) => {
        const video = call.video = Object.assign(document.createElement("video"), { muted: true });
        const look = () => {
            const code = timeCode(video);
            if (code !== null) call.first ??= performance.now();  // a track that is muted shows black
            call.codes.push(code);
            video.requestVideoFrameCallback(look);
        };
        video.srcObject = new MediaStream([track]);
        video.requestVideoFrameCallback(look);
        video.play().catch(() => {});
    };
    window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(...options) {
            super(...options);
            const call = { pc: this, codes: [] };
            calls.push(call);
            this.addEventListener("connectionstatechange", () => {
                if (this.connectionState === "connected") call.connected ??= performance.now();
            });
            this.addEventListener("track", ({ track }) => { if (track.kind === "video") watch(call, track); });
        }
        setLocalDescription(...options) {
            const wanted = RTCRtpReceiver.getCapabilities("video").codecs
                .filter(({ mimeType }) => [`video/${onlyCodec}`, "video/rtx"].includes(mimeType));
            for (const transceiver of onlyCodec ? this.getTransceivers() : []) {
                if (transceiver.receiver.track.kind === "video") transceiver.setCodecPreferences(wanted);
            }
            return super.setLocalDescription(...options);
        }
    };
    window.watched = () => calls  // the others of the page show nothing
        .reduce((most, call) => (call.codes.length > (most?.codes.length ?? 0) ? call : most), null);
    window.inbound = async () => {
        const stats = [...(await watched().pc.getStats()).values()];
        return stats.find(({ type, kind }) => type === "inbound-rtp" && kind === "video") ?? null;
    };
    window.localPort = async () => {
        const stats = await watched().pc.getStats();
        const transport = [...stats.values()].find(({ type }) => type === "transport");
        const pair = stats.get(transport?.selectedCandidatePairId);
        return stats.get(pair?.localCandidateId)?.port ?? null;
    };
"""

OpenViewer = Callable[..., Awaitable["Watching"]]


class Watching:
    """A page that watches one publisher."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab

    async def until_shown(self, number: int = 1) -> None:
        """Wait until so many pictures more were shown."""
        await self.tab.value("{ window.shownBefore = watched()?.codes.length ?? 0; }")
        await self.tab.until(f"(watched()?.codes.length ?? 0) >= shownBefore + {number}")

    async def inbound(self) -> dict[str, Any]:
        """Return the browser's statistics of the picture that it gets (W3C webrtc-stats, section 8.3)."""
        return dict(await self.tab.page.evaluate("inbound()"))

    async def codec(self) -> str:
        """Return the mime type that is decoded."""
        stats = "watched().pc.getStats()"
        return str(
            await self.tab.page.evaluate(f"inbound().then(async (s) => (await {stats}).get(s.codecId).mimeType)")
        )

    async def codes(self) -> list[int | None]:
        """Return the time codes of all pictures that were shown."""
        return list(await self.tab.page.evaluate("watched().codes"))

    async def took(self) -> float:
        """Return the seconds from the connection to the first picture."""
        return float(await self.tab.page.evaluate("watched().first - watched().connected")) / 1000

    async def local_port(self) -> int:
        """Return the UDP port at which the page receives."""
        await self.tab.until("await localPort() !== null")
        return int(await self.tab.page.evaluate("localPort()"))


@asynccontextmanager
async def viewers(browser: Browser, url: str) -> AsyncIterator[OpenViewer]:
    """Open pages in the room "lobby": `await open("ana", "VP8")` takes only that codec. None may have had a problem."""
    contexts: list[BrowserContext] = []
    tabs: list[Tab] = []

    async def open_one(user: str, codec: str | None = None) -> Watching:
        context = await browser.new_context(reduced_motion="reduce")
        contexts.append(context)
        await context.add_init_script(WITNESS)
        await context.add_init_script(f"window.onlyCodec = {json.dumps(codec)};")
        tab = Tab(await context.new_page())
        tabs.append(tab)
        await tab.page.goto(f"{url}/lobby?user={user}")
        await tab.until_inside()
        return Watching(tab)

    try:
        yield open_one
    finally:
        for context in contexts:
            await context.close()
        assert [problem for tab in tabs for problem in tab.problems] == []


def sends(me: Peer, user: str, kind: str = "video") -> Any:
    """Return what `me` says of the picture that it sends to a user."""
    return next(stats for stats in me.stats() if (stats.user, stats.kind) == (user, kind))
