"""A peer at the end of a bad link to Janus: what is lost comes again, on the way up and on the way down."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from peer import Peer
from peer.topology.janus.line import VIEWER
from signaling.config import SignalingConfig
from signaling.server import SignalingServer
from tests.devices.janus import janus_server
from tests.e2e.far import PATTERN
from tests.e2e.rooms import through
from tests.e2e.test_loss import Far, publishing
from tests.lossy import LossyCable, reachable

LIMIT = 40.0  # seconds for anything that is waited for
DELAY, LOSS = 0.02, 0.05  # seconds and share of packets, each way
SECONDS = 3  # of pictures under loss


async def until_shown(viewer: Peer, user: str, pictures: int) -> None:
    """Wait until so many more pictures have come whole: what is lost for good keeps those after it away."""
    media = (await viewer.user(user, timeout=LIMIT)).video
    wanted = media.frame_count + pictures
    async with asyncio.timeout(LIMIT):
        async for _ in media.frames():
            if media.frame_count >= wanted:
                return


async def of(far: Far, user: str, key: str) -> dict[str, Any]:
    """Return what the far peer says of the picture that it sends to, or gets of, a user: that which has this key.

    Before anything was sent, or came, that is 0.
    """
    assert far._running.stdin is not None
    far._running.stdin.write(b"\n")
    said = await far.line()
    return next((one for one in said if one.get("kind") == "video" and one["user"] == user and key in one), {key: 0})


def is_repaired(up: dict[str, Any], down: dict[str, Any]) -> bool:
    """Whether something that was lost has been asked for and has come again, both ways."""
    return all(
        said.get(key, 0) > 0
        for said, keys in (
            (up, ("nack_count", "retransmitted_packets_sent")),
            (down, ("nack_count", "retransmitted_packets_received")),
        )
        for key in keys
    )


@asynccontextmanager
async def apart(cable: LossyCable) -> AsyncIterator[tuple[Far, Peer]]:
    """A room of Janus with a kiosk at the far end of a cable, and ana beside Janus and our server."""
    async with janus_server() as janus, AsyncExitStack() as stack:
        stack.enter_context(cable.laid())
        url = await stack.enter_async_context(reachable(janus.url))
        site = await stack.enter_async_context(SignalingServer(SignalingConfig(**through(janus, url=url))).listen())
        near = await stack.enter_async_context(reachable(site.url))
        far = await stack.enter_async_context(publishing(cable, near))
        yield far, await stack.enter_async_context(Peer(site.ws_url, room="lobby", user="ana", guard=False))


async def test_what_is_lost_between_a_peer_and_janus_comes_again_both_ways() -> None:
    cable = LossyCable(delay=DELAY)
    async with apart(cable) as (far, ana):
        await ana.publish(PATTERN)
        await until_shown(ana, "kiosk", 10)
        cable.loss = LOSS
        await until_shown(ana, "kiosk", int(SECONDS * PATTERN.fps))
        async with asyncio.timeout(LIMIT):
            while True:  # for as long as it takes: in any few seconds all that is lost may be what is not asked for
                up, down = await of(far, VIEWER, "frames_sent"), await of(far, "ana", "frames_received")
                if down["frames_received"] >= SECONDS * PATTERN.fps and is_repaired(up, down) and cable.lost > 10:
                    break
                await asyncio.sleep(0.25)
        cable.loss = 0
    print(cable.lost, {key: up[key] for key in ("nack_count", "retransmitted_packets_sent", "pli_count", "tier")})
    print({key: down[key] for key in ("nack_count", "retransmitted_packets_received", "pli_count", "freeze_count")})
