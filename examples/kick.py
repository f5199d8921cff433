"""Remove a user from a room, from inside it: python kick.py ws://127.0.0.1:8080/ws lobby camera-1 [text]"""

import asyncio
import sys

from peer import ExeuntError, Peer


async def main(url: str, room: str, user: str, text: str | None = None) -> None:
    async with Peer(url, room=room, user="moderator") as me:
        await me.kick(user, text)  # returns when everybody has been told
        print(f"{user} is out; here are: {', '.join(me.users) or 'nobody'}")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:]))
    except ExeuntError as error:
        sys.exit(str(error))
