"""A real browser sees and hears a film that is sent as it is."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from peer.media.passage import NO_ENCODER
from tests.browser import OpenTab
from tests.command import Command, python
from tests.devices.v4l2 import FakeCamera
from tests.e2e.movie import FPS, make_movie
from tests.e2e.test_publish import TIME_CODE, assert_sound, until_later, watching
from tests.peer.capture.test_coded_camera import access_units
from tests.tab import Tab, tile

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

PUBLISHER = Path(__file__).with_name("passing.py")
SECONDS = 8  # of the film
STEADY = 3  # seconds that are measured
CALM = {"tune": "zerolatency", "sc_threshold": "0"}


async def until_passed(kiosk: Command, codec: str) -> dict[str, object]:
    while True:
        said = await kiosk.until("sending")
        ways = [said.get(kind) for kind in ("video", "audio")]
        if [way[:2] for way in ways if isinstance(way, list)] == [[NO_ENCODER, codec], [NO_ENCODER, "OPUS"]]:
            return said


async def assert_film_runs(tab: Tab) -> None:
    """The time code goes on, and is that of the film."""
    of_the_film = f"((code) => code !== null && code < {SECONDS * 1000} ? code : null)"
    await until_later(tab, f"{of_the_film}({TIME_CODE % tile('kiosk')})", "(now, before) => now !== before")


@pytest.mark.parametrize(
    ("name", "video", "options", "codec"),
    [
        ("film.mp4", "libx264", CALM, "H264"),  # High profile
        ("film.ts", "libx264", {"profile": "baseline", "sc_threshold": "0"}, "H264"),
        ("film.webm", "libvpx", None, "VP8"),
    ],
)
async def test_a_film_is_seen_and_heard_as_it_is(
    open_tab: OpenTab,
    base_url: str,
    tmp_path: Path,
    name: str,
    video: str,
    options: Mapping[str, str] | None,
    codec: str,
) -> None:
    film = make_movie(tmp_path / name, seconds=SECONDS, video=video, options=options, gop=2 * FPS)
    ana = await watching(open_tab)
    url = f"{base_url.replace('http', 'ws', 1)}/ws"
    async with python(str(PUBLISHER), url, str(film), "auto") as kiosk:
        await ana.until_picture("kiosk")
        await until_passed(kiosk, codec)
        await assert_sound(ana)
        for _ in range(STEADY):
            await assert_film_runs(ana)
            said = await until_passed(kiosk, codec)
        print(f"{name}: {said}")
        kiosk.signal()
        await kiosk.end()


async def test_a_camera_that_encodes_is_seen_as_it_is(open_tab: OpenTab, base_url: str, tmp_path: Path) -> None:
    camera = FakeCamera(tmp_path, size="320x180", h264=access_units(tmp_path))
    ana = await watching(open_tab)
    url = f"{base_url.replace('http', 'ws', 1)}/ws"
    async with python(str(PUBLISHER), url, str(camera.path), "auto", environment=camera.environment) as kiosk:
        await ana.until_picture("kiosk")
        while (sent := (await kiosk.until("sending"))["video"])[:2] != [NO_ENCODER, "H264"]:
            pass
        for _ in range(STEADY):
            await assert_film_runs(ana)
            assert (await kiosk.until("sending"))["video"] == sent  # nobody asked for a key frame since
        kiosk.signal()
        await kiosk.end()


async def test_a_film_that_passes_costs_a_fraction_of_one_that_is_encoded(
    open_tab: OpenTab, base_url: str, tmp_path: Path
) -> None:
    film = make_movie(tmp_path / "film.mp4", seconds=SECONDS, video="libx264", options=CALM, gop=FPS, size=(1280, 720))
    ana = await watching(open_tab)
    url = f"{base_url.replace('http', 'ws', 1)}/ws"
    cost = {}
    for codec in ("h264", "vp8"):  # vp8: it has to be encoded anew
        async with python(str(PUBLISHER), url, str(film), codec) as kiosk:
            await ana.until_picture("kiosk")
            for _ in range(STEADY):
                await kiosk.until("sending")
            measured = [float(str((await kiosk.until("sending"))["cpu"])) for _ in range(STEADY)]
            cost[codec] = sum(measured) / STEADY
            kiosk.signal()
            await kiosk.end()
        await ana.until_event("remoteUserLeave kiosk left notice")
        await ana.until(f"!document.querySelector('{tile('kiosk')}')")
    print(f"CPU-seconds per second: {cost['h264']:.3f} passed, {cost['vp8']:.3f} encoded anew")
    assert cost["h264"] < cost["vp8"] / 2
