"""A published device that goes away and comes back: black and silence meanwhile, and an exit at any moment of it."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from peer.publishing import CLOSE_LIMIT
from tests.devices.pulse import Sound, microphone
from tests.devices.v4l2 import FakeCamera, Lines, child

PUBLISHER = Path(__file__).with_name("publisher.py")
SLACK = 3.0  # seconds more, on a machine that is busy
LINK = "v4l/by-id/usb-Fake_camera-video-index0"


class Talk:
    def __init__(self, lines: Lines) -> None:
        self.lines = lines

    async def ask(self, command: str, event: str) -> dict:
        await self.lines.say(command)
        return await self.lines.next(event)

    async def publish(self) -> None:
        assert (await self.ask("publish", "own"))["size"] == [640, 480]

    async def close(self, device: str, outcome: str = "verified") -> dict:
        """Close everything: the device is in the report, once, and nothing is left."""
        closed = await self.ask("close", "closed")
        assert closed["devices"] == [[device, outcome]], closed
        assert closed["tasks"] == []
        assert closed["took"] < CLOSE_LIMIT + SLACK
        return closed

    async def close_free(self, device: str) -> None:
        closed = await self.close(device)
        assert (closed["handles"], closed["threads"]) == ([], [])
        assert await self.lines.ended() == 0


@asynccontextmanager
async def publisher(camera: FakeCamera, **options: object) -> AsyncIterator[Talk]:
    async with child(PUBLISHER, camera.environment, "camera", str(camera.path), json.dumps(options)) as lines:
        yield Talk(lines)


@pytest.fixture
def camera(tmp_path: Path) -> FakeCamera:
    return FakeCamera(tmp_path)


async def test_an_unplugged_camera_is_black_until_it_is_back(camera: FakeCamera) -> None:
    async with publisher(camera) as talk:
        await talk.publish()
        for _ in range(2):
            camera.command("unplug")
            lost = await talk.lines.next("deviceLost")
            assert lost["device"] == f"camera {camera.path}"
            assert lost["text"] == f"The camera {camera.path} is gone (No such device): was it unplugged?"
            assert await talk.lines.next("filled") == {"event": "filled", "rises": True, "size": [640, 480]}
            looked = await talk.ask("look", "looked")
            assert (looked["handles"], looked["publications"], looked["lost"]) == ([], 1, 1)
            camera.command("")
            back = await talk.lines.next("deviceBack")
            assert back["device"] == f"camera {camera.path}"
            assert 0 < float(str(back["lostFor"])) < 10
            assert (await talk.lines.next("own"))["rises"]
        await talk.close_free(f"camera {camera.path}")


async def test_a_camera_that_gives_nothing_any_more_is_lost_after_the_limit(camera: FakeCamera) -> None:
    async with publisher(camera, stall_after=0.5) as talk:
        await talk.publish()
        camera.command("stall 0")
        lost = await talk.lines.next("deviceLost")
        assert lost["text"] == f"The camera {camera.path} has given nothing for 0.5 s."
        await talk.lines.next("filled")
        camera.command("")
        await talk.lines.next("deviceBack")
        await talk.lines.next("own")
        await talk.close_free(f"camera {camera.path}")


async def test_a_busy_program_does_not_lose_its_camera(camera: FakeCamera) -> None:
    async with publisher(camera, stall_after=0.5) as talk:
        await talk.publish()
        for _ in range(3):
            assert (await talk.ask("block", "looked"))["lost"] == 0
        await talk.close_free(f"camera {camera.path}")


async def test_a_camera_that_is_back_as_another_node_is_found_by_its_link(camera: FakeCamera, tmp_path: Path) -> None:
    other, link = tmp_path / "video1", tmp_path / LINK
    link.parent.mkdir(parents=True)
    link.symlink_to(camera.path)
    camera.environment["FAKEV4L2_DEVICES"] += f":{other}"
    async with publisher(camera, dev=str(tmp_path)) as talk:
        await talk.publish()
        camera.command("unplug")
        await talk.lines.next("deviceLost")
        link.unlink()
        camera.path.unlink()
        other.touch()
        link.symlink_to(other)
        assert (await talk.lines.next("deviceBack"))["device"] == f"camera {camera.path}"
        await talk.lines.next("own")
        await talk.close_free(f"camera {other}")


async def test_unpublishing_a_lost_camera_lets_another_follow(camera: FakeCamera) -> None:
    async with publisher(camera) as talk:
        await talk.publish()
        camera.command("unplug")
        await talk.lines.next("filled")
        unpublished = await talk.ask("unpublish", "unpublished")
        assert (unpublished["device"], unpublished["outcome"]) == (f"camera {camera.path}", "verified")
        assert (unpublished["handles"], unpublished["threads"]) == ([], [])
        camera.command("")
        await talk.publish()
        await talk.close_free(f"camera {camera.path}")


async def test_an_exit_while_the_camera_is_lost_names_how_it_went(camera: FakeCamera) -> None:
    async with publisher(camera) as talk:
        await talk.publish()
        camera.command("unplug")
        await talk.lines.next("filled")
        await talk.close_free(f"camera {camera.path}")


async def test_an_exit_just_as_the_camera_is_lost(camera: FakeCamera) -> None:
    async with publisher(camera) as talk:
        await talk.publish()
        camera.command("error")
        await talk.lines.next("deviceLost")
        await talk.close_free(f"camera {camera.path}")


async def test_an_exit_just_as_the_camera_is_back(camera: FakeCamera) -> None:
    async with publisher(camera) as talk:
        await talk.publish()
        camera.command("unplug")
        await talk.lines.next("filled")
        camera.command("")
        await talk.lines.next("deviceBack")
        await talk.close_free(f"camera {camera.path}")


async def test_an_exit_while_the_camera_opens_again_and_gives_nothing(camera: FakeCamera) -> None:
    async with publisher(camera, stall_after=0.3) as talk:
        await talk.publish()
        camera.command("stall 0")
        await talk.lines.next("filled")
        while not (await talk.ask("look", "looked"))["handles"]:
            pass
        await talk.close_free(f"camera {camera.path}")


async def test_an_exit_while_the_driver_hangs_in_opening_again_is_bounded_and_says_so(camera: FakeCamera) -> None:
    async with publisher(camera) as talk:
        await talk.publish()
        camera.command("error")
        await talk.lines.next("deviceLost")
        camera.command("hang")
        while not camera.is_hanging:
            await talk.ask("look", "looked")  # a thread alone may be one that had opened it before
        closed = await talk.close(f"camera {camera.path}", "stuck")
        assert len(closed["threads"]) == 1
        camera.command("")


async def test_a_device_that_never_opened_is_not_waited_for(camera: FakeCamera) -> None:
    camera.command("unplug")
    async with publisher(camera) as talk:
        await talk.lines.say("publish")
        assert await talk.lines.ended() == 1  # DeviceNotFound


def connect(socket: Path, sound: Sound) -> dict[str, str]:
    """Put a sound server behind the path `socket`; return the environment of its clients.

    They do without shared memory: libpulse 16 may wait for ever for a block of it when its server dies, and the reader
    with it (its main loop in pa_memimport_free, the ALSA plugin in pa_mutex_lock).
    """
    socket.unlink(missing_ok=True)
    socket.symlink_to(sound.environment["PULSE_SERVER"].removeprefix("unix:"))
    settings = socket.with_name("client.conf")
    settings.write_text("enable-shm = no\n")
    return {**sound.environment, "PULSE_SERVER": f"unix:{socket}", "PULSE_CLIENTCONFIG": str(settings)}


async def test_a_sound_server_that_ends_and_is_started_again_is_heard_again(tmp_path: Path) -> None:
    socket = tmp_path / "native"
    arguments = ("microphone", "default", json.dumps({"stall_after": 0.5}))
    async with AsyncExitStack() as first:
        environment = connect(socket, await first.enter_async_context(microphone(tone=440)))
        async with child(PUBLISHER, environment, *arguments) as lines:
            talk = Talk(lines)
            await talk.ask("publish", "own")
            await first.aclose()
            assert (await lines.next("deviceLost"))["device"] == "microphone default"
            assert (await lines.next("filled"))["rises"]
            async with microphone(tone=440) as sound:
                connect(socket, sound)
                await lines.next("deviceBack")
                await lines.next("own")
                assert await sound.listeners() == 1
                await talk.close_free("microphone default")
                assert await sound.listeners() == 0
