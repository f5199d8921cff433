"""Start of a publisher's process → first picture decoded in a viewer's Chromium.

The viewer, a headless Chromium in the room, is there before. The two publishers take turns: `exeunt publish --test`,
and a headless Chromium with its fake camera that opens a page of a few lines. Both go through the same server and the
same code in the viewer; the clock is the machine's.
"""

import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from playwright.async_api import Page, async_playwright

from bench.publishing.programs import compile_ahead
from signaling.server import SignalingServer

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
LIMIT = 30.0  # seconds for one start
ROOM, USER = "bench", "publisher"

PUBLISHER_PAGE = """<!doctype html><title>publisher</title><script type="module">
import {{ Peer }} from "./rooms/-/exeunt.js";
const wanted = {{ video: {{ width: 1280, height: 720, frameRate: 30 }}, audio: true }};
const camera = navigator.mediaDevices.getUserMedia(wanted);
const me = new Peer(`ws://${{location.host}}/rooms/ws`, {{ room: "{room}", user: "{user}" }});
await me.join();
await me.publish(await camera);
</script>"""

FIRST_PICTURE = """async (user) => {
    const find = () => document.querySelector(`[data-user="${user}"] video`);
    while (!find()) await new Promise((next) => setTimeout(next, 5));
    const video = find();
    if (video.videoWidth && video.readyState >= 2 && video.currentTime > 0) return Date.now();
    return new Promise((seen) => video.requestVideoFrameCallback(() => seen(Date.now())));
}"""

FLAGS = (
    "--headless",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    *(("--no-sandbox",) if os.geteuid() == 0 else ()),
)


async def run(*, runs: int, as_json: bool) -> None:
    """Measure both, in turns, and print medians and their ratio."""
    compile_ahead()
    async with serving() as url, viewer(f"{url}/rooms/{ROOM}?user=viewer") as page:
        seconds: dict[str, list[float]] = {"exeunt": [], "chromium": []}
        for _ in range(runs):
            exeunt = (
                sys.executable,
                "-m",
                "peer.cli",
                "publish",
                f"ws{url[4:]}/rooms/ws",
                ROOM,
                "--user",
                USER,
                "--test",
            )
            seconds["exeunt"].append(await _start(page, *exeunt))
            with tempfile.TemporaryDirectory() as profile:
                chromium = (str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", f"{url}/publisher")
                seconds["chromium"].append(await _start(page, *chromium))
    _print(seconds, as_json=as_json)


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """Serve rooms under `/rooms`, and beside them the page of a browser that publishes."""

    async def publisher(_: web.Request) -> web.Response:
        return web.Response(text=PUBLISHER_PAGE.format(room=ROOM, user=USER), content_type="text/html")

    app = web.Application()
    app.router.add_get("/publisher", publisher)
    app.add_subapp("/rooms", SignalingServer().app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def viewer(address: str) -> AsyncIterator[Page]:
    """Open the room's page in a headless Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, chromium_sandbox=os.geteuid() != 0, args=list(FLAGS[1:])
        )
        try:
            page = await browser.new_page()
            await page.goto(address)
            yield page
        finally:
            await browser.close()


async def _start(page: Page, *command: str) -> float:
    """Start a publisher; return the seconds until its first picture is seen. Then end it."""
    seen = asyncio.ensure_future(page.evaluate(FIRST_PICTURE, USER))
    began = time.time()
    running = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(LIMIT):
            return float(await seen) / 1000 - began
    finally:
        running.terminate()
        await running.wait()
        await page.wait_for_selector(f'[data-user="{USER}"]', state="detached")


def _print(seconds: dict[str, list[float]], *, as_json: bool) -> None:
    ours, theirs = (statistics.median(seconds[name]) for name in ("exeunt", "chromium"))
    if as_json:
        print(json.dumps({"bench": "start", "seconds": seconds, "ratio": round(ours / theirs, 3)}))
        return
    print("process start -> first picture decoded in Chromium (1280x720 at 30 fps and sound)")
    for name, label in (("exeunt", "exeunt publish --test"), ("chromium", "headless Chromium, fake camera")):
        values = seconds[name]
        print(f"  {label:<32} median {statistics.median(values):.2f} s   {min(values):.2f} to {max(values):.2f}")
    print(f"  ratio of the medians             {ours / theirs:.2f}")
