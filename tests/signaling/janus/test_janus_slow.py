"""A Janus on a busy machine: slow, but there."""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from signaling.janus.carer import Carer
from signaling.janus.errands import Errands
from signaling.janus.failures import JanusUnreachable
from signaling.janus.orders import Order
from signaling.janus.placing import Health, Server
from signaling.janus.protocol import SUBPROTOCOL
from tests.signaling.janus.guests import PATIENCE

SLOW, LIMIT = 0.5, 1.8  # seconds for each answer, of which it takes four; seconds of silence until it counts as dead


async def answer(request: web.Request) -> web.WebSocketResponse:
    """Say yes to everything, slowly."""
    socket = web.WebSocketResponse(protocols=(SUBPROTOCOL,))
    await socket.prepare(request)
    async for frame in socket:
        said = json.loads(frame.data)
        if said["janus"] != "destroy":
            await asyncio.sleep(SLOW)
        done = {"janus": "success", "transaction": said["transaction"], "data": {"id": 1}}
        await socket.send_json({**done, "plugindata": {"data": {"list": []}}})
    return socket


@asynccontextmanager
async def slow_janus() -> AsyncIterator[str]:
    """Serve a stand-in; yield its address."""
    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def test_a_janus_that_answers_slowly_is_not_given_up() -> None:
    alive, healths = asyncio.Event(), []

    def changed() -> None:
        healths.append(server.health)
        alive.set()

    async with slow_janus() as url:
        server = Server(url)
        carer = Carer(server, "a secret of many letters", changed=changed, lost=lambda *_: None, limit=LIMIT)
        carer.start()
        try:
            async with asyncio.timeout(PATIENCE):
                await alive.wait()
        finally:
            await carer.close()
    assert healths == [Health.ALIVE]


async def test_an_order_that_fails_at_once_is_not_asked_for_again_before_others_had_a_turn() -> None:
    server = Server("ws://closing")
    server.care.begin(1, ["ana"], places=1, is_new=True)
    errands = Closing()
    carer = Carer(server, "any secret of ours", changed=lambda: None, lost=lambda *_: None, period=math.inf)
    await carer._follow(errands)  # looks around
    following = asyncio.create_task(carer._follow(errands), name="follow")
    try:
        async with asyncio.timeout(PATIENCE):
            await errands.is_asked.wait()
        await asyncio.sleep(0)
        assert not following.done()
    finally:
        following.cancel()
        await asyncio.wait({following})


class Closing(Errands):
    """Orders over a socket that is closing: they fail before anybody could notice that."""

    def __init__(self) -> None:
        self.is_asked = asyncio.Event()

    async def survey(self, now: float) -> None:
        """Find nothing."""

    async def carry_out(self, order: Order) -> None:
        """Fail at once."""
        self.is_asked.set()
        raise JanusUnreachable("the socket is closing")
