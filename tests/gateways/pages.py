"""A page of another site that publishes by WHIP and plays by WHEP: a few lines of JavaScript, in a real browser."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from peer.testing.browser import Browser
from peer.testing.chromium import Chromium
from tests.devices.tools import need

SCRIPT = """
async function post(pc, url) {
    const candidates = [];
    pc.onicecandidate = ({ candidate }) => candidates.push(candidate?.candidate ?? "");
    await pc.setLocalDescription();
    const headers = { "Content-Type": "application/sdp" };
    const answer = await fetch(url, { method: "POST", headers, body: pc.localDescription.sdp });
    if (answer.status !== 201) throw new Error(`${answer.status}: ${await answer.text()}`);
    window.session = new URL(answer.headers.get("Location"), url).href;
    const tag = answer.headers.get("ETag");
    await pc.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    while (pc.iceGatheringState !== "complete") await new Promise((next) => setTimeout(next, 20));
    const lines = candidates.filter(Boolean).map((candidate) => `a=${candidate}`);
    const body = ["m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", ...lines, "a=end-of-candidates", ""].join("\\r\\n");
    const trickle = { "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": tag };
    const added = await fetch(session, { method: "PATCH", headers: trickle, body });
    return [added.status, candidates.length, /a=candidate/.test(pc.currentLocalDescription.sdp)];
}
async function publish(url) {
    const video = { width: 320, height: 180, frameRate: 15 };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video });
    window.pc = new RTCPeerConnection();
    for (const track of stream.getTracks()) pc.addTransceiver(track, { direction: "sendonly", streams: [stream] });
    return await post(pc, url);
}
async function play(url) {
    window.pc = new RTCPeerConnection();
    for (const kind of ["audio", "video"]) pc.addTransceiver(kind, { direction: "recvonly" });
    return await post(pc, url);
}
async function decodes(pictures) {
    while (true) {
        for (const { type, kind, framesDecoded } of (await pc.getStats()).values())
            if (type === "inbound-rtp" && kind === "video" && framesDecoded >= pictures) return framesDecoded;
        await new Promise((next) => setTimeout(next, 50));
    }
}
async function end() {
    const answer = await fetch(session, { method: "DELETE" });
    return answer.status;
}
"""
PAGE = f"<!doctype html><title>WHIP</title><script>{SCRIPT}</script>"


@dataclass
class Page:
    """The page, and what went wrong in it."""

    browser: Browser
    problems: list[str]

    async def ask(self, call: str, *words: str | int) -> object:
        """Call one of its functions; return what that returns."""
        return await self.browser.evaluate(f"{call}({', '.join(map(json.dumps, words))})")


@asynccontextmanager
async def site() -> AsyncIterator[str]:
    """Serve the page on a port of its own; yields its origin."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def opened(origin: str, folder: Path, kind: type[Browser] = Chromium) -> AsyncIterator[Page]:
    """Open the page in a browser for the length of the block."""
    need(kind.names[0], kind.package)
    problems: list[str] = []
    browser = await kind.start(folder / "profile", problems.append)
    try:
        await browser.open(origin, "() => {}")
        while await browser.evaluate("typeof play") != "function":
            pass  # the page is on its way
        yield Page(browser, problems)
    finally:
        await browser.close()
    assert problems == []
