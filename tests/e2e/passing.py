"""A program that publishes a film, or a camera that encodes, as kiosk: `passing.py URL FILM|/dev/… CODEC`.

CODEC is what `Peer.publish` takes: with the film's own or "auto" it may pass as it is. Each second it says how it is
sent.
"""

import asyncio
import json
import signal
import sys
import time

from peer import Camera, File, OutboundRtpStats, Peer

TURN = 1.0  # seconds


async def main(url: str, film: str, codec: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Peer(url, room="lobby", user="kiosk") as me:
        is_camera = film.endswith("video0")
        await me.publish(Camera(film, coding="h264") if is_camera else File(film, loop=True), codec=codec)
        while not stop.is_set():
            began, cpu = time.monotonic(), time.process_time()
            try:
                async with asyncio.timeout(TURN):
                    await stop.wait()
            except TimeoutError:
                share = (time.process_time() - cpu) / (time.monotonic() - began)
                streams = [one for one in me.stats() if isinstance(one, OutboundRtpStats)]
                sent = {one.kind: [one.encoder_implementation, one.codec, one.pli_count] for one in streams}
                print(json.dumps({"type": "sending", "cpu": share, **sent}), flush=True)


asyncio.run(main(*sys.argv[1:]))
