"""ICE servers in `Link` headers, as WHIP and WHEP servers name them (RFC 9725, section 4.6). Pure."""

import re
from collections.abc import Iterable, Iterator

from signaling.messages import IceServer, is_ice_url

_LINK = re.compile(r'<([^<>]*)>((?:[^",]|"(?:[^"\\]|\\.)*")*)')  # RFC 8288, section 3
_PARAMETER = re.compile(r';\s*([\w-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,]*)))?')
_ESCAPE = re.compile(r"\\(.)")


def ice_servers(headers: Iterable[str]) -> tuple[IceServer, ...]:
    """Return the STUN and TURN servers that the `Link` headers of an answer name, in their order; others are ignored.

    Credentials are taken of type "password", which is what there is.
    """
    return tuple(server for header in headers for server in _servers(header))


def _servers(header: str) -> Iterator[IceServer]:
    for url, rest in _LINK.findall(header):
        parameters = {name.lower(): _ESCAPE.sub(r"\1", quoted) or plain for name, quoted, plain in _parameters(rest)}
        if "ice-server" in parameters.get("rel", "").split() and is_ice_url(url):
            yield IceServer(urls=[url], username=parameters.get("username"), credential=parameters.get("credential"))


def _parameters(rest: str) -> list[tuple[str, str, str]]:
    return _PARAMETER.findall(rest)
