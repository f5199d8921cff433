"""GStreamer publishes into a room with a Python peer, and leaves by DELETE."""

import asyncio
import os
from pathlib import Path

import numpy as np
import pytest

from peer.media.passage import NO_ENCODER
from signaling.reasons import Reason
from tests.command import Command
from tests.devices.tools import need, process
from tests.gateways.test_whip import hear, see, sent, told
from tests.gateways.whip_room import whip_room

SCRIPT = str(Path(__file__).with_name("gstreamer_publisher.py"))
SYSTEM_PYTHON = "/usr/bin/python3"  # where Debian's gi is
PACKAGES = (
    "python3-gst-1.0 gir1.2-gst-plugins-bad-1.0 gstreamer1.0-nice gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
    " gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly"
)
pytestmark = pytest.mark.e2e


async def need_gstreamer() -> None:
    """Skip the test if GStreamer is not there, or fail in CI."""
    need(SYSTEM_PYTHON, "python3")
    async with process(SYSTEM_PYTHON, SCRIPT) as look:
        if await look.wait() == 0:
            return
    text = f"GStreamer with webrtcbin is missing: install the Debian packages {PACKAGES}"
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


@pytest.mark.parametrize("codec", ["vp8", "h264"])
async def test_gstreamer_is_seen_and_heard_as_it_sends(codec: str) -> None:
    await need_gstreamer()
    async with whip_room() as room:
        ana = await room.join("ana")
        pipe = asyncio.subprocess.PIPE
        async with process(SYSTEM_PYTHON, SCRIPT, room.whip, codec, stdout=pipe) as running:
            gstreamer = Command(running)
            while (said := await gstreamer.line()) != "connected":
                assert said, "it has ended"
            red, green, blue = np.median((await see(ana, "obs")), axis=(0, 1))
            assert red > 200
            assert max(green, blue) < 60
            await hear(ana, "obs")
            assert sent(room) == {"video": (NO_ENCODER, codec.upper()), "audio": (NO_ENCODER, "OPUS")}
            gstreamer.signal()
            assert "deleted 200" in (await gstreamer.end())[1]
        assert told(room, "ana", "obs").reason is Reason.LEFT
