"""What a server can be told before it starts."""

import math
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

from signaling.messages import IceServer, is_ice_url

MIN_KEY = 16  # characters: what is shorter can be guessed from one token


class Duplicate(StrEnum):
    """What happens when a user comes in who is in the room already."""

    REPLACE = "replace"  # the older session leaves, with the reason `replaced`
    REJECT = "reject"  # the newer one is refused until the older is gone


@dataclass(frozen=True, kw_only=True)
class SignalingConfig:
    """The options of a server. A value that cannot be raises `ValueError` and names the field."""

    grace: float = 10.0  # seconds a lost connection may take to come back; 0: who is lost is gone at once
    heartbeat: float = 5.0  # seconds between pings; a client that is silent for 1.5 times as long is lost; 0: no pings
    capacity: int = 64  # users per room
    max_age: float | None = None  # seconds after which a room is dismissed, from its first user on; None: never
    duplicate: Duplicate = Duplicate.REPLACE
    key: str | None = field(default=None, repr=False)  # signs the tokens; None: everybody may do everything
    ice_servers: tuple[IceServer, ...] = field(default=(), repr=False)  # they may hold credentials
    journal: str | Path | None = None  # a file to write down, as JSON lines, what happens
    allowed_origins: tuple[str, ...] = ()  # other sites whose pages may talk to us, as "https://example.org"

    def __post_init__(self) -> None:
        _require(_is_duration(self.grace), f"grace must be 0 or more seconds, not {self.grace!r}")
        _require(_is_duration(self.heartbeat), f"heartbeat must be 0 or more seconds, not {self.heartbeat!r}")
        _require(self.capacity >= 1, f"capacity must be at least 1 user, not {self.capacity!r}")
        _require(
            self.max_age is None or (_is_duration(self.max_age) and self.max_age > 0),
            f"max_age must be more than 0 seconds, or None, not {self.max_age!r}",
        )
        _require(self.duplicate in list(Duplicate), f"duplicate must be replace or reject, not {self.duplicate!r}")
        _require(self.key is None or len(self.key) >= MIN_KEY, f"key must have at least {MIN_KEY} characters")
        for url in (url for server in self.ice_servers for url in server.urls):
            _require(is_ice_url(url), f"ice_servers must look like stun:example.org:3478, not {url!r}")
        for origin in self.allowed_origins:
            _require(_is_origin(origin), f"allowed_origins must look like https://example.org, not {origin!r}")


class Options(TypedDict, total=False):
    """The fields of `SignalingConfig`, as keyword arguments."""

    grace: float
    heartbeat: float
    capacity: int
    max_age: float | None
    duplicate: Duplicate
    key: str | None
    ice_servers: tuple[IceServer, ...]
    journal: str | Path | None
    allowed_origins: tuple[str, ...]


def _require(is_so: bool, sentence: str) -> None:
    if not is_so:
        raise ValueError(sentence)


def _is_duration(seconds: float) -> bool:
    return math.isfinite(seconds) and seconds >= 0


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and text == f"{parts.scheme}://{parts.netloc}"
