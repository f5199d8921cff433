"""Which web pages may talk to the server. A program that is no browser sends no Origin and may."""

from urllib.parse import SplitResult, urlsplit

from aiohttp import web

from signaling.config import SignalingConfig

DEFAULT_PORTS = {"http": 80, "https": 443}


def is_from_elsewhere(request: web.Request, config: SignalingConfig) -> bool:
    """Whether a page of another site makes this request, and that site is not among the allowed origins."""
    origin = request.headers.get("Origin")
    if origin is None or origin in config.allowed_origins:
        return False
    try:
        site = urlsplit(origin)
        ours = urlsplit(f"{site.scheme}://{request.host}")
        return site.scheme not in DEFAULT_PORTS or _address(site) != _address(ours)
    except ValueError:  # no port can be read
        return True


def _address(parts: SplitResult) -> tuple[str | None, int]:
    # By the scheme of the page: behind a proxy that ends TLS, ours is another.
    return parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme]
