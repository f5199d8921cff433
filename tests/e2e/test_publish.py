"""A Python peer publishes each kind of source, as a user would, and a real browser sees and hears it."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from signaling.server import SignalingServer
from tests.browser import OpenTab
from tests.command import Command, exeunt
from tests.devices.pulse import microphone
from tests.devices.v4l2 import FakeCamera
from tests.e2e.framebuffer import screen_with_time_code
from tests.e2e.movie import make_movie
from tests.tab import Tab, tile

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

# The 32 bits of the time code at the top of the picture (see peer/capture/timecode.py), in milliseconds; or null, for
# any one picture may be blurred by its encoder, or be half of one and half of the next.
TIME_CODE = """(() => {
    const video = document.querySelector('%s video');
    if (!video || !video.videoWidth) return null;
    const canvas = Object.assign(document.createElement("canvas"), { width: 400, height: video.videoHeight });
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0, 400, video.videoHeight);
    const row = context.getImageData(0, Math.round(video.videoHeight / 24), 400, 1).data;
    const bits = Array.from({ length: 40 }, (_, cell) => row[(cell * 10 + 5) * 4 + 1] > 127 ? 1 : 0);
    if (bits[0] !== 1 || bits[1] !== 0 || bits[38] !== 0 || bits[39] !== 1) return null;
    const nibbles = Array.from({ length: 9 }, (_, n) => parseInt(bits.slice(2 + 4 * n, 6 + 4 * n).join(""), 2));
    return nibbles.reduce((left, right) => left ^ right) === 0 ? parseInt(bits.slice(2, 34).join(""), 2) : null;
})()"""


def publishing(
    base_url: str, *options: str, environment: Mapping[str, str] | None = None
) -> AbstractAsyncContextManager[Command]:
    """Run `exeunt publish` as kiosk in the room "lobby"."""
    url = f"{base_url.replace('http', 'ws', 1)}/ws"
    return exeunt("publish", url, "lobby", "--user", "kiosk", "--json", *options, environment=environment)


async def watching(open_tab: OpenTab) -> Tab:
    ana = await open_tab("ana")
    await ana.until_inside()
    return ana


async def assert_time_runs(tab: Tab) -> None:
    """The picture shows the time of day, not long ago, and goes on."""
    recent = "((code) => code !== null && Math.abs(Date.now() % 2 ** 32 - code) < 5000 ? code : null)"
    await until_later(tab, f"{recent}({TIME_CODE % tile('kiosk')})", "(now, before) => now > before")


async def until_later(tab: Tab, code: str, follows: str) -> None:
    """Wait for a time code that is one, and then for another that follows it."""
    await tab.until(f"(window.before = {code}) !== null")
    await tab.until(f"((now) => now !== null && ({follows})(now, window.before))({code})")


async def assert_sound(tab: Tab) -> None:
    """There is sound, and it is not silence."""
    await tab.until(f"document.querySelector('{tile('kiosk')} audio')?.srcObject?.getAudioTracks().length")
    await tab.until_sound("kiosk")


async def assert_leaves_well(publisher: Command, tab: Tab, *devices: str) -> None:
    """SIGTERM: the browser is told, every device is free, and the report is the last word."""
    publisher.signal()
    exited = await publisher.exited()
    assert exited["reason"] == "left"
    report = exited["report"]
    assert isinstance(report, dict)
    assert report["notice"] == "acknowledged"
    assert [(device["device"], device["outcome"]) for device in report["devices"]] == [
        (device, "verified") for device in devices
    ]
    await tab.until_event("remoteUserLeave kiosk left notice")
    assert (await tab.events()).count("remoteUserLeave kiosk left notice") == 1


async def test_a_test_pattern_is_seen_with_its_time_and_heard(open_tab: OpenTab, base_url: str) -> None:
    ana = await watching(open_tab)
    async with publishing(base_url, "--test", "--size", "640x360") as kiosk:
        await assert_time_runs(ana)
        await assert_sound(ana)
        await assert_leaves_well(kiosk, ana, "test pattern")


async def test_an_x_screen_is_seen(open_tab: OpenTab, base_url: str, tmp_path: Path) -> None:
    ana = await watching(open_tab)
    async with (
        screen_with_time_code(tmp_path) as display,
        publishing(base_url, f"--screen={display}", "--fps", "15") as kiosk,
    ):
        await assert_time_runs(ana)
        await assert_leaves_well(kiosk, ana, f"screen {display}")


async def test_a_v4l2_camera_is_seen(open_tab: OpenTab, base_url: str, tmp_path: Path) -> None:
    ana = await watching(open_tab)
    camera = FakeCamera(tmp_path)
    options = (f"--camera={camera.path}", "--size", "640x480")
    async with publishing(base_url, *options, environment=camera.environment) as kiosk:
        await assert_time_runs(ana)
        await assert_leaves_well(kiosk, ana, f"camera {camera.path}")


async def test_a_microphone_is_heard_through_alsa_and_pulseaudio(open_tab: OpenTab, base_url: str) -> None:
    ana = await watching(open_tab)
    async with (
        microphone(tone=440) as sound,
        publishing(base_url, "--microphone", environment=sound.environment) as kiosk,
    ):
        await assert_sound(ana)
        assert await sound.listeners() == 1
        await assert_leaves_well(kiosk, ana, "microphone default")
        assert await sound.listeners() == 0


async def test_a_file_is_seen_and_heard_and_its_end_is_the_end(
    open_tab: OpenTab, base_url: str, tmp_path: Path
) -> None:
    ana = await watching(open_tab)
    movie = make_movie(tmp_path / "movie.webm", seconds=10)  # time to connect in
    async with publishing(base_url, "--file", str(movie)) as kiosk:
        code = TIME_CODE % tile("kiosk")
        await ana.until(f"{code} >= 1000 && {code} < 10_000")
        await assert_sound(ana)
        exited = await kiosk.exited()
    assert kiosk.types()[-2:] == ["sourceEnded", "exitRoom"]
    assert exited["reason"] == "left"
    await ana.until_event("remoteUserLeave kiosk left notice")


async def test_a_kicked_publisher_hears_why_and_the_browser_too(open_tab: OpenTab, base_url: str) -> None:
    ana = await watching(open_tab)
    async with publishing(base_url, "--test", "--size", "320x180") as kiosk:
        await ana.until_picture("kiosk")
        await ana.value("exeunt.me.kick('kiosk', 'enough')")
        exited = await kiosk.exited()
    assert (exited["reason"], exited["text"]) == ("kicked", "enough")
    await ana.until_event("remoteUserLeave kiosk kicked admin")
    assert await ana.events() == ["enterRoom ana", "remoteUserJoin kiosk", "remoteUserLeave kiosk kicked admin"]


async def test_a_dismissed_room_ends_publisher_and_page(
    open_tab: OpenTab, base_url: str, server: SignalingServer
) -> None:
    ana = await watching(open_tab)
    async with publishing(base_url, "--test", "--size", "320x180") as kiosk:
        await ana.until_picture("kiosk")
        assert await server.dismiss("lobby", text="closing time")
        exited = await kiosk.exited()
    assert (exited["reason"], exited["text"]) == ("dismissed", "closing time")
    await ana.until_event("exitRoom dismissed")
    assert await ana.events() == ["enterRoom ana", "remoteUserJoin kiosk", "exitRoom dismissed"]


async def test_a_closed_page_is_a_leave_to_the_publisher(open_tab: OpenTab, base_url: str) -> None:
    async with publishing(base_url, "--test", "--size", "320x180") as kiosk:
        await kiosk.until("sends")
        ana = await watching(open_tab)
        await ana.until_picture("kiosk")
        await ana.page.close(run_before_unload=True)
        left = await kiosk.until("remoteUserLeave")
        kiosk.signal()
        await kiosk.exited()
    assert (left["user"], left["reason"], left["detectedBy"]) == ("ana", "left", "notice")
    told = [kind for kind in kiosk.types() if kind != "remoteUserUnreachable"]  # a browser may close the socket first
    assert told == ["enterRoom", "sends", "remoteUserJoin", "remoteUserLeave", "exitRoom"]
