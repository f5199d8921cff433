"""The last words for a session, as one HTTP request: what is to be sent, and where. Pure: `guardian.py` sends it."""

from base64 import b64encode

import msgspec
from yarl import URL

from signaling.messages import Farewell


class Call(msgspec.Struct, frozen=True):
    """An HTTP request that is ready to be sent; plain enough for a program that knows no URL."""

    host: str  # a name in ASCII, or an address without brackets
    port: int
    is_secure: bool
    request: str


def call_of(url: str, farewell: Farewell) -> Call:
    """Return the POST of a farewell to the address of the server's WebSocket; path and query are kept."""
    address, body = URL(url), msgspec.json.encode(farewell).decode()
    content = ["Content-Type: application/json", f"Content-Length: {len(body.encode())}"]
    return _call("POST", address, [*_authorization(address), *content], body)


def deletion_of(url: str, token: str | None = None) -> Call:
    """Return the DELETE that ends a WHIP or WHEP session (RFC 9725, section 4.2)."""
    return _call("DELETE", URL(url), [] if token is None else [f"Authorization: Bearer {token}"])


def _call(method: str, address: URL, headers: list[str], body: str = "") -> Call:
    host, port = address.raw_host or "", address.port or 0
    lines = [
        f"{method} {address.raw_path_qs} HTTP/1.1",
        f"Host: {f'[{host}]' if ':' in host else host}{'' if address.is_default_port() else f':{port}'}",
        *headers,
        "Connection: close",
    ]
    return Call(host, port, address.scheme in ("wss", "https"), "\r\n".join([*lines, "", body]))


def _authorization(address: URL) -> list[str]:
    """Return the header for a user and a password in the URL, as the WebSocket sends it."""
    if address.user is None:
        return []
    credentials = b64encode(f"{address.user}:{address.password or ''}".encode()).decode()
    return [f"Authorization: Basic {credentials}"]
