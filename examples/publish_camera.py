"""Publish a camera into a room until Ctrl-C: python publish_camera.py ws://127.0.0.1:8080/ws lobby [/dev/video0]"""

import asyncio
import sys

from peer import Camera, ExeuntError, ExitRoom, Peer, RemoteUserLeave, leave_on_signals


async def main(url: str, room: str, device: str | None = None) -> None:
    me = Peer(url, room=room, user="camera-1", extra={"place": "front door"})

    @me.on_remote_user_leave
    def gone(event: RemoteUserLeave) -> None:
        print(f"{event.user} is gone: {event.reason}, known by {event.detected_by}", flush=True)

    @me.on_exit_room
    def out(event: ExitRoom) -> None:
        for released in event.report.devices:  # they are free by now: another program can open them
            print(f"{released.device}: {released.outcome}", flush=True)

    with leave_on_signals(me):
        async with me:
            sent = await me.publish(Camera(device, width=1280, height=720))
            print(f"sending {sent.source.label}, {sent.format.describe()}", flush=True)
            await me.wait_exited()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:]))
    except ExeuntError as error:
        sys.exit(str(error))
