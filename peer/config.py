"""What can be set on a peer, with limits that suit most."""

from dataclasses import dataclass

from peer.errors import UsageError
from signaling.messages import IceServer, is_ice_url


@dataclass(frozen=True, kw_only=True)
class PeerConfig:
    """Times in seconds. `ice_servers` None: use what the server hands out."""

    connect_limit: float = 10.0  # to reach the server and be let in
    heartbeat: float = 5.0  # between pings to the server; a silent one is noticed after 1.5 times that
    retry_min: float = 0.1  # before the first attempt to resume; doubles, with jitter
    retry_max: float = 2.0
    ice_servers: tuple[IceServer, ...] | None = None

    def __post_init__(self) -> None:
        for url in (url for server in self.ice_servers or () for url in server.urls):
            if not is_ice_url(url):
                raise UsageError(f"{url!r} is no ICE server: it looks like stun:example.org:3478")
