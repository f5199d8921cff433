"""`exeunt publish` for months: it comes back whatever happens, and its supervisor knows how it is."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peer import Peer
from peer.cli.supervisor import Supervisor
from signaling.config import SignalingConfig
from signaling.server import SignalingServer, Site
from tests.cable import Cable
from tests.command import ROOT, exeunt, python
from tests.devices.v4l2 import FakeCamera
from tests.journal import Journal
from tests.peer.cli.supervision import supervisor

KIOSK = """
room = "lobby"
user = "kiosk"
size = "64x64"
fps = 10
longest_wait = 1
json = true
"""


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with SignalingServer(SignalingConfig(grace=0.5)).listen() as site:
        yield site


def settings(folder: Path, url: str, *lines: str) -> str:
    path = folder / "kiosk.toml"
    path.write_text("\n".join([f'url = "{url}"', KIOSK, *lines]))
    return str(path)


async def first_picture(me: Peer) -> None:
    async for _ in me.users["kiosk"].video.frames():
        return


@pytest.mark.parametrize("keep", ["true", "false"])
async def test_a_kiosk_comes_back_from_every_loss_and_ends_by_a_signal_only(
    site: Site, tmp_path: Path, keep: str
) -> None:
    cable, journal = Cable(site.url), Journal()
    async with cable.laid(), supervisor(tmp_path, watchdog=1.0, is_abstract=keep == "true") as systemd:
        cable.cut()  # the server is down at the start
        config = settings(tmp_path, f"{cable.url}/ws", "test = true", f"keep_devices = {keep}")
        async with (
            Peer(site.ws_url, room="lobby", user="ana") as ana,
            exeunt("publish", "--config", config, environment=systemd.environment) as kiosk,
        ):
            ana.on_remote_user_join(lambda event: journal.add("ana", event))
            ana.on_remote_user_leave(lambda event: journal.add("ana", event))
            assert "READY=1" in await systemd.next()
            await systemd.until("STATUS=")
            await systemd.until("WATCHDOG=1")  # it waits, and that is well
            cable.mend()
            await journal.until("ana", "remoteUserJoin kiosk")
            await systemd.until("STATUS=in room lobby")
            await systemd.until("WATCHDOG=1")
            await first_picture(ana)
            cable.cut()
            await journal.until_true(lambda: len(journal.of("ana")) == 2)
            exited = await kiosk.until("exitRoom")
            cable.mend()
            await journal.until_true(lambda: journal.of("ana").count("remoteUserJoin kiosk") == 2)
            await first_picture(ana)
            assert exited["reason"] == "network_lost"
            (device,) = exited["report"]["devices"]
            assert device["outcome"] == ("closed" if keep == "true" else "verified")
            kiosk.signal(signal.SIGTERM)
            await systemd.until("STOPPING=1")
            last = await kiosk.exited()
            assert (last["reason"], last["text"]) == ("left", "SIGTERM")


async def test_who_is_sent_away_comes_back_and_a_signal_ends_the_wait(site: Site, tmp_path: Path) -> None:
    async with supervisor(tmp_path, watchdog=9.0) as systemd:
        config = settings(tmp_path, site.ws_url, "test = true")
        async with exeunt("publish", "--config", config, environment=systemd.environment) as kiosk:
            await kiosk.until("sends")
            await exeunt_run("kick", site.ws_url, "lobby", "kiosk")
            assert (await kiosk.until("exitRoom"))["reason"] == "kicked"
            assert "out of the room (kicked)" in str((await kiosk.until("waits"))["text"])
            await kiosk.until("sends")
            await exeunt_run("kick", site.ws_url, "lobby", "kiosk", "--ban", "60")  # or it might be back already
            await kiosk.until("waits")
            kiosk.signal(signal.SIGINT)
            status, said = await kiosk.end()
            assert status == 0
            assert {json.loads(line)["type"] for line in said.splitlines()} <= {"waits"}


async def exeunt_run(*arguments: str) -> None:
    async with exeunt(*arguments) as command:
        assert (await command.end())[0] == 0


async def test_a_blocked_loop_gives_no_sign_of_life(site: Site, tmp_path: Path) -> None:
    script = str(ROOT / "tests/peer/cli/blocking_kiosk.py")
    async with (
        supervisor(tmp_path, watchdog=0.3) as systemd,
        python(script, site.ws_url, "1", environment=systemd.environment) as kiosk,
    ):
        for _ in range(2):
            await systemd.until("STATUS=blocked")
            assert await systemd.next() == "STATUS=free"  # nothing in between
            await systemd.until("WATCHDOG=1")
        kiosk.signal(signal.SIGTERM)
        await kiosk.until("exitRoom")
        assert (await kiosk.end())[0] == 0


async def test_a_camera_that_gives_nothing_is_no_sign_of_life_although_black_is_sent(
    site: Site, tmp_path: Path
) -> None:
    camera = FakeCamera(tmp_path)
    async with supervisor(tmp_path, watchdog=0.6) as systemd:
        config = settings(tmp_path, site.ws_url, f'camera = "{camera.path}"')
        surroundings = {**systemd.environment, **camera.environment, **systemd.named}
        async with exeunt("publish", "--config", config, environment=surroundings) as kiosk:
            await kiosk.until("sends")
            await systemd.until("WATCHDOG=1")
            camera.command("stall 0")
            await kiosk.until("deviceLost")
            await systemd.drain()
            assert await systemd.is_silent(1.0)
            camera.command("")
            await kiosk.until("deviceBack")
            await systemd.until("WATCHDOG=1")
            kiosk.signal(signal.SIGTERM)
            assert (await kiosk.exited())["reason"] == "left"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("camra = true", "there is no option 'camra': did you mean 'camera'?"),
        ('bitrate = "fast"', "Invalid value for '--bitrate'"),
        ("", "say what to publish"),
        ('test = true\ncodec = "h265"', "codec must be"),
    ],
)
async def test_a_file_that_is_wrong_is_one_line_and_status_2(site: Site, tmp_path: Path, text: str, said: str) -> None:
    config = settings(tmp_path, site.ws_url, text)
    arguments = ("-m", "peer.cli", "publish", "--config", config)
    async with python(*arguments, stderr=asyncio.subprocess.PIPE) as kiosk:
        assert await kiosk.end() == (2, "")
    assert said in kiosk.errors
    assert kiosk.errors.count("\n") == 1


async def test_the_command_line_counts_more_than_the_file(site: Site, tmp_path: Path) -> None:
    config = settings(tmp_path, site.ws_url, "test = true", "for = 3")
    async with (
        Peer(site.ws_url, room="attic", user="ana") as ana,
        exeunt("publish", "--config", config, site.ws_url, "attic", "--user", "bo") as kiosk,
    ):
        assert (await kiosk.until("enterRoom"))["users"] == ["ana"]
        assert list(ana.users) == ["bo"]
        assert (await kiosk.exited())["reason"] == "left"


def test_a_supervisor_that_is_gone_or_none_hears_nothing_and_harms_nobody(tmp_path: Path) -> None:
    gone = Supervisor(str(tmp_path / "nobody"), 1.0)
    gone.say(READY="1")
    gone.close()
    gone.close()
    nobody = Supervisor(None, 1.0)
    nobody.say(READY="1")
    assert nobody.watchdog is None


def test_what_systemd_says_is_taken_out_of_the_environment_and_counts_for_this_process_only(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    for pid, expected in (("", 2.5), (str(os.getpid()), 2.5), ("1", None)):
        surroundings = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "2500000", "WATCHDOG_PID": pid, "HOME": "/"}
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind(path)
            told = Supervisor.of_this_process(surroundings)
            told.say(READY="1", STATUS="two\nlines")
            assert listening.recv(100) == b"READY=1\nSTATUS=two lines"
            told.close()
        Path(path).unlink()
        assert (told.watchdog, surroundings) == (expected, {"HOME": "/"})
