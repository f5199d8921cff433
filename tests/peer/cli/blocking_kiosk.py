"""A kiosk whose loop is blocked three times; it says when: `blocking_kiosk.py URL SECONDS`."""

import asyncio
import os
import sys
import time

from peer import Peer, TestPattern
from peer.cli.kiosk import Kiosk, run_kiosk
from peer.cli.output import JsonLines
from peer.cli.supervisor import Supervisor

URL, SECONDS = sys.argv[1], float(sys.argv[2])
OWN = Supervisor(os.environ["NOTIFY_SOCKET"])


def block() -> None:
    OWN.say(STATUS="blocked")
    time.sleep(SECONDS)
    OWN.say(STATUS="free")


async def publish(me: Peer) -> None:
    await me.publish(TestPattern(width=64, height=64, fps=10))
    for turn in range(3):
        asyncio.get_running_loop().call_later(0.5 + turn * (SECONDS + 0.5), block)


asyncio.run(
    run_kiosk(JsonLines(), Kiosk(make_peer=lambda: Peer(URL, room="lobby", user="kiosk"), publish=publish), None)
)
OWN.close()
