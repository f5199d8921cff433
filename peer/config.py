"""What can be set on a peer, with limits that suit most."""

from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Literal, TypedDict, get_args

from peer.errors import UsageError
from signaling.messages import IceServer, Topology, is_ice_url

IceTransportPolicy = Literal["all", "relay"]  # as in RTCConfiguration


@dataclass(frozen=True, kw_only=True)
class PeerConfig:
    """Times in seconds. `ice_servers` None: use what the server hands out.

    `ice_transport_policy` "relay": media go through TURN servers only, so that the others do not learn our address.

    `guard`: a tiny process tells the server at once should this one be killed. `watchdog`: a thread releases the
    devices and ends the process should the event loop be blocked while we ought to leave. `journal`: a file to write
    down, as JSON lines, what happens.
    """

    connect_limit: float = 10.0  # to reach the server and be let in
    heartbeat: float = 5.0  # between pings to the server; a silent one is noticed after 1.5 times that
    retry_min: float = 0.1  # before the first attempt to resume; doubles, with jitter
    retry_max: float = 2.0
    stall_after: float = 3.0  # a device that gives nothing for so long is lost
    guard: bool = True
    watchdog: bool = True
    journal: str | Path | None = None
    exit_when_alone_for: float | None = None  # without anybody else in the room, also from the beginning on
    quality_interval: float = 0.0  # between looks at the connections, for `onRemoteUserQuality`; 0: never
    ice_servers: tuple[IceServer, ...] | None = None
    ice_transport_policy: IceTransportPolicy = "all"
    topology: Topology | None = None  # how media must pass in the room, or we do not come in; None: as it is there
    receive_from: tuple[str, ...] | None = None  # the users who may send us pictures and sound; None: everybody

    def __post_init__(self) -> None:
        if not self.stall_after >= 0:
            raise UsageError(f"stall_after must be 0 (never) or more seconds, not {self.stall_after!r}")
        if self.exit_when_alone_for is not None and not self.exit_when_alone_for >= 0:
            raise UsageError(f"exit_when_alone_for must be None or 0 or more seconds, not {self.exit_when_alone_for!r}")
        if not 0 <= self.quality_interval < inf:
            raise UsageError(f"quality_interval must be 0 (never) or more seconds, not {self.quality_interval!r}")
        if self.ice_transport_policy not in get_args(IceTransportPolicy):
            raise UsageError(f"ice_transport_policy must be all or relay, not {self.ice_transport_policy!r}")
        if self.topology not in (None, *get_args(Topology)):
            raise UsageError(f'topology must be "mesh", "janus" or None (as the room is), not {self.topology!r}')
        for url in (url for server in self.ice_servers or () for url in server.urls):
            if not is_ice_url(url):
                raise UsageError(f"{url!r} is no ICE server: it looks like stun:example.org:3478")


class Options(TypedDict, total=False):
    """The fields of `PeerConfig`, as keyword arguments."""

    connect_limit: float
    heartbeat: float
    retry_min: float
    retry_max: float
    stall_after: float
    guard: bool
    watchdog: bool
    journal: str | Path | None
    exit_when_alone_for: float | None
    quality_interval: float
    ice_servers: tuple[IceServer, ...] | None
    ice_transport_policy: IceTransportPolicy
    topology: Topology | None
    receive_from: tuple[str, ...] | None
