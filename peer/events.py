"""What a peer is told, as values. One rule derives the hook and the name on the wire of each.

    RemoteUserLeave  →  me.on_remote_user_leave  →  "onRemoteUserLeave"  →  {"type": "remoteUserLeave", ...}

What happens to the others comes from the server and is its struct, unchanged; what happens to us is defined here.
"""

from enum import StrEnum
from typing import Any

from peer.quality import Quality
from signaling.messages import (
    MediaKind,
    Message as Word,
    Part,
    RemoteUserBack,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUnreachable,
    RemoteUserUpdate,
    RoomEvent,
    TokenExpiring,
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


class EnterRoom(Word, frozen=True):
    """We are in."""

    room: str
    user: str
    users: tuple[str, ...] = ()


class RoomChanged(Word, frozen=True):
    """We were moved to another room: whoever was in the old one is not with us any more. Our devices stay open."""

    room: str
    users: tuple[str, ...] = ()


class Message(Word, frozen=True):
    """Somebody says something to us or to all, in the application's words; without a `user` it is the server."""

    user: str | None
    topic: str
    data: Any


class Muted(Word, frozen=True):
    """A moderator or the server has muted what we send of a kind. We may unmute it."""

    kind: MediaKind
    text: str | None = None


class ConnectionLost(Word, frozen=True):
    """The server does not answer; we try to come back within the grace. Media go on."""

    grace: float  # seconds


class ConnectionBack(Word, frozen=True):
    """We are back in the same session: nobody saw us leave."""


class SourceEnded(Word, frozen=True):
    """What we published has ended: a file is over (`text` is None) or cannot be read on (`text` says how)."""

    device: str
    text: str | None = None


class DeviceLost(Word, frozen=True):
    """A camera, microphone or screen that we publish was unplugged, failed or fell silent: `text` says which.

    Black and silence are sent in its place until it is back or unpublished.
    """

    device: str
    text: str


class DeviceBack(Word, frozen=True):
    """A lost device is there again, the same one, and is sent again."""

    device: str
    lost_for: float  # seconds


class RecordingStarted(Word, frozen=True):
    """A recorder has begun to write a file: the first, or the next after somebody changed their codec."""

    path: str


class RecordingEnded(Word, frozen=True):
    """A file is complete, and closed."""

    path: str
    seconds: float
    size: int  # bytes


class RecordingFailed(Word, frozen=True):
    """A recording has ended before its time: the disk is full, too slow, gone. What was written can be played.

    With a `user` it goes on without what they send, which the file cannot hold.
    """

    path: str
    text: str
    user: str | None = None


class RemoteUserFirstFrame(Word, frozen=True):
    """The first picture, or the first sound, of a user has come whole: they can be seen or heard from now on."""

    user: str
    session: str
    kind: MediaKind


class RemoteUserFrozen(Word, frozen=True):
    """A user's picture stands still: no whole one came for longer than between those before.

    It was lost, or not sent though it is published and not muted: the network, or a camera that stalls.
    """

    user: str
    session: str


class RemoteUserResumed(Word, frozen=True):
    """A frozen picture moves again."""

    user: str
    session: str
    frozen_for: float  # seconds


class RemoteUserPublished(Word, frozen=True):
    """A user sends sound or pictures from now on, or did before there was a connection: TRTC's "available"."""

    user: str
    session: str
    kind: MediaKind


class RemoteUserUnpublished(Word, frozen=True):
    """A user sends nothing of a kind any more, by their own will or because its device ended: that is no freeze."""

    user: str
    session: str
    kind: MediaKind


class RemoteUserMuted(Word, frozen=True):
    """A user sends silence or black in the place of a microphone or camera, by their own or a moderator's will."""

    user: str
    session: str
    kind: MediaKind


class RemoteUserUnmuted(Word, frozen=True):
    """A user sends a kind again."""

    user: str
    session: str
    kind: MediaKind


class RemoteUserSpeaking(Word, frozen=True):
    """A user begins to speak, or at least is loud: by what their packets say (RFC 6464), as those of browsers do.

    Of a sender whose packets do not say it, it is known only while somebody reads their sound.
    """

    user: str
    session: str


class RemoteUserSilent(Word, frozen=True):
    """A user who spoke has been silent for a moment."""

    user: str
    session: str


class RemoteUserQuality(Word, frozen=True):
    """The connection with a user is better or worse: a `Quality`, 1 (excellent) to 6 (down); 0: not known any more.

    By loss both ways, round trip and how long their picture stood still. Told only with `PeerConfig.quality_interval`.
    """

    user: str
    session: str
    quality: Quality


class ExitRoom(Word, frozen=True):
    """We are out: everybody was told, every device is released. Fires once, last."""

    reason: Reason
    report: ExitReport
    text: str | None = None


RemoteMediaEvent = (
    RemoteUserFirstFrame
    | RemoteUserFrozen
    | RemoteUserResumed
    | RemoteUserPublished
    | RemoteUserUnpublished
    | RemoteUserMuted
    | RemoteUserUnmuted
    | RemoteUserSpeaking
    | RemoteUserSilent
    | RemoteUserQuality
)
Event = (
    EnterRoom
    | RoomChanged
    | RoomEvent
    | Message
    | Muted
    | TokenExpiring
    | ConnectionLost
    | ConnectionBack
    | SourceEnded
    | DeviceLost
    | DeviceBack
    | RemoteMediaEvent
    | RecordingStarted
    | RecordingEnded
    | RecordingFailed
    | ExitRoom
)
Unrecorded = Message | RemoteMediaEvent  # in no journal: these may come often, and do not say who is here

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
    "Message",
    "Muted",
    "Outcome",
    "Reason",
    "RecordingEnded",
    "RecordingFailed",
    "RecordingStarted",
    "RemoteMediaEvent",
    "RemoteUserBack",
    "RemoteUserFirstFrame",
    "RemoteUserFrozen",
    "RemoteUserJoin",
    "RemoteUserLeave",
    "RemoteUserMuted",
    "RemoteUserPublished",
    "RemoteUserQuality",
    "RemoteUserResumed",
    "RemoteUserSilent",
    "RemoteUserSpeaking",
    "RemoteUserUnmuted",
    "RemoteUserUnpublished",
    "RemoteUserUnreachable",
    "RemoteUserUpdate",
    "RoomChanged",
    "SourceEnded",
    "TokenExpiring",
    "Unrecorded",
]
