"""The pages and scripts in `signaling/web`, to be served at any address: they name each other relatively."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

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
HOST_PATTERN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.?")  # of CSP 3, section 2.3.1: no IPv6 address is one
FILE_PATTERN = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+")  # no slash, no leading dot: nothing outside the folder

OPERATOR_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",  # with no policy to be had: no text can become markup
        "trusted-types 'none'",
    ]
)
OPERATOR_HEADERS = {
    "Content-Security-Policy": OPERATOR_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=()",
    "X-Frame-Options": "DENY",
}


def room_policy(janus: Sequence[str]) -> str:
    """Return what the page of a room may load and connect to: our own origin, and these Janus servers."""
    return "; ".join(
        [
            "default-src 'self'",
            " ".join(["connect-src 'self'", *dict.fromkeys(map(_source, janus))]),
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def add_pages(router: web.UrlDispatcher, janus: Sequence[str] = ()) -> None:
    """Add the page of every room, the front page, those of operators, and the files that they load.

    `janus`: addresses of the WebSocket APIs that the page of a room may connect to besides our own.
    """
    pages = _Pages({"Content-Security-Policy": room_policy(janus)})
    router.add_get("/", pages.page("index.html"))
    router.add_get("/admin", pages.page("admin.html"))
    router.add_get("/api/docs", pages.page("docs.html"))
    router.add_get("/-/{file}", pages.file)
    router.add_get("/{room}", pages.room)


class _Pages:
    """What is served, each page with what it may do."""

    def __init__(self, room_headers: Mapping[str, str]) -> None:
        self._headers = {"index.html": room_headers, "admin.html": OPERATOR_HEADERS, "docs.html": OPERATOR_HEADERS}

    def page(self, name: str) -> Callable[[web.Request], Awaitable[web.FileResponse]]:
        async def page(_request: web.Request) -> web.FileResponse:
            return self._serve(name)

        return page

    async def room(self, request: web.Request) -> web.FileResponse:
        if not is_room_name(request.match_info["room"]):
            raise web.HTTPNotFound
        return self._serve("index.html")

    async def file(self, request: web.Request) -> web.FileResponse:
        return self._serve(request.match_info["file"])

    def _serve(self, name: str) -> web.FileResponse:
        content_type = CONTENT_TYPES.get(Path(name).suffix)
        if content_type is None or not FILE_PATTERN.fullmatch(name):
            raise web.HTTPNotFound
        headers = {
            "Cache-Control": "no-cache",  # keep it, but ask whether it is still the same
            "Content-Type": content_type,
            "Referrer-Policy": "no-referrer",  # the address may hold a token
            "X-Content-Type-Options": "nosniff",
        }
        return web.FileResponse(WEB / name, headers={**headers, **self._headers.get(name, {})})


def _source(url: str) -> str:
    """Return a WebSocket's address as a policy names it; any address of its scheme where a policy cannot name that."""
    parts = urlsplit(url)
    try:
        host = (parts.hostname or "").encode("idna").decode()
    except UnicodeError:  # a part of it is too long: nothing can be reached there
        host = ""
    port = "" if parts.port is None else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}" if HOST_PATTERN.fullmatch(host) else f"{parts.scheme}:"
