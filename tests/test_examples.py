"""Every example runs, as its first line says, against a real server and real devices."""

import asyncio
import itertools
import os
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import av
import numpy as np
import pytest

from peer import AudioSource, Peer, Reason, TestPattern, VideoSource
from signaling.server import SignalingServer, Site
from tests.command import ROOT, Command, python
from tests.devices.v4l2 import FakeCamera
from tests.devices.xvfb import screen
from tests.e2e.movie import make_movie
from tests.journal import Journal
from tests.peer.whip.plain_server import serving

EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py"))
LIMIT = 60.0  # seconds for a program to start and join, on a machine that is busy


def example(
    name: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> AbstractAsyncContextManager[Command]:
    """Run an example until the block ends."""
    return python(str(ROOT / "examples" / name), *arguments, environment=environment)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with SignalingServer().listen() as site:
        yield site


async def test_publish_camera(site: Site, tmp_path: Path) -> None:
    camera = FakeCamera(tmp_path)
    async with (
        Peer(site.ws_url, room="lobby", user="ana") as ana,
        example(
            "publish_camera.py", site.ws_url, "lobby", str(camera.path), environment=camera.environment
        ) as publisher,
    ):
        assert (
            await publisher.line() == f"sending camera {camera.path}, 640x480 at 30 fps, yuyv422 (asked for 1280x720)"
        )
        async with asyncio.timeout(LIMIT):
            async for frame in (await ana.user("camera-1")).video.frames():
                assert frame.array.shape == (480, 640, 3)
                break
        await ana.leave()
        assert await publisher.line() == "ana is gone: left, known by notice"
        publisher.signal(signal.SIGINT)
        assert await publisher.line() == f"camera {camera.path}: verified"
        assert (await publisher.end())[0] == 0


async def test_watch(site: Site) -> None:
    async with Peer(site.ws_url, room="lobby", user="ana") as ana, example("watch.py", site.ws_url, "lobby") as watch:
        await ana.publish(TestPattern(width=320, height=180))
        assert (await watch.line()).startswith("ana: 320x180, brightness ")
        await ana.leave()
        watch.signal(signal.SIGTERM)
        assert (await watch.end())[0] == 0


async def test_record_room(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "lobby.mkv"
    async with (
        Peer(site.ws_url, room="lobby", user="ana") as ana,
        example("record_room.py", site.ws_url, "lobby", str(path)) as recorder,
    ):
        await ana.publish(TestPattern(width=320, height=180))
        assert await recorder.line() == f"recording to {path}"
        recorder.signal(signal.SIGTERM)
        assert (await recorder.line()).startswith(f"{path}: ")
        assert (await recorder.end())[0] == 0
    with av.open(str(path)) as container:
        assert {stream.metadata["title"] for stream in container.streams} == {"ana"}


async def test_kick(site: Site) -> None:
    journal = Journal()
    async with Peer(site.ws_url, room="lobby", user="ana"), Peer(site.ws_url, room="lobby", user="bo") as bo:
        bo.on_exit_room(lambda event: journal.add("bo", event))
        async with example("kick.py", site.ws_url, "lobby", "bo", "see you") as kick:
            assert await kick.line() == "bo is out; here are: ana"
            assert (await kick.end())[0] == 0
        report = await bo.wait_exited()
        assert (report.reason, report.text) == (Reason.KICKED, "see you")
        async with example("kick.py", site.ws_url, "lobby", "nobody") as kick:
            assert (await kick.end())[0] == 1


async def test_announce(site: Site, tmp_path: Path) -> None:
    film = make_movie(tmp_path / "closing-time.webm", seconds=5)  # time to connect in
    async with (
        Peer(site.ws_url, room="lobby", user="ana") as ana,
        example("announce.py", site.ws_url, "lobby", str(film)) as announcer,
    ):
        assert await announcer.line() == f"playing {film} to ana"
        user = await ana.user("announcer", timeout=LIMIT)
        assert (await user.video.first_frame(timeout=LIMIT)).array.any()
        assert await announcer.line() == f"file {film} is over"
        assert (await announcer.end())[0] == 0
        await ana.until_alone(timeout=LIMIT)


async def test_whip(tmp_path: Path) -> None:
    film = make_movie(tmp_path / "film.mp4", video="libx264", seconds=5)  # time to connect in
    async with serving() as plain, example("whip.py", f"{plain.url}/whip", str(film)) as publisher:
        assert (await publisher.line()).startswith(f"sending file {film}, 320x180")
        await plain.until(lambda: len(plain.pictures) > 5)
        assert await publisher.line() == f"file {film} is over"
        assert await publisher.line() == "out: left, the server acknowledged it"
        assert plain.asked[-1] == "DELETE /session/1"


async def test_echo(site: Site) -> None:
    async with (
        Peer(site.ws_url, room="lobby", user="ana") as ana,
        example("echo.py", site.ws_url, "lobby", "ana") as echo,
    ):
        picture, sound = VideoSource(320, 240, fps=15), AudioSource(48_000, 2)
        await ana.publish(picture)
        await ana.publish(sound)
        await picture.write(np.full((240, 320, 3), 30, np.uint8))
        tone = 0.5 * np.sin(np.arange(48_000 * 60) * 2 * np.pi * 440 / 48_000)
        speaking = asyncio.create_task(sound.write(tone.reshape(-1, 1).repeat(2, axis=1)))
        returned = await ana.user("echo", timeout=LIMIT)
        async with asyncio.timeout(LIMIT):
            assert abs((await returned.video.first_frame()).array.mean() - 225) < 15
            async for chunk in returned.audio.chunks():
                if np.abs(chunk.array).max() > 1000:
                    break
        sound.clear()
        assert await speaking is False
        await ana.leave()
        assert (await echo.end())[0] == 0


async def test_motion(site: Site) -> None:
    async with Peer(site.ws_url, room="lobby", user="camera-1") as camera:
        source = VideoSource(320, 240, fps=15)
        await camera.publish(source)
        async with example("motion.py", site.ws_url, "lobby", "camera-1", "4") as detector:
            await camera.user("motion-detector", timeout=LIMIT)
            moving = asyncio.create_task(flicker(source))
            assert await detector.line() == "camera-1 moves"
            moving.cancel()
            assert await detector.line() == "camera-1 is still"
            detector.signal(signal.SIGINT)
            assert (await detector.end())[0] == 0


async def flicker(source: VideoSource) -> None:
    for grey in itertools.cycle((0, 90, 180, 250)):
        await source.write(np.full((240, 320, 3), grey, np.uint8))


async def test_levels(site: Site) -> None:
    async with (
        Peer(site.ws_url, room="lobby", user="ana") as ana,
        example("levels.py", site.ws_url, "lobby") as meter,
    ):
        await ana.publish(TestPattern(width=64, height=64, fps=1))  # with a tone of -12 dB
        while not (line := await meter.line()).endswith("#" * 22):  # its power is 3 dB less than that of its peak
            assert line.startswith("ana"), line
        meter.signal(signal.SIGTERM)
        assert (await meter.end())[0] == 0


async def test_show_screen(site: Site) -> None:
    async with screen(640, 480) as display, Peer(site.ws_url, room="lobby", user="ana") as ana:
        surroundings = {**os.environ, "DISPLAY": display}
        async with example("show_screen.py", site.ws_url, "lobby", "kiosk-1", environment=surroundings) as kiosk:
            assert await kiosk.line() == f"showing screen {display}, 640x480 at 15 fps, bgr0 (as asked)"
            user = await ana.user("kiosk-1", timeout=LIMIT)
            assert (await user.video.first_frame(timeout=LIMIT)).array.shape == (480, 640, 3)
            kiosk.signal(signal.SIGTERM)
            assert await kiosk.end() == (0, f"out: left\nscreen {display}: verified\n")


async def test_moderate(site: Site) -> None:
    async with (
        Peer(site.ws_url, room="lobby", user="ana") as ana,
        example("moderate.py", site.ws_url, "lobby", "3") as moderator,
    ):
        await ana.user("moderator", timeout=LIMIT)
        for _ in range(4):
            ana.send_message("chat", "buy this")
        async with asyncio.timeout(LIMIT):
            report = await ana.wait_exited()
        assert (report.reason, report.text) == (Reason.KICKED, "more than 3 messages a minute")
        assert await moderator.line() == "ana is gone: kicked, more than 3 messages a minute"
        moderator.signal(signal.SIGINT)
        assert (await moderator.end())[0] == 0


@pytest.mark.parametrize(("name", "arguments"), [("motion.py", ("ana", "much")), ("moderate.py", ("many",))])
async def test_what_is_no_number_is_said_in_one_line(site: Site, name: str, arguments: tuple[str, ...]) -> None:
    async with example(name, site.ws_url, "lobby", *arguments) as program:
        assert (await program.end())[0] == 1


async def test_embed_in_aiohttp() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    async with example("embed_in_aiohttp.py", str(port)) as embedding, aiohttp.ClientSession() as http:
        assert await embedding.line() == f"======== Running on {url} ========"
        async with Peer(f"ws://127.0.0.1:{port}/rooms/ws", room="lobby", user="ana") as ana:
            async with http.get(url) as answer:
                assert await answer.text() == "lobby: ana"
            async with http.get(f"{url}/rooms/lobby") as page:
                assert "exeunt" in (await page.text()).lower()
            async with http.post(f"{url}/closing-time") as answer:
                assert answer.status == 200
            report = await ana.wait_exited()
            assert (report.reason, report.text) == (Reason.DISMISSED, "closing time")


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_short_and_has_a_test(name: str) -> None:
    assert len((ROOT / "examples" / name).read_text().splitlines()) < 60
    assert f"async def test_{name.removesuffix('.py')}(" in Path(__file__).read_text()
    assert f"[`{name}`]({name})" in (ROOT / "examples" / "README.md").read_text()
