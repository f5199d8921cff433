"""What may stand on the command line, and what it means. Pure."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from peer.errors import UsageError
from signaling.messages import IceServer

DEFAULT = "default"  # the value of a device option without one
OPTIONAL_VALUE = ("--camera", "--microphone", "--screen")
SCHEMES = {"ws": "http", "wss": "https", "http": "http", "https": "https"}
LARGEST = (7680, 4320)  # pixels
DEVICE = re.compile(r"^(/dev/|:\d|hw:|plughw:|pulse$|default$)")


def with_optional_values(arguments: list[str]) -> list[str]:
    """Let `--camera` stand alone, as `ls --color` does: rewritten to `--camera=default`, or joined with a device."""
    rewritten: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word in OPTIONAL_VALUE:
            device = rest.pop(0) if rest and DEVICE.match(rest[0]) else DEFAULT
            word = f"{word}={device}"
        rewritten.append(word)
    return rewritten


def parse_size(text: str) -> tuple[int, int]:
    """Return (width, height) in pixels of "1280x720". Raises `UsageError`."""
    match = re.fullmatch(r"(\d{2,4})x(\d{2,4})", text)
    if match is None or int(match[1]) > LARGEST[0] or int(match[2]) > LARGEST[1]:
        raise UsageError(f"{text!r} is no size: write it like 1280x720, at most {LARGEST[0]}x{LARGEST[1]}")
    return int(match[1]), int(match[2])


def parse_ice_server(text: str) -> IceServer:
    """Return the server of "stun:host:port" or "turn:user:password@host:port". Raises `UsageError`."""
    match = re.fullmatch(r"(stuns?|turns?):(?:([^:@]+):([^@]+)@)?([^@\s]+)", text)
    if match is None or (match[1].startswith("turn")) != (match[2] is not None):
        raise UsageError(f"{text!r} is no ICE server: write stun:host:port or turn:user:password@host:port")
    return IceServer(urls=[f"{match[1]}:{match[4]}"], username=match[2], credential=match[3])


def api_url(url: str, path: str) -> str:
    """Return the HTTP address of the server's API for its WebSocket address. Raises `UsageError`."""
    try:
        parts = urlsplit(url)
        is_address = bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not match, a port that is no port
        is_address = False
    if not is_address or parts.scheme not in SCHEMES:
        raise UsageError(f"{url!r} is no server address: it looks like ws://127.0.0.1:8080/ws")
    base = parts.path.removesuffix("/").removesuffix("/ws")
    return urlunsplit((SCHEMES[parts.scheme], parts.netloc, f"{base}/{path}", "", ""))


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """The sources named on a command line; None: not named, "default": without a device."""

    camera: str | None = None
    microphone: str | None = None
    screen: str | None = None
    file: str | None = None
    test: bool = False
    size: tuple[int, int] | None = None
    fps: int = 30
    loop: bool = False
    isolation: str | None = None
    codec: str = "auto"
    encoder: str = "software"
    bitrate: int | None = None

    @property
    def any(self) -> bool:
        """Whether any source is named."""
        return self.test or any((self.camera, self.microphone, self.screen, self.file))
