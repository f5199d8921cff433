"""What can be set on a peer, with limits that suit most."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from peer.errors import UsageError
from signaling.messages import IceServer, is_ice_url


@dataclass(frozen=True, kw_only=True)
class PeerConfig:
    """Times in seconds. `ice_servers` None: use what the server hands out.

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
    ice_servers: tuple[IceServer, ...] | None = None

    def __post_init__(self) -> None:
        if not self.stall_after >= 0:
            raise UsageError(f"stall_after must be 0 (never) or more seconds, not {self.stall_after!r}")
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
    ice_servers: tuple[IceServer, ...] | None
