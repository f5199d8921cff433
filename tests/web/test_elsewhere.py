"""A page of ours connects to our server, and nowhere else."""

import pytest

from tests.browser import OpenTab

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

CONNECTS = """new Promise((resolve) => {
    document.addEventListener("securitypolicyviolation", ({ blockedURI }) => resolve(`blocked: ${blockedURI}`));
    const socket = new WebSocket(%s);
    socket.onopen = () => resolve("open");
    setTimeout(resolve, 10_000, "neither");
})"""


async def test_a_page_opens_a_websocket_to_our_server_and_to_no_other(open_tab: OpenTab) -> None:
    tab = await open_tab("ana")
    assert await tab.value(CONNECTS % "new URL('./ws', location.href.replace(/^http/, 'ws'))") == "open"
    assert await tab.value(CONNECTS % "'ws://127.0.0.1:9/ws'") == "blocked: ws://127.0.0.1:9/ws"
    (problem,) = tab.problems
    assert "\"connect-src 'self'\"" in problem
    tab.problems.clear()  # that one was wanted
