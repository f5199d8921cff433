"""Rooms inside your own aiohttp application: python embed_in_aiohttp.py 8080, then open http://127.0.0.1:8080/rooms/lobby"""

import sys

from aiohttp import web

from signaling import SignalingServer

rooms = SignalingServer(capacity=8, grace=5)


async def front_page(_: web.Request) -> web.Response:
    lines = [f"{room.name}: {', '.join(user.user for user in room.users)}" for room in rooms.rooms()]
    return web.Response(text="\n".join(lines) or "nobody is here")


async def close_everything(_: web.Request) -> web.Response:
    for room in rooms.rooms():
        await rooms.dismiss(room.name, text="closing time")
    return web.Response(text="closed")


def make_app() -> web.Application:
    app = web.Application()
    app.router.add_get("/", front_page)
    app.router.add_post("/closing-time", close_everything)
    app.add_subapp("/rooms", rooms.app)
    return app


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    web.run_app(make_app(), host="127.0.0.1", port=int(sys.argv[1]))
