"""A peer as one writes it with aiortc alone: `python -m bench.exits.plain publisher CAMERA` or `viewer`.

Orders and descriptions come as JSON lines on stdin, what happens goes out as JSON lines with the monotonic time.
"""

import asyncio
import json
import os
import signal
import sys
import time

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer


def say(what: str, **facts: object) -> None:
    os.write(1, f"{json.dumps({'at': time.monotonic(), 'what': what, **facts})}\n".encode())


def block() -> None:
    while True:
        pass


async def main(role: str, camera: str | None = None) -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    pc = RTCPeerConnection()
    pc.on("connectionstatechange", lambda: say("state", state=pc.connectionState))
    leaving = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, leaving.set)  # the usual way to end well
    seeing: set[asyncio.Task[None]] = set()

    @pc.on("track")
    def track(remote: object) -> None:
        async def watch() -> None:
            await remote.recv()
            say("sees")
            while True:
                await remote.recv()

        seeing.add(asyncio.create_task(watch()))

    if role == "publisher":
        player = MediaPlayer(camera, format="v4l2", options={"video_size": "320x240"})
        pc.addTrack(player.video)
        await pc.setLocalDescription(await pc.createOffer())
        say("offer", sdp=pc.localDescription.sdp)
    while line := await lines.readline():
        match json.loads(line):
            case {"sdp": sdp, "type": "offer"}:
                await pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
                await pc.setLocalDescription(await pc.createAnswer())
                say("answer", sdp=pc.localDescription.sdp)
            case {"sdp": sdp, "type": "answer"}:
                await pc.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
            case {"do": "close"}:
                say("begins")
                await pc.close()
                say("closed")
            case {"do": "block"}:
                say("begins")
                block()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
