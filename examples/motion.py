"""Say when something moves before a camera: python motion.py ws://127.0.0.1:8080/ws lobby camera-1 [threshold]"""

import asyncio
import sys
from contextlib import suppress

import numpy as np

from peer import ExeuntError, LeftRoom, Peer, leave_on_signals


async def main(url: str, room: str, camera: str, threshold: str = "4") -> None:
    me, least = Peer(url, room=room, user="motion-detector"), float(threshold)
    with leave_on_signals(me), suppress(LeftRoom):
        async with me:
            user = await me.user(camera)  # is here, or comes
            before, was_moving = None, False
            async for frame in user.video.frames("gray"):  # (height, width) uint8, always the newest
                now = frame.array[::4, ::4].astype(np.int16)
                if before is not None and before.shape == now.shape:
                    change = np.abs(now - before).mean()
                    if (is_moving := change > least) != was_moving:
                        was_moving = is_moving
                        print(f"{camera} {'moves' if is_moving else 'is still'}", flush=True)
                before = now


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:]))
    except (ExeuntError, ValueError) as error:
        sys.exit(str(error))
