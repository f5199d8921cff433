"""A page of another site publishes and plays with nothing but `fetch` and `RTCPeerConnection`, in a real browser."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from peer.capture import TestPattern
from peer.media.passage import NO_ENCODER
from peer.testing.browser import Browser
from peer.testing.chromium import Chromium
from peer.testing.firefox import Firefox
from signaling.reasons import Detection, Reason
from tests.gateways.clients import LIMIT
from tests.gateways.pages import opened, site
from tests.gateways.test_whip import hear, see, sent, told
from tests.gateways.whip_room import SILENCE, whip_room

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("kind", "die"),
    [
        pytest.param(Chromium, Chromium.kill_tab, id="Chromium"),
        pytest.param(Firefox, Firefox.kill, id="Firefox"),  # which says goodbye for a tab that is killed
    ],
)
async def test_a_page_publishes_what_a_python_peer_sees_as_numpy_and_is_lost_when_it_is_killed(
    tmp_path: Path, kind: type[Browser], die: Callable[[Browser], None]
) -> None:
    async with (
        site() as origin,
        whip_room({"allowed_origins": (origin,)}, silence=SILENCE) as room,
        opened(origin, tmp_path, kind) as page,
    ):
        ana = await room.join("ana")
        status, candidates, _ = await page.ask("publish", room.whip)
        assert status == 204
        assert candidates > 0
        picture = await see(ana, "obs")
        assert picture.shape[2] == 3
        assert picture.std() > 10  # the fake camera's clock and pacman, and not one colour
        await hear(ana, "obs")
        assert {kind: way[0] for kind, way in sent(room).items()} == {"video": NO_ENCODER, "audio": NO_ENCODER}
        assert await page.ask("end") == 200
        assert told(room, "ana", "obs").reason is Reason.LEFT
        room.journal.events.clear()
        await page.ask("publish", room.whip)
        await see(ana, "obs")
        die(page.browser)
        await room.journal.until_true(lambda: "remoteUserLeave obs network_lost" in room.journal.of("ana"))
        leave = told(room, "ana", "obs")
        assert leave.detected_by is Detection.MEDIA
        assert leave.silent_for >= SILENCE
        await room.until_empty()


@pytest.mark.parametrize("kind", [Chromium, Firefox])
async def test_a_page_plays_a_python_peer_and_counts_its_pictures(tmp_path: Path, kind: type[Browser]) -> None:
    async with (
        site() as origin,
        whip_room({"allowed_origins": (origin,)}) as room,
        opened(origin, tmp_path, kind) as page,
    ):
        ana = await room.join("ana")
        await ana.publish(TestPattern(width=320, height=180, fps=15))
        status, _, _ = await page.ask("play", room.whep("ana"))
        assert status == 204
        async with asyncio.timeout(LIMIT):
            await page.ask("decodes", 30)
        assert await room.server.kick("lobby", "screen")
        await room.until_empty()
        assert await page.ask("end") == 404
