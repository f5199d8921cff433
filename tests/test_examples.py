"""Every example runs, as its first line says, against a real server and real devices."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest

from peer import Peer, Reason, TestPattern
from signaling.server import SignalingServer, Site
from tests.command import ROOT, Command, python
from tests.devices.v4l2 import FakeCamera
from tests.journal import Journal

EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py"))
LIMIT = 20.0  # seconds


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
            async for frame in ana.users["camera-1"].video.frames():
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
    assert len((ROOT / "examples" / name).read_text().splitlines()) < 50
    assert f"async def test_{name.removesuffix('.py')}(" in Path(__file__).read_text()
