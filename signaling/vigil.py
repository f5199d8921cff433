"""When a socket has been silent for too long. A core.

opened ── says something ──► heard ── silent for a heartbeat ──► pinged ── half a heartbeat later ──► silent
   └── has not joined in time ──► too slow
"""

from dataclasses import dataclass
from enum import Enum

from signaling.config import SignalingConfig

SHARPNESS = 8  # looks in a heartbeat
LONGEST = 1.0  # seconds between two looks


class Verdict(Enum):
    """What is to be done with a socket."""

    FINE = "fine"
    PING = "ping"
    SILENT = "silent"
    TOO_SLOW = "too slow"


@dataclass(slots=True)
class Signs:
    """What a socket has shown of itself, in seconds of one clock."""

    heard: float  # at first: when it was opened
    join_by: float | None = None  # None: it has asked to join, or may take its time
    pinged: float | None = None  # None: not since it was heard


def judge(signs: Signs, heartbeat: float, now: float) -> Verdict:
    """Look at one socket."""
    if signs.join_by is not None and now >= signs.join_by:
        return Verdict.TOO_SLOW
    if not heartbeat:
        return Verdict.FINE
    if signs.pinged is not None and signs.pinged > signs.heard:
        return Verdict.SILENT if now - signs.pinged >= heartbeat / 2 else Verdict.FINE
    return Verdict.PING if now - signs.heard >= heartbeat else Verdict.FINE


def pause(config: SignalingConfig) -> float:
    """Return the seconds between two looks at all sockets."""
    times = (config.heartbeat, config.join_timeout)
    return min(LONGEST, *(time / SHARPNESS for time in times if time)) if any(times) else LONGEST
