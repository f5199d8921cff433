"""`exeunt devices`: what can be published."""

import asyncio

from peer.capture import enumerate_devices
from peer.cli.output import Output


async def list_devices(output: Output) -> None:
    """Show every camera, microphone and screen, or say that there is none."""
    devices = await asyncio.to_thread(enumerate_devices)
    for device in devices:
        name = "" if device.name == device.id else f"  {device.name}"
        output.fact(device.kind, f"{device.id}{name}")
    if not devices:
        output.fact("none", "no camera, microphone or screen found; `exeunt publish --test` needs none")
