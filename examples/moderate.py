"""Remove whoever says too much: python moderate.py ws://127.0.0.1:8080/ws lobby [messages per minute]"""

import asyncio
import sys
import time
from collections import defaultdict, deque

from peer import ExeuntError, Message, Peer, Refused, RemoteUserLeave, leave_on_signals

MINUTE = 60.0  # seconds


async def main(url: str, room: str, per_minute: str = "20") -> None:
    me, most = Peer(url, room=room, user="moderator"), int(per_minute)
    said: defaultdict[str, deque[float]] = defaultdict(deque)  # when, by user

    @me.on_message
    async def heard(event: Message) -> None:
        if event.user is None:  # the server itself
            return
        times = said[event.user]
        times.append(time.monotonic())
        while times[0] < time.monotonic() - MINUTE:
            times.popleft()
        if len(times) > most and event.user in me.users:
            try:
                await me.kick(event.user, f"more than {most} messages a minute", ban_for=MINUTE)
            except Refused as refused:  # they were faster
                print(refused, flush=True)

    @me.on_remote_user_leave
    def gone(event: RemoteUserLeave) -> None:
        said.pop(event.user, None)
        print(f"{event.user} is gone: {event.reason}{f', {event.text}' if event.text else ''}", flush=True)

    with leave_on_signals(me):
        async with me:
            await me.wait_exited()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:]))
    except (ExeuntError, ValueError) as error:
        sys.exit(str(error))
