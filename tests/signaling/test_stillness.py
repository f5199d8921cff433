"""While the server's own loop stands still, nobody is silent: what they said meanwhile is taken in first."""

import asyncio
import time

from aiohttp import WSMsgType

from signaling import SignalingConfig, SignalingServer
from signaling.messages import NeedOffer
from signaling.observer import Observers
from signaling.sockets import Sockets
from tests.signaling.client import PATIENCE, listening
from tests.signaling.janus.test_janus_patience import Clock

HEARTBEAT = 0.4  # seconds


async def test_who_has_answered_while_the_loop_stood_still_is_not_cut_off() -> None:
    async with listening(SignalingServer(grace=0, heartbeat=HEARTBEAT)) as place:
        ana = await place.connect(autoping=False)
        await ana.join("ana")
        ping = await ana.socket.receive(timeout=PATIENCE)
        assert ping.type is WSMsgType.PING
        await ana.socket.pong(ping.data)
        time.sleep(HEARTBEAT)  # noqa: ASYNC251 - as a busy machine does: the answer lies unread
        await ana.say(NeedOffer(user="ana"))
        await ana.hear_a(NeedOffer)


class Watched:
    """Counts how often it is looked at."""

    looks = 0

    def look(self, now: float) -> None:
        self.looks += 1


def test_a_loop_that_stands_still_again_and_again_looks_after_its_sockets_all_the_same() -> None:
    async def play() -> int:
        clock, one = asyncio.get_running_loop(), Watched()
        assert isinstance(clock, Clock)
        sockets = Sockets(SignalingConfig(), Observers())
        sockets.watch(one)
        for _ in range(4):
            await clock.stand_still(10.0)
        sockets.release(one)
        return one.looks

    with asyncio.Runner(loop_factory=Clock) as runner:
        assert runner.run(play()) == 2
