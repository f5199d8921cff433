"""Play a file to everybody in a room, then leave: python announce.py ws://127.0.0.1:8080/ws lobby closing-time.webm"""

import asyncio
import sys

from peer import ExeuntError, File, Peer, SourceEnded, leave_on_signals


async def main(url: str, room: str, path: str) -> None:
    me = Peer(url, room=room, user="announcer")

    @me.on_source_ended
    def over(event: SourceEnded) -> None:
        print(f"{event.device} is over" if event.text is None else event.text, flush=True)
        me.request_exit()

    with leave_on_signals(me):
        async with me:
            await me.publish(File(path))
            print(f"playing {path} to {', '.join(me.users) or 'nobody'}", flush=True)
            await me.wait_exited()


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:4]))
    except ExeuntError as error:
        sys.exit(str(error))
