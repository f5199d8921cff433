"""A program that captures from a camera that encodes: `coded_child.py DEVICE OPTIONS`; it says what came of it."""

import asyncio
import json
import sys

from peer.capture import Camera, Capture, Frame, Kind, acquire
from peer.capture.coded import Coded

PASSED = 45  # packets
PICTURES = 5
LIMIT = 20.0  # seconds


def say(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, **facts}), flush=True)


async def watch(capture: Capture) -> None:
    """Have packets alone, then pictures as well, then packets alone again."""
    loop = asyncio.get_running_loop()
    packets: asyncio.Queue[Coded] = asyncio.Queue()
    frames: asyncio.Queue[Frame] = asyncio.Queue()
    before = capture.taken[Kind.VIDEO]
    capture.subscribe_coded(Kind.VIDEO, lambda coded: loop.call_soon_threadsafe(packets.put_nowait, coded) and None)
    await packets.get()
    taken = capture.taken[Kind.VIDEO]
    first = [await packets.get() for _ in range(PASSED)]
    while not first[-1].is_key:  # what follows is in the middle between key frames
        first.append(await packets.get())
    stamps, keys = [one.stamp for one in first], [one for one in first if one.is_key]
    say(
        "passed",
        taken=capture.taken[Kind.VIDEO] - taken,
        before=before,
        rises=stamps == sorted(set(stamps)),
        keys=len(keys),
        parameters=all(key.bitstream.find(b"\0\0\1\x67") >= 0 for key in keys),
    )
    for _ in range(8):
        await packets.get()
    stop = capture.subscribe(Kind.VIDEO, frames.put_nowait)
    await frames.get()
    late = packets.qsize()
    for _ in range(PICTURES - 1):
        await frames.get()
    say("shown", late=late, pictures=PICTURES)
    stop()
    await packets.get()
    while not packets.empty():
        packets.get_nowait()
    await packets.get()
    taken = capture.taken[Kind.VIDEO]
    for _ in range(10):
        await packets.get()
    say("rested", more=capture.taken[Kind.VIDEO] - taken)


async def main(device: str, options: str) -> None:
    async with asyncio.timeout(LIMIT):
        capture = await acquire(Camera(device, **json.loads(options)))
        coding = capture.coded.get(Kind.VIDEO)
        say("opened", form=capture.format.describe(), coded=None if coding is None else coding.codec)
        if coding is not None:
            await watch(capture)
        released = await capture.release()
        say("released", outcome=released.outcome.value)


asyncio.run(main(*sys.argv[1:3]))
