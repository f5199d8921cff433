"""The others in the room: real peers, which see the leaver's pictures, and listeners, which only hear the server.

    python -m bench.exits.others URL PEERS LISTENERS

Each word about the leaver is a JSON line with the machine's monotonic time.
"""

import asyncio
import json
import os
import sys
import time
from contextlib import AsyncExitStack

import aiohttp

from peer import Peer, RemoteUserJoin, RemoteUserLeave, RemoteUserUnreachable
from signaling.messages import Join, ServerMessage, decode_server, encode

LEAVER = "ana"


def say(what: str, user: str, **facts: object) -> None:
    """Print a line at once."""
    os.write(1, f"{json.dumps({'at': time.monotonic(), 'what': what, 'user': user, **facts})}\n".encode())


def note(user: str, event: ServerMessage) -> None:
    """Say what a user was told of the leaver."""
    match event:
        case RemoteUserLeave(user="ana", reason=reason):
            say("leave", user, reason=reason)
        case RemoteUserUnreachable(user="ana"):
            say("unreachable", user)
        case _:
            pass


async def watch(peer: Peer) -> None:
    """Say when the leaver's first picture of each stay is seen."""
    while True:
        joined = asyncio.Event()

        def here(event: RemoteUserJoin, joined: asyncio.Event = joined) -> None:
            if event.user == LEAVER:
                joined.set()

        peer.on_remote_user_join(here)
        await joined.wait()
        peer.on_remote_user_join.remove(here)
        async for _ in peer.users[LEAVER].video.frames():
            say("sees", peer.name)
            break


async def listen(http: aiohttp.ClientSession, url: str, user: str) -> None:
    """Be in the room without media."""
    async with http.ws_connect(url) as socket:
        await socket.send_str(encode(Join(room="bench", user=user)).decode())
        await socket.receive()
        say("in", user)
        async for frame in socket:
            note(user, decode_server(frame.data))


async def main(url: str, peers: int, listeners: int) -> None:
    """Let them in, and stay until ended."""
    async with AsyncExitStack() as stack, aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        for number in range(peers):
            peer = Peer(url, room="bench", user=f"peer{number}", guard=False)
            peer.on_remote_user_leave(lambda event, user=peer.name: note(user, event))
            peer.on_remote_user_unreachable(lambda event, user=peer.name: note(user, event))
            await stack.enter_async_context(peer)
            group.create_task(watch(peer))
            say("in", peer.name)
        for number in range(listeners):
            group.create_task(listen(http, url, f"listener{number}"))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
