"""A device that goes away and comes back, as the others in the room see it: the same track, black meanwhile."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from peer import DeviceBack, DeviceLost, Kind, Outcome, Peer, Screen, TestPattern
from peer.exit import LIMITS
from signaling.server import Site
from tests.command import exeunt
from tests.devices.tools import need, process
from tests.devices.v4l2 import FakeCamera
from tests.journal import Journal

Join = Callable[..., "asyncio.Future[Peer]"]
LIMIT = 30.0  # seconds
BOUNDED = sum(LIMITS.values())  # seconds for an exit


@asynccontextmanager
async def white_screen() -> AsyncIterator[str]:
    """Have a white screen, the next time on the same display."""
    async with x_server() as (_, display):
        yield display


@asynccontextmanager
async def x_server() -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run an X server with a white screen; its process can be stopped, and goes on at the end.

    Its display is this process's own: the lowest free one may be somebody else's while the server is away.
    """
    display = f":{1000 + os.getpid() % 50_000}"
    size = ("-screen", "0", "320x180x24")
    command = (need("Xvfb", "xvfb"), display, "-displayfd", "1", *size, "-nolisten", "tcp", "-ac", "-noreset", "-wr")
    async with process(*command, stdout=asyncio.subprocess.PIPE) as running:
        assert running.stdout is not None
        async with asyncio.timeout(LIMIT):
            assert await running.stdout.readline() == f"{display[1:]}\n".encode()
        try:
            yield running, display
        finally:
            if running.returncode is None:
                running.send_signal(signal.SIGCONT)


async def brightness(peer: Peer, user: str, reached: Callable[[float], bool]) -> None:
    """Wait for a picture of a user that is so bright."""
    async with asyncio.timeout(LIMIT):
        async for frame in peer.users[user].video.frames():
            if reached(float(np.mean(frame.array))):
                return


async def bright(peer: Peer, user: str = "bo") -> None:
    await brightness(peer, user, lambda mean: mean > 60)


async def black(peer: Peer, user: str = "bo") -> None:
    await brightness(peer, user, lambda mean: mean < 20)


async def test_the_others_keep_the_track_and_see_black_then_the_screen_again(join: Join, journal: Journal) -> None:
    ana, bo = await join("ana"), await join("bo")
    await journal.until("ana", "remoteUserJoin bo")
    async with white_screen() as display:
        sent = await bo.publish(Screen(display))
        await bright(ana)
        track, calls = ana.users["bo"].video, set(ana._here.topology._connections)
    await journal.until("bo", "deviceLost")
    assert sent.is_lost
    assert bo.publications == (sent,)
    await black(ana)
    await black(ana)  # and again
    async with white_screen():
        await journal.until("bo", "deviceBack")
        await bright(ana)
        assert not sent.is_lost
        assert sent.format.describe().startswith("320x180")
        assert ana.users["bo"].video is track
        assert set(ana._here.topology._connections) == calls
        report = await bo.leave()
    assert [(device.device, device.outcome) for device in report.devices] == [(f"screen {display}", Outcome.VERIFIED)]
    lost, back = [event for _, event in journal.events if isinstance(event, DeviceLost | DeviceBack)]
    assert lost.device == back.device == f"screen {display}"
    await journal.until("ana", "remoteUserLeave bo left")
    assert journal.of("ana")[1:] == ["remoteUserJoin bo", "remoteUserLeave bo left"]


@pytest.mark.parametrize("turns", [0, 1, 2, 5, 50])
async def test_leaving_while_the_screen_is_lost_is_bounded_and_reports_it_once(
    join: Join, journal: Journal, turns: int
) -> None:
    bo = await join("bo")
    async with white_screen() as display:
        await bo.publish(Screen(display))
    await journal.until("bo", "deviceLost")
    for _ in range(turns):
        await asyncio.sleep(0)
    report = await bo.leave()
    assert [step.ended for step in report.steps] == ["ok"] * 4
    assert [(device.device, device.outcome) for device in report.devices] == [(f"screen {display}", Outcome.VERIFIED)]
    assert report.total < BOUNDED
    assert journal.of("bo") == ["enterRoom", "deviceLost", "exitRoom left"]


@pytest.mark.parametrize("isolation", ["thread", "process"])
async def test_an_x_server_that_hangs_is_lost_and_back_when_it_goes_on(
    join: Join, journal: Journal, isolation: str
) -> None:
    """The reader hangs in the driver: neither the black pictures nor the look for the device wait for it."""
    ana, bo = await join("ana"), await join("bo", stall_after=0.5)
    await journal.until("ana", "remoteUserJoin bo")
    async with x_server() as (server, display):
        await bo.publish(Screen(display, isolation=isolation))
        await bright(ana)
        server.send_signal(signal.SIGSTOP)
        await journal.until("bo", "deviceLost")
        await black(ana)
        server.send_signal(signal.SIGCONT)
        await journal.until("bo", "deviceBack")
        await bright(ana)
        report = await bo.leave()
    assert [(device.device, device.outcome) for device in report.devices] == [(f"screen {display}", Outcome.VERIFIED)]


@pytest.mark.parametrize(("isolation", "outcome"), [("thread", Outcome.STUCK), ("process", Outcome.VERIFIED)])
async def test_leaving_while_the_x_server_hangs_is_bounded_and_names_it_once(
    join: Join, journal: Journal, isolation: str, outcome: Outcome
) -> None:
    bo = await join("bo", stall_after=0.5)
    async with x_server() as (server, display):
        await bo.publish(Screen(display, isolation=isolation))
        server.send_signal(signal.SIGSTOP)
        await journal.until("bo", "deviceLost")
        report = await bo.leave()
    assert [(device.device, device.outcome) for device in report.devices] == [(f"screen {display}", outcome)]
    assert [step.ended for step in report.steps] == ["ok"] * 4
    assert report.total < BOUNDED


async def test_a_lost_screen_is_unpublished_and_another_source_takes_its_place(join: Join, journal: Journal) -> None:
    ana, bo = await join("ana"), await join("bo")
    await journal.until("ana", "remoteUserJoin bo")
    async with white_screen() as display:
        source = Screen(display)
        await bo.publish(source)
        await bright(ana)
    await black(ana)
    assert (await bo.unpublish(source)).outcome is Outcome.VERIFIED
    await bo.publish(TestPattern(width=320, height=180, fps=10), kinds=[Kind.VIDEO])
    await bright(ana)
    assert journal.of("bo").count("deviceLost") == 1
    assert "deviceBack" not in journal.of("bo")


async def test_the_command_says_that_its_camera_is_lost_and_back(join: Join, site: Site, tmp_path: Path) -> None:
    ana, camera = await join("ana"), FakeCamera(tmp_path)
    options = ("--user", "bo", "--json", f"--camera={camera.path}", "--size", "320x240")
    async with exeunt("publish", site.ws_url, "lobby", *options, environment=camera.environment) as kiosk:
        await kiosk.until("sends")
        await bright(ana)
        camera.command("unplug")
        lost = await kiosk.until("deviceLost")
        assert lost["text"] == f"The camera {camera.path} is gone (No such device): was it unplugged?"
        await black(ana)
        camera.command("")
        back = await kiosk.until("deviceBack")
        assert back["device"] == lost["device"] == f"camera {camera.path}"
        await bright(ana)
        kiosk.signal()
        report = (await kiosk.exited())["report"]
    assert isinstance(report, dict)
    assert [(device["device"], device["outcome"]) for device in report["devices"]] == [
        (f"camera {camera.path}", "verified")
    ]
    assert [kind for kind in kiosk.types() if str(kind).startswith("device")] == ["deviceLost", "deviceBack"]
