"""What a server can be told before it starts."""

import math
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypedDict
from urllib.parse import urlsplit

from signaling.addresses import network
from signaling.janus.checking import check_janus
from signaling.janus_words import Topology
from signaling.keys import MIN_KEY, Key
from signaling.messages import IceServer, is_ice_url

_LIMITS = (
    *(
        "max_connections",
        "connections_per_address",
        "max_pending",
        "pending_per_address",
        "join_rate",
        "wrong_keys",
        "max_rooms",
    ),
    *("message_rate", "handshake_timeout", "join_timeout"),
)


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
    solo_timeout: float | None = None  # seconds for which one may be alone after company; None: for ever
    duplicate: Duplicate = Duplicate.REPLACE
    key: str | None = field(default=None, repr=False)  # signs the tokens; without any, everybody may do everything
    keys: tuple[Key, ...] = ()  # more of them, with ids: several are valid while they are changed
    admin_key: str | None = field(default=None, repr=False)  # opens the admin API; None: tokens do, if there is a key
    ice_servers: tuple[IceServer, ...] = field(default=(), repr=False)  # they may hold credentials
    journal: str | Path | None = None  # a file to write down, as JSON lines, what happens
    allowed_origins: tuple[str, ...] = ()  # other sites whose pages may talk to us, as "https://example.org"
    trusted_proxies: tuple[str, ...] = ()  # networks, as "10.0.0.0/8", whose X-Forwarded-For is believed
    max_connections: int = 10_000  # sockets in all; 0: no limit
    connections_per_address: int = 500  # sockets of one IPv4 address or IPv6 site; 0: no limit
    max_pending: int = 2000  # connections that are no WebSockets, or not yet, in all; 0: no limit
    pending_per_address: int = 200  # the same, of one IPv4 address or IPv6 site; 0: no limit
    join_rate: int = 600  # joins a minute from one address; 0: no limit
    wrong_keys: int = 30  # wrong keys and tokens a minute from one address, before no more are looked at; 0: no limit
    max_rooms: int = 10_000  # rooms at one time; 0: no limit
    message_rate: float = 100.0  # messages a second from one client in the long run; 0: no limit
    message_burst: int = 2000  # messages at once from one client
    outbox_messages: int = 256  # that wait for one client; who lets more of them wait is cut off
    outbox_bytes: int = 4 * 1024 * 1024  # the same, in bytes
    handshake_timeout: float = 10.0  # seconds for a request's headers to arrive; 0: no limit
    join_timeout: float = 10.0  # seconds from a socket's opening to its join; 0: no limit
    metrics_public: bool = False  # whether /metrics is for everybody; else for this machine and for `admin`
    state: str | Path | None = None  # a file that hands those who are here over to the server that is started next
    redis: str | None = field(default=None, repr=False)  # redis://host:port/0: one server with all nodes that use it
    redis_prefix: str = "exeunt:"  # of all keys, so that several clusters can share one Redis
    drain_delay: float = 0.0  # seconds for which /readyz says 503 before a server that ends lets go of anybody
    webhooks: tuple[str, ...] = ()  # http or https addresses that every event of rooms and users is posted to
    webhook_keys: tuple[str, ...] = field(default=(), repr=False)  # they sign it; two while keys are changed
    turn_urls: tuple[str, ...] = ()  # TURN servers that share `turn_secret` with us, as "turn:example.org:3478"
    turn_secret: str | None = field(default=None, repr=False)  # makes credentials that are valid for `turn_ttl`
    turn_ttl: float = 3600.0  # seconds; clients get new ones when half of it is over
    topology: Topology = "mesh"  # how the media of rooms pass that nobody created with another
    janus: tuple[str, ...] = ()  # the WebSocket APIs of Janus servers that carry rooms of the topology "janus"
    janus_secret: str | None = field(default=None, repr=False)  # opens VideoRooms there; the plugin's admin_key, if any

    rtcmulticonnection: bool = False  # whether pages of RTCMultiConnection may come in, by socket.io
    rtcmulticonnection_files: str | Path | None = None  # a folder with what they load: socket.io.js, and what you like

    def __post_init__(self) -> None:
        check_settings(self)
        _require(_is_duration(self.heartbeat), f"heartbeat must be 0 or more seconds, not {self.heartbeat!r}")
        self._check_keys()
        _require(
            self.admin_key is None or (len(self.admin_key) >= MIN_KEY and _is_bearer(self.admin_key)),
            f"admin_key must have at least {MIN_KEY} visible ASCII characters",
        )
        for url in (url for server in self.ice_servers for url in server.urls):
            _require(is_ice_url(url), f"ice_servers must look like stun:example.org:3478, not {url!r}")
        for origin in self.allowed_origins:
            _require(_is_origin(origin), f"allowed_origins must look like https://example.org, not {origin!r}")
        self._check_limits()
        _require(_is_duration(self.drain_delay), f"drain_delay must be 0 or more seconds, not {self.drain_delay!r}")
        _require(
            self.redis is None or self.redis.startswith(("redis://", "rediss://", "unix://")),
            "redis must look like redis://example.org:6379/0",
        )
        _require(self.redis is None or self.state is None, "state is for a server without redis")
        self._check_webhooks()
        self._check_turn()
        check_janus(self.topology, self.janus, self.janus_secret)

    def _check_keys(self) -> None:
        ids = [key.id for key in self.all_keys]  # a `key` that is none says so itself
        _require(len(ids) == len(set(ids)), f"keys must have different ids, not {ids!r}")

    def _check_limits(self) -> None:
        for proxy in self.trusted_proxies:
            _require(_is_network(proxy), f"trusted_proxies must look like 10.0.0.0/8, not {proxy!r}")
        for name in _LIMITS:
            value = getattr(self, name)
            _require(_is_duration(value), f"{name} must be 0 (no limit) or more, not {value!r}")
        for name in ("message_burst", "outbox_messages", "outbox_bytes"):
            _require(getattr(self, name) >= 1, f"{name} must be at least 1, not {getattr(self, name)!r}")

    def _check_webhooks(self) -> None:
        for url in self.webhooks:
            _require(_is_address(url), f"webhooks must look like https://example.org/path, not {url!r}")
        _require(not self.webhooks or bool(self.webhook_keys), "webhooks take webhook_keys to sign with")
        short = any(len(key) < MIN_KEY for key in self.webhook_keys)
        _require(not short, f"webhook_keys must have at least {MIN_KEY} characters each")

    def _check_turn(self) -> None:
        for url in self.turn_urls:
            is_turn = url.startswith(("turn:", "turns:")) and is_ice_url(url)
            _require(is_turn, f"turn_urls must look like turn:example.org:3478, not {url!r}")
        _require(bool(self.turn_urls) == bool(self.turn_secret), "turn_urls and turn_secret go together")
        _require(
            _is_duration(self.turn_ttl) and self.turn_ttl >= 1,
            f"turn_ttl must be 1 or more seconds, not {self.turn_ttl!r}",
        )

    @cached_property
    def all_keys(self) -> tuple[Key, ...]:
        """The keys that tokens are verified with; none: everybody may do everything."""
        return (*((Key(self.key),) if self.key is not None else ()), *self.keys)


class Options(TypedDict, total=False):
    """The fields of `SignalingConfig`, as keyword arguments."""

    grace: float
    heartbeat: float
    capacity: int
    max_age: float | None
    solo_timeout: float | None
    duplicate: Duplicate
    key: str | None
    keys: tuple[Key, ...]
    admin_key: str | None
    ice_servers: tuple[IceServer, ...]
    journal: str | Path | None
    allowed_origins: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    max_connections: int
    connections_per_address: int
    max_pending: int
    pending_per_address: int
    join_rate: int
    wrong_keys: int
    max_rooms: int
    message_rate: float
    message_burst: int
    outbox_messages: int
    outbox_bytes: int
    handshake_timeout: float
    join_timeout: float
    metrics_public: bool
    state: str | Path | None
    redis: str | None
    redis_prefix: str
    drain_delay: float
    webhooks: tuple[str, ...]
    webhook_keys: tuple[str, ...]
    turn_urls: tuple[str, ...]
    turn_secret: str | None
    turn_ttl: float
    topology: Topology
    janus: tuple[str, ...]
    janus_secret: str | None
    rtcmulticonnection: bool
    rtcmulticonnection_files: str | Path | None


class Settings(Protocol):
    """What is settled for a server, and may be settled otherwise for a room."""

    @property
    def grace(self) -> float:
        """Seconds that a lost connection may take to come back."""

    @property
    def capacity(self) -> int:
        """Users per room."""

    @property
    def max_age(self) -> float | None:
        """Seconds after which a room is dismissed."""

    @property
    def solo_timeout(self) -> float | None:
        """Seconds for which one may be alone after company."""

    @property
    def duplicate(self) -> Duplicate:
        """What happens when a user comes in who is in the room already."""


def check_settings(settings: Settings) -> None:
    """Raise `ValueError` that names the field for settings that cannot be."""
    _require(_is_duration(settings.grace), f"grace must be 0 or more seconds, not {settings.grace!r}")
    _require(settings.capacity >= 1, f"capacity must be at least 1 user, not {settings.capacity!r}")
    for name, limit in (("max_age", settings.max_age), ("solo_timeout", settings.solo_timeout)):
        is_so = limit is None or (_is_duration(limit) and limit > 0)
        _require(is_so, f"{name} must be more than 0 seconds, or None, not {limit!r}")
    _require(settings.duplicate in list(Duplicate), f"duplicate must be replace or reject, not {settings.duplicate!r}")


def _require(is_so: bool, sentence: str) -> None:
    if not is_so:
        raise ValueError(sentence)


def _is_duration(seconds: float) -> bool:
    return math.isfinite(seconds) and seconds >= 0


def _is_network(text: str) -> bool:
    try:
        return bool(network(text))
    except ValueError:
        return False


def _is_bearer(text: str) -> bool:
    return all("!" <= character <= "~" for character in text)


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and text == f"{parts.scheme}://{parts.netloc}"


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and text.isprintable()
    except ValueError:  # brackets that do not match, a port that is none
        return False
