"""The pages and scripts in `signaling/web`, to be served at any address: they name each other relatively."""

import re
from pathlib import Path

from aiohttp import web

from signaling.lobby import is_room_name

WEB = Path(__file__).parent / "web"

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
FILE_PATTERN = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+")  # no slash, no leading dot: nothing outside the folder

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "connect-src 'self' ws: wss:",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)


def add_pages(router: web.UrlDispatcher) -> None:
    """Add the page of every room, the front page and the files that they load."""
    router.add_get("/", _front)
    router.add_get("/-/{file}", _file)
    router.add_get("/{room}", _room)


async def _front(_request: web.Request) -> web.FileResponse:
    return _serve("index.html")


async def _room(request: web.Request) -> web.FileResponse:
    if not is_room_name(request.match_info["room"]):
        raise web.HTTPNotFound
    return _serve("index.html")


async def _file(request: web.Request) -> web.FileResponse:
    return _serve(request.match_info["file"])


def _serve(name: str) -> web.FileResponse:
    content_type = CONTENT_TYPES.get(Path(name).suffix)
    if content_type is None or not FILE_PATTERN.fullmatch(name):
        raise web.HTTPNotFound
    headers = {
        "Cache-Control": "no-cache",  # keep it, but ask whether it is still the same
        "Content-Type": content_type,
        "Referrer-Policy": "no-referrer",  # the address may hold a token
        "X-Content-Type-Options": "nosniff",
    }
    if content_type.startswith("text/html"):
        headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return web.FileResponse(WEB / name, headers=headers)
