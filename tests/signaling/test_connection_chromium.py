"""A browser reads the frames that the server writes to many at once."""

import pytest
from playwright.async_api import Browser

from signaling.server import SignalingServer
from tests.signaling.client import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

# Two sockets in one page: one says messages of these sizes in one go, the other notes what it hears.
SPEAK_AND_HEAR = """async ([url, sizes]) => {
    const open = async (user) => {
        const socket = new WebSocket(url);
        const heard = [];
        socket.closed = new Promise((resolve) => (socket.onclose = ({ code }) => resolve(code)));
        socket.until = (type) => new Promise((resolve) => {
            socket.onmessage = ({ data }) => {
                const message = JSON.parse(data);
                heard.push(message);
                if (message.type === type) resolve();
            };
        });
        await new Promise((resolve) => (socket.onopen = resolve));
        const joined = socket.until("joined");
        socket.send(JSON.stringify({ type: "join", room: "42", user }));
        await joined;
        socket.heard = heard;
        return socket;
    };
    const ben = await open("ben");
    const ana = await open("ana");
    const gone = ben.until("remoteUserLeave");
    for (const size of sizes) {
        ana.send(JSON.stringify({ type: "message", topic: "size", data: "x".repeat(size) }));
    }
    ana.send(JSON.stringify({ type: "leave" }));
    await gone;
    const sizesHeard = ben.heard.filter(({ topic }) => topic === "size").map(({ data }) => data.length);
    ben.send(JSON.stringify({ type: "leave" }));
    return [sizesHeard, await ana.closed, await ben.closed];
}"""


async def test_chromium_reads_frames_of_every_length_in_order_and_closes_cleanly(
    browser: Browser, base_url: str, server: SignalingServer
) -> None:
    sizes = [0, 1, 70, 80, 126, 1000, 16_000, 5, 15_000, 2]
    page = await browser.new_page()
    try:
        await page.goto(f"{base_url}/elsewhere")
        page.set_default_timeout(PATIENCE * 1000)
        url = f"{base_url.replace('http', 'ws')}/ws"
        assert await page.evaluate(SPEAK_AND_HEAR, [url, sizes]) == [sizes, 1000, 1000]
    finally:
        await page.close()
    assert all(room.name != "42" for room in server.rooms())
