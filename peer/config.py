"""What can be set on a peer, with limits that suit most."""

from dataclasses import dataclass, field

from signaling.messages import IceServer


@dataclass(frozen=True, kw_only=True)
class PeerConfig:
    """Times in seconds. `ice_servers` None: use what the server hands out."""

    connect_limit: float = 10.0  # to reach the server and be let in
    heartbeat: float = 5.0  # between pings to the server; a silent one is noticed after 1.5 times that
    retry_min: float = 0.1  # before the first attempt to resume; doubles, with jitter
    retry_max: float = 2.0
    ice_servers: tuple[IceServer, ...] | None = None
    token: str | None = field(default=None, repr=False)
