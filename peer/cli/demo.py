"""`exeunt demo`: server and publisher in one, with what this machine has."""

import asyncio
from pathlib import Path

from peer.capture import Camera, Device, Microphone, Screen, Source, TestPattern, enumerate_devices
from peer.cli.output import Output
from peer.cli.publish import say_published, visit
from peer.cli.serve import listening
from peer.errors import DeviceError
from peer.peer import Peer
from signaling.config import SignalingConfig
from signaling.server import SignalingServer

PORT = 8080  # the first choice; any other if it is taken and none was asked for


def candidates(devices: list[Device]) -> list[list[Source]]:
    """Return what to try, best first: camera with microphone, the screen, the test pattern. Pure."""
    kinds = {device.kind for device in devices}
    microphone: list[Source] = [Microphone()] if "microphone" in kinds else []
    choices: list[list[Source]] = []
    if "camera" in kinds:
        choices.append([Camera(), *microphone])
    if "screen" in kinds:
        choices.append([Screen(), *microphone])
    return [*choices, [TestPattern()]]


async def run_demo(
    output: Output, *, host: str, port: int | None, room: str, journal: Path | None, seconds: float | None
) -> None:
    """Serve and publish until a signal or the given time."""
    config = SignalingConfig(journal=journal)
    server = SignalingServer(config)
    enumerating = asyncio.create_task(asyncio.to_thread(enumerate_devices), name="enumerate devices")
    async with listening(server, config, host, await _free_port(host, port)) as site:
        output.fact("watch", f"{site.url}/{room}")

        async def publish(me: Peer) -> None:
            await _publish_best(output, me, await enumerating)
            output.fact("leave", "Ctrl-C")

        url = f"{site.url.replace('http', 'ws', 1)}/ws"
        await visit(output, Peer(url, room=room, user="demo", journal=journal), publish, seconds)


async def _publish_best(output: Output, me: Peer, devices: list[Device]) -> None:
    """Publish the first choice whose picture works; say what did not, and why."""
    for choice in candidates(devices):
        picture, *sound = choice
        try:
            say_published(output, await me.publish(picture))
        except DeviceError as error:
            output.fact("skipped", str(error))
            continue
        for source in sound:
            await _publish_sound(output, me, source)
        return


async def _publish_sound(output: Output, me: Peer, source: Source) -> None:
    """Sound is welcome, but nothing fails without it."""
    try:
        say_published(output, await me.publish(source))
    except DeviceError as error:
        output.fact("silent", str(error))


async def _free_port(host: str, port: int | None) -> int:
    """Return the port asked for, or the usual one if it is free, or 0 for any."""
    if port is not None:
        return port
    try:
        probe = await asyncio.start_server(lambda *_: None, host, PORT)
    except OSError:
        return 0
    probe.close()
    await probe.wait_closed()
    return PORT
