"""Why somebody left, in our words and in those of other systems.

One row per reason. The numbers are TRTC's (`onExitRoom(reason)` for oneself, `onRemoteUserLeave(userId, reason)` for
the others), the words OpenTok's and LiveKit's, so that people who come from there find what they know.
"""

from enum import StrEnum
from typing import NamedTuple


class Words(NamedTuple):
    """One reason in the vocabulary of other systems; `None` where nobody hears it."""

    own: int | None
    others: int | None
    opentok: str
    livekit: str


class Reason(StrEnum):
    """Why a user is no longer in the room: a stable string on the wire and in journals."""

    LEFT = "left"
    KICKED = "kicked"
    DISMISSED = "dismissed"
    REPLACED = "replaced"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - a reason, not a password
    NETWORK_LOST = "network_lost"
    CRASHED = "crashed"
    SERVER_SHUTDOWN = "server_shutdown"
    ERROR = "error"
    MOVED = "moved"  # to another room: of those left behind heard as a leave, of oneself no exit

    @property
    def trtc(self) -> int | None:
        """TRTC's number for one's own `onExitRoom`; None for a reason nobody can live to see."""
        return WORDS[self].own

    @property
    def trtc_remote(self) -> int | None:
        """TRTC's number for the others' `onRemoteUserLeave`; None where nobody is left to hear it."""
        return WORDS[self].others

    @property
    def opentok(self) -> str:
        """OpenTok's word, as in `sessionDisconnected` and `connectionDestroyed`."""
        return WORDS[self].opentok

    @property
    def livekit(self) -> str:
        """LiveKit's `DisconnectReason`."""
        return WORDS[self].livekit


WORDS: dict[Reason, Words] = {
    Reason.LEFT: Words(0, 0, "clientDisconnected", "CLIENT_INITIATED"),
    Reason.KICKED: Words(1, 2, "forceDisconnected", "PARTICIPANT_REMOVED"),
    Reason.DISMISSED: Words(2, None, "forceDisconnected", "ROOM_DELETED"),
    Reason.REPLACED: Words(3, 2, "forceDisconnected", "DUPLICATE_IDENTITY"),
    Reason.TOKEN_EXPIRED: Words(4, 2, "forceDisconnected", "PARTICIPANT_REMOVED"),
    Reason.NETWORK_LOST: Words(5, 1, "networkDisconnected", "CONNECTION_TIMEOUT"),
    Reason.CRASHED: Words(None, 1, "networkDisconnected", "CONNECTION_TIMEOUT"),
    Reason.SERVER_SHUTDOWN: Words(6, None, "forceDisconnected", "SERVER_SHUTDOWN"),
    Reason.ERROR: Words(7, 0, "clientDisconnected", "CLIENT_INITIATED"),
    Reason.MOVED: Words(None, 2, "forceDisconnected", "PARTICIPANT_REMOVED"),
}


class Detection(StrEnum):
    """How it became known that somebody left."""

    NOTICE = "notice"  # they said so
    SOCKET_CLOSED = "socket_closed"  # their socket ended and the grace passed
    HEARTBEAT = "heartbeat"  # they fell silent and the grace passed
    GUARD = "guard"  # their guard saw the process die
    ADMIN = "admin"  # the server or a moderator decided it
    MEDIA = "media"  # only their media told us
