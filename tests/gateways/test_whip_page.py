"""Our own page of the room sees and hears a WHIP publisher, whoever came first, and is told how it left."""

import pytest
import pytest_asyncio

from peer.gateways.whip import add_whip
from signaling.config import Options
from signaling.server import SignalingServer
from tests.browser import OpenTab
from tests.gateways.clients import client

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def server(server_options: Options) -> SignalingServer:
    server = SignalingServer(**server_options)
    add_whip(server)
    return server


async def test_a_page_sees_a_publisher_whoever_came_first(open_tab: OpenTab, base_url: str) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    async with client(publishes=True) as obs:
        await obs.begin(f"{base_url}/whip/lobby?user=obs")
        await ana.until_picture("obs")
        ben = await open_tab("ben")
        await ben.until_picture("obs")
        assert await obs.delete() == 200
        for tab in (ana, ben):
            await tab.until_event("remoteUserLeave obs left notice")
