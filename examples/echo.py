"""Return to a user what they show and say, in negative and softly: python echo.py ws://127.0.0.1:8080/ws lobby ana"""

import asyncio
import sys
from contextlib import suppress

from peer import AudioSource, ExeuntError, LeftRoom, NotPublished, Peer, RemoteUser, VideoSource, leave_on_signals


async def return_pictures(me: Peer, user: RemoteUser) -> None:
    source = None
    async for frame in user.video.frames():  # (height, width, 3) uint8, always the newest
        height, width, _ = frame.array.shape
        if source is None or (source.width, source.height) != (width, height):
            if source is not None:
                await me.unpublish(source)
            source = VideoSource(width, height)
            await me.publish(source)
        await source.write(255 - frame.array)


async def return_sound(me: Peer, user: RemoteUser) -> None:
    source = AudioSource(48_000, channels=2)
    await me.publish(source)
    async for chunk in user.audio.chunks(48_000, 2, backlog=0.1):  # (samples, 2) int16
        await source.write(chunk.array // 2)


async def main(url: str, room: str, name: str) -> None:
    me = Peer(url, room=room, user="echo")
    with leave_on_signals(me), suppress(LeftRoom):
        async with me:
            user = await me.user(name)  # is here, or comes
            with suppress(NotPublished):
                await asyncio.gather(return_pictures(me, user), return_sound(me, user))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:4]))
    except ExeuntError as error:
        sys.exit(str(error))
