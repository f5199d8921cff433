"""In a room whose media pass through a real Janus, WHIP and WHEP are as in any other."""

import numpy as np

from peer.capture import TestPattern
from signaling.reasons import Detection, Reason
from tests.e2e.rooms import rooms_of
from tests.gateways.clients import COLOUR, client
from tests.gateways.test_whip import TOLERANCE, see, told
from tests.gateways.whip_room import whip_room


async def test_a_publisher_is_seen_and_a_peer_is_played_through_janus() -> None:
    async with rooms_of("janus") as options, whip_room(options) as room:
        ana, ben = await room.join("ana"), await room.join("ben")
        async with client(publishes=True, codec="video/VP8") as obs, client(publishes=False) as screen:
            await obs.begin(room.whip)
            assert np.abs((await see(ana, "obs")).mean(axis=(0, 1)) - COLOUR).max() < TOLERANCE
            await ana.publish(TestPattern(width=320, height=180, fps=15))
            await see(ben, "ana")
            await screen.begin(room.whep("ana"))
            await screen.until(lambda: len(screen.frames) >= 5)
            assert await screen.delete() == 200
            assert await room.server.kick("lobby", "obs")
            await room.until_empty()
            assert await obs.delete() == 404
        for user, reason, known_by in (
            ("screen", Reason.LEFT, Detection.NOTICE),
            ("obs", Reason.KICKED, Detection.ADMIN),
        ):
            await room.journal.until("ana", f"remoteUserLeave {user} {reason}")
            assert told(room, "ana", user).detected_by is known_by
