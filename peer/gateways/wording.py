"""What WHIP and WHEP say in headers and status codes (RFC 9725). Pure."""

from collections.abc import Iterable

from signaling.messages import ErrorCode, IceServer

SDP = "application/sdp"
EXPOSED = "Location, Link, ETag, Retry-After"  # what a page of another origin may read of an answer
STATUS: dict[str, int] = {  # of what a room may have against a user; all else: 400
    ErrorCode.TOKEN_REQUIRED: 401,
    ErrorCode.TOKEN_INVALID: 401,
    ErrorCode.TOKEN_EXPIRED: 401,
    ErrorCode.NOT_ALLOWED: 403,
    ErrorCode.BANNED: 403,
    ErrorCode.NO_SUCH_USER: 404,
    ErrorCode.USER_TAKEN: 409,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.ROOM_FULL: 503,
    ErrorCode.SERVER_FULL: 503,
    ErrorCode.SERVER_SHUTDOWN: 503,
}


def status_of(code: str) -> int:
    """Return the status of HTTP for an error of ours."""
    return STATUS.get(code, 400)


def links(servers: Iterable[IceServer]) -> list[str]:
    """Return a value of the header Link for each address of each ICE server (section 4.6)."""
    return [_link(url, server) for server in servers for url in server.urls]


def accepts(accept: str | None, media_type: str) -> bool:
    """Whether an Accept header takes a media type (RFC 9110, section 12.5.1); none takes everything."""
    if accept is None:
        return True
    family = f"{media_type.split('/')[0]}/*"
    ranges = (one.split(";") for one in accept.split(","))
    return any(name.strip().lower() in ("*/*", family, media_type) and not _is_zero(rest) for name, *rest in ranges)


def bearer(authorization: str | None) -> str | None:
    """Return the token of an Authorization header (RFC 6750), None if there is none."""
    scheme, _, word = (authorization or "").partition(" ")
    return word.strip() or None if scheme.lower() == "bearer" else None


def _link(url: str, server: IceServer) -> str:
    words = [f"<{url}>", 'rel="ice-server"']
    if server.username is not None and server.credential is not None:
        words += [f"username={_quoted(server.username)}", f"credential={_quoted(server.credential)}"]
        words.append('credential-type="password"')
    return "; ".join(words)


def _quoted(text: str) -> str:
    """Write a quoted-string (RFC 9110, section 5.6.4)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _is_zero(parameters: list[str]) -> bool:
    """Whether a quality value says "not this"."""
    values = [word.strip()[2:] for word in parameters if word.strip().lower().startswith("q=")]
    return bool(values) and values[0].strip("0.") == ""
