"""Watch everybody in a room as numpy arrays: python watch.py ws://127.0.0.1:8080/ws lobby"""

import asyncio
import sys

from peer import ExeuntError, Peer, RemoteUser, RemoteUserJoin, leave_on_signals


async def brightness(user: RemoteUser) -> None:
    """Print how bright each picture is; ends when the user is gone."""
    async for frame in user.video.frames("gray"):  # (height, width) uint8, always the newest
        height, width = frame.array.shape
        print(f"{user.name}: {width}x{height}, brightness {frame.array.mean():.0f}", flush=True)


async def main(url: str, room: str) -> None:
    me = Peer(url, room=room, user="watcher")
    with leave_on_signals(me):
        async with me, asyncio.TaskGroup() as watching:

            @me.on_remote_user_join  # also called for everybody who is here already
            def here(event: RemoteUserJoin) -> None:
                watching.create_task(brightness(me.users[event.user]))

            await me.wait_exited()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:]))
    except ExeuntError as error:
        sys.exit(str(error))
