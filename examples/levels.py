"""Show how loud everybody is, ten times a second: python levels.py ws://127.0.0.1:8080/ws lobby"""

import asyncio
import sys

import numpy as np

from peer import ExeuntError, Peer, RemoteUser, RemoteUserJoin, leave_on_signals

QUIET = -60  # dB below full scale


async def meter(user: RemoteUser) -> None:
    """Print a bar for each tenth of a second; a speech recogniser would take the same chunks."""
    async for chunk in user.audio.chunks(rate=16_000, channels=1, ms=100):  # (1600, 1) int16, without a gap
        power = np.square(chunk.array / 32768).mean()
        level = max(10 * np.log10(power + 1e-9), QUIET)
        print(f"{user.name:>12} {level:4.0f} dB {'#' * round((level - QUIET) / 2)}", flush=True)


async def main(url: str, room: str) -> None:
    me = Peer(url, room=room, user="level-meter")
    with leave_on_signals(me):
        async with me, asyncio.TaskGroup() as meters:

            @me.on_remote_user_join  # also called for everybody who is here already
            def here(event: RemoteUserJoin) -> None:
                meters.create_task(meter(me.users[event.user]))  # ends when they leave

            await me.wait_exited()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:3]))
    except ExeuntError as error:
        sys.exit(str(error))
