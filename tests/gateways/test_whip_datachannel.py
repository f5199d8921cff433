"""libdatachannel, which is what OBS Studio publishes by, is seen and heard in a room, and leaves in each way.

The real OBS was tried by hand: docs/whip.md says what was seen.
"""

import asyncio
import base64
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av import AudioFrame, VideoFrame

from peer import Peer
from peer.media.passage import NO_ENCODER
from signaling.reasons import Detection, Reason
from tests.command import Command
from tests.devices.tools import need, process
from tests.gateways.clients import COLOUR
from tests.gateways.test_whip import TOLERANCE, hear, see, sent, told
from tests.gateways.whip_room import SILENCE, WhipRoom, whip_room
from tests.npm.modules import need_modules

PROGRAM = Path(__file__).with_name("datachannel_publisher.mjs")
PICTURES, RATE = 30, 15  # of them a second
BY_OBS = {"preset": "veryfast", "profile": "high", "bf": "0", "g": str(RATE)}  # what it sets for WHIP; a key a second
PACKETS, SAMPLES, AUDIO_RATE = 50, 960, 48_000  # Opus packets, what is in each, samples a second
pytestmark = pytest.mark.e2e


def pictures() -> list[bytes]:
    """Return pictures of one colour, over which a bar moves, as H.264."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 320, 180, "yuv420p"
    encoder.framerate, encoder.time_base, encoder.options = Fraction(RATE), Fraction(1, RATE), BY_OBS
    packets = []
    for number in range(PICTURES):
        image = np.full((180, 320, 3), COLOUR, np.uint8)
        image[:, number : number + 4] = 255
        frame = VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    return [bytes(packet) for packet in (*packets, *encoder.encode(None))]


def sounds() -> list[bytes]:
    """Return a tone as Opus."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = AUDIO_RATE, "stereo", "s16"
    packets = []
    for number in range(PACKETS):
        time = np.arange(number * SAMPLES, (number + 1) * SAMPLES) / AUDIO_RATE
        tone = (8_000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
        frame = AudioFrame.from_ndarray(np.repeat(tone, 2).reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate, frame.pts = AUDIO_RATE, number * SAMPLES
        packets += encoder.encode(frame)
    return [bytes(packet) for packet in packets]


def recorded(folder: Path) -> Path:
    """Write down what is published."""
    path = folder / "media.json"
    media = {"video": pictures(), "audio": sounds()}
    path.write_text(
        json.dumps({kind: [base64.b64encode(one).decode() for one in said] for kind, said in media.items()})
    )
    return path


@asynccontextmanager
async def publishing(room: WhipRoom, media: Path) -> AsyncIterator[Command]:
    """Have it publish, connected, until the block ends."""
    command = (need("node", "nodejs"), str(PROGRAM), str(need_modules()), room.whip, str(media))
    async with process(*command, stdout=asyncio.subprocess.PIPE, stderr=None) as running:
        obs = Command(running)
        while (said := await obs.line()) != "connected":
            assert said, "it has ended"
        yield obs


async def is_there(peer: Peer) -> None:
    """Wait until a peer sees and hears it."""
    picture = await see(peer, "obs")
    assert np.abs(np.median(picture, axis=(0, 1)) - COLOUR).max() < TOLERANCE
    await hear(peer, "obs")


async def test_what_obs_publishes_by_is_seen_by_who_was_there_and_who_comes_and_leaves_in_each_way(
    tmp_path: Path,
) -> None:
    media = await asyncio.to_thread(recorded, tmp_path)
    async with whip_room(silence=SILENCE) as room:
        ana = await room.join("ana")
        async with publishing(room, media) as obs:
            await is_there(ana)
            assert sent(room) == {"video": (NO_ENCODER, "H264"), "audio": (NO_ENCODER, "OPUS")}
            await is_there(await room.join("ben"))  # by the next key frame: none is made because one is asked for
            obs.signal(signal.SIGTERM)
            said = (await obs.end())[1]
            # As OBS does, it closes first: we may have seen that before the DELETE comes.
            assert "deleted 200" in said or "deleted 404" in said
        assert told(room, "ana", "obs").reason is Reason.LEFT
        assert told(room, "ana", "obs").detected_by is Detection.NOTICE
        room.journal.events.clear()
        room.journal.lines.clear()
        async with publishing(room, media) as obs:
            await is_there(ana)
            obs.signal(signal.SIGKILL)
            await room.journal.until("ana", "remoteUserLeave obs network_lost")
        leave = told(room, "ana", "obs")
        assert leave.detected_by is Detection.MEDIA
        assert leave.silent_for >= SILENCE
        await room.until_empty()
