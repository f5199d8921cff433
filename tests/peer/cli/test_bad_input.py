"""Bad input gets one clear line and a status: 2 for wrong usage, 1 for a failure. Never a traceback."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from typer.models import CommandInfo

from peer import Peer
from peer.cli.app import app, run
from signaling import tokens
from signaling.config import Duplicate, SignalingConfig
from signaling.server import SignalingServer, Site
from tests.command import python
from tests.devices.v4l2 import FakeCamera

KEY = "a-key-of-sixteen-or-more"


async def assert_one_line(status: int, words: str, *arguments: str, **options: Mapping[str, str]) -> None:
    """The command fails with this status and one line that has these words in it."""
    async with python("-m", "peer.cli", *arguments, stderr=asyncio.subprocess.PIPE, **options) as command:
        given, _ = await command.end()
    lines = [line for line in command.errors.splitlines() if not line.startswith("[fake]")]
    assert (given, len(lines)) == (status, 1), command.errors
    assert lines[0].startswith("exeunt: ")
    assert words in lines[0]


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("No such command 'dance'", ["dance"]),
        ("Missing argument", ["publish"]),
        ("No such option: --dance", ["publish", "ws://h/ws", "r", "--dance"]),
        ("say what to publish", ["publish", "ws://127.0.0.1:1/ws", "r"]),
        ("write it like 1280x720", ["publish", "ws://h/ws", "r", "--test", "--size", "big"]),
        ("'--for'", ["publish", "ws://h/ws", "r", "--test", "--for", "-1"]),
        ("no server address", ["publish", "127.0.0.1:8080", "r", "--test"]),
        ("no name for a room", ["publish", "ws://127.0.0.1:1/ws", "a room", "--test"]),
        ("no name for a user", ["publish", "ws://127.0.0.1:1/ws", "r", "--test", "--user", "../x"]),
        ("no room can be called 'api'", ["publish", "ws://127.0.0.1:1/ws", "api", "--test"]),
        ('"h264", "vp8" or "auto"', ["publish", "ws://127.0.0.1:1/ws", "r", "--test", "--codec", "h265"]),
        ("libx264 encodes H264", ["publish", "ws://h/ws", "r", "--test", "--codec", "vp8", "--encoder", "libx264"]),
        ("bitrate must be", ["publish", "ws://127.0.0.1:1/ws", "r", "--test", "--bitrate", "3"]),
        ("set a key", ["serve", "--host", "0.0.0.0", "--port", "0"]),
        ("16", ["serve", "--key", "short", "--port", "0"]),
        ("--port", ["serve", "--port", "70000"]),
        ("no ICE server", ["serve", "--port", "0", "--ice-server", "example.org"]),
        ("--port", ["demo", "--port", "99999"]),
        ("no server address", ["rooms", "nonsense"]),
        ("no server address", ["kick", "ws://[::1/ws", "r", "ana"]),
        ("no address", ["publish", "ws://127.0.0.1:99999/ws", "r", "--test"]),
    ],
)
async def test_wrong_usage_is_status_2_and_one_line(words: str, arguments: list[str]) -> None:
    await assert_one_line(2, words, *arguments)


async def test_nobody_at_the_address() -> None:
    for command in (["publish", "ws://127.0.0.1:9/ws", "r", "--test"], ["rooms", "ws://127.0.0.1:9/ws"]):
        await assert_one_line(1, "nobody answers at ws://127.0.0.1:9/ws", *command)


async def test_somebody_else_at_the_address() -> None:
    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for frame in socket:
            await socket.send_str(f"echo {frame.data}")
        return socket

    app = web.Application()
    app.router.add_get("/echo", echo)
    async with serving(app) as url:
        await assert_one_line(1, "is no Exeunt server", "publish", f"{url}/ws", "r", "--test")
        await assert_one_line(1, "is no Exeunt server", "publish", f"{url}/echo", "r", "--test")
        await assert_one_line(1, "is no Exeunt server", "rooms", f"{url}/ws")


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def listening(**options: object) -> AsyncIterator[Site]:
    async with SignalingServer(SignalingConfig(**options)).listen() as site:
        yield site


async def test_a_port_in_use() -> None:
    async with listening() as site:
        for command in ("serve", "demo"):
            await assert_one_line(1, f"port {site.port} at 127.0.0.1 is in use", command, "--port", str(site.port))


async def test_a_name_that_is_taken_and_a_room_that_is_full() -> None:
    async with listening(duplicate=Duplicate.REJECT, capacity=1) as site, Peer(site.ws_url, room="r", user="ana"):
        await assert_one_line(1, "ana is in the room", "publish", site.ws_url, "r", "--test", "--user", "ana")
        await assert_one_line(1, "the room is full", "publish", site.ws_url, "r", "--test", "--user", "bo")


async def test_the_address_of_a_rooms_page_is_no_place_to_publish_to_and_the_line_says_what_is() -> None:
    async with listening() as site:
        await assert_one_line(1, "exeunt publish ws://SERVER/ws ROOM", "publish", f"{site.url}/r", "--test")


async def test_tokens_that_are_missing_or_wrong() -> None:
    async with listening(key=KEY) as site:
        await assert_one_line(1, "token", "publish", site.ws_url, "r", "--test")
        await assert_one_line(1, "token", "publish", site.ws_url, "r", "--test", "--token", "rubbish")
        await assert_one_line(1, "token", "rooms", site.ws_url)
        old = tokens.make(KEY, room="r", user="publisher", expires=1.0)
        await assert_one_line(1, "expired", "publish", site.ws_url, "r", "--test", "--token", old)


async def test_nobody_to_kick_and_no_room_to_dismiss() -> None:
    async with listening() as site:
        await assert_one_line(1, "nowhere", "kick", site.ws_url, "nowhere", "ana")
        await assert_one_line(1, "nowhere", "dismiss", site.ws_url, "nowhere")


async def test_devices_and_files_that_are_not_there_or_no_films(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("this is no film")
    async with listening() as site:
        for words, option in (
            ("/dev/video77", "--camera=/dev/video77"),
            (":77", "--screen=:77"),
            ("missing.webm", f"--file={tmp_path}/missing.webm"),
            ("text.mp4", f"--file={text}"),
        ):
            await assert_one_line(1, words, "publish", site.ws_url, "r", option)


async def test_a_camera_that_is_not_permitted(tmp_path: Path) -> None:
    camera = FakeCamera(tmp_path)
    camera.command("deny")
    async with listening() as site:
        arguments = ("publish", site.ws_url, "r", f"--camera={camera.path}")
        await assert_one_line(1, str(camera.path), *arguments, environment=camera.environment)


async def test_a_defect_of_ours_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(app, "registered_commands", [*app.registered_commands, CommandInfo("broken", callback=broken)])
    assert run(["broken"]) == 1
    assert capsys.readouterr().err.startswith("exeunt: this should not have happened (ZeroDivisionError('oh'))")
