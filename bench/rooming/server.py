"""A room server with python-socketio. REDIS, if set, joins it to others of its kind.

Deflate is declined where python-socketio makes its sockets, which has no option for it: it would only cost it more.
"""

import asyncio
import functools
import gc
import json
import os

import engineio.async_drivers.aiohttp as driver
import socketio
from aiohttp import web


async def main() -> None:
    """Serve until ended."""
    driver.WebSocketResponse = functools.partial(web.WebSocketResponse, compress=False)
    redis = os.environ.get("REDIS")
    joined = {"client_manager": socketio.AsyncRedisManager(redis)} if redis else {}
    server = socketio.AsyncServer(async_mode="aiohttp", async_handlers=False, **joined)

    async def join(session: str, room: str) -> bool:
        await server.enter_room(session, room)
        return True

    async def say(session: str, room: str, words: object) -> None:
        await server.emit("said", words, room=room, skip_sid=session)

    async def leave(session: str, room: str) -> None:
        await server.leave_room(session, room)
        await server.emit("left", {"id": session, "room": room}, room=room)

    for handler in (join, say, leave):
        server.on(handler.__name__, handler)

    async def collect(_: web.Request) -> web.Response:
        gc.collect()
        return web.Response()

    application = web.Application()
    server.attach(application)
    application.router.add_get("/", collect)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"ws://127.0.0.1:{runner.addresses[0][1]}/socket.io/?EIO=4&transport=websocket"
    print(json.dumps({"type": "join", "text": url}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
