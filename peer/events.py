"""What a peer is told, as values. One rule derives the hook and the name on the wire of each.

    RemoteUserLeave  →  me.on_remote_user_leave  →  "onRemoteUserLeave"  →  {"type": "remoteUserLeave", ...}

What happens to the others comes from the server and is its struct, unchanged; what happens to us is defined here.
"""

from enum import StrEnum

from signaling.messages import (
    Message,
    Part,
    RemoteUserBack,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUnreachable,
    RemoteUserUpdate,
    RoomEvent,
)
from signaling.reasons import Detection, Reason


class Outcome(StrEnum):
    """How sure we are that a device is free."""

    VERIFIED = "verified"  # closed, and the operating system shows no handle of ours
    CLOSED = "closed"  # closed; this system offers no way to look
    STUCK = "stuck"  # it did not close within the limit


class DeviceRelease(Part, frozen=True):
    """How one device was let go."""

    device: str
    outcome: Outcome
    took: float  # seconds
    text: str | None = None


class ExitStep(Part, frozen=True):
    """One step of leaving: when it began (seconds after the exit did), how long it took and how it ended."""

    name: str
    began: float
    took: float
    ended: str  # "ok", "timed out" or what went wrong


class ExitReport(Part, frozen=True):
    """How a peer left: the steps in their order and every device it held.

    `unacknowledged` names, after `leave(wait="everyone")`, who did not say in time that they know.
    """

    reason: Reason
    text: str | None = None
    notice: str = "none"  # "acknowledged" by the server, "sent", or "none": there was nobody to tell
    unacknowledged: tuple[str, ...] = ()
    steps: tuple[ExitStep, ...] = ()
    devices: tuple[DeviceRelease, ...] = ()
    total: float = 0.0  # seconds


class EnterRoom(Message, frozen=True):
    """We are in."""

    room: str
    user: str
    users: tuple[str, ...] = ()


class ConnectionLost(Message, frozen=True):
    """The server does not answer; we try to come back within the grace. Media go on."""

    grace: float  # seconds


class ConnectionBack(Message, frozen=True):
    """We are back in the same session: nobody saw us leave."""


class SourceEnded(Message, frozen=True):
    """What we published has ended: a file is over (`text` is None) or cannot be read on (`text` says how)."""

    device: str
    text: str | None = None


class DeviceLost(Message, frozen=True):
    """A camera, microphone or screen that we publish was unplugged, failed or fell silent: `text` says which.

    Black and silence are sent in its place until it is back or unpublished.
    """

    device: str
    text: str


class DeviceBack(Message, frozen=True):
    """A lost device is there again, the same one, and is sent again."""

    device: str
    lost_for: float  # seconds


class ExitRoom(Message, frozen=True):
    """We are out: everybody was told, every device is released. Fires once, last."""

    reason: Reason
    report: ExitReport
    text: str | None = None


Event = EnterRoom | RoomEvent | ConnectionLost | ConnectionBack | SourceEnded | DeviceLost | DeviceBack | ExitRoom

__all__ = [
    "ConnectionBack",
    "ConnectionLost",
    "Detection",
    "DeviceBack",
    "DeviceLost",
    "DeviceRelease",
    "EnterRoom",
    "Event",
    "ExitReport",
    "ExitRoom",
    "ExitStep",
    "Outcome",
    "Reason",
    "RemoteUserBack",
    "RemoteUserJoin",
    "RemoteUserLeave",
    "RemoteUserUnreachable",
    "RemoteUserUpdate",
    "SourceEnded",
]
