"""Show this machine's screen in a room until a signal: python show_screen.py ws://127.0.0.1:8080/ws lobby kiosk-1"""

import asyncio
import sys

from peer import DeviceBack, DeviceLost, ExeuntError, ExitRoom, Peer, Screen, leave_on_signals


async def main(url: str, room: str, user: str) -> None:
    me = Peer(url, room=room, user=user, extra={"what": "screen"})

    @me.on_device_lost  # the X server has gone: black is sent until it is back
    def lost(event: DeviceLost) -> None:
        print(event.text, flush=True)

    @me.on_device_back
    def back(event: DeviceBack) -> None:
        print(f"{event.device} is back after {event.lost_for:.0f} s", flush=True)

    @me.on_exit_room
    def out(event: ExitRoom) -> None:
        print(f"out: {event.reason}", *(f"{one.device}: {one.outcome}" for one in event.report.devices), sep="\n")

    with leave_on_signals(me):
        async with me:
            sent = await me.publish(Screen(fps=15))
            print(f"showing {sent.source.label}, {sent.format.describe()}", flush=True)
            await me.wait_exited()


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:4]))
    except ExeuntError as error:
        sys.exit(str(error))
