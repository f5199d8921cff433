"""What everything on the wire is made of: names, texts and their limits, what can be wrong, the form of a message."""

import re
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

MAX_MESSAGE = 64 * 1024  # bytes of one text frame
MAX_TEXT = 1000  # characters of a moderator's text
MAX_EXTRA = 8 * 1024  # bytes of one user's `extra`, as JSON
MAX_TOPIC = 64  # characters
MAX_CONTENT = 16 * 1024  # bytes of what a `message` carries, as JSON
MAX_BAN = 366 * 86_400.0  # seconds
ACK_LIMIT = 0.8  # seconds that a leaver's `exitRoom` waits for acknowledgements; less than a step of leaving may take

ICE_URL_PATTERN = r"^(stun|stuns|turn|turns):[^?:\s]+(:[0-9]{1,5})?(\?transport=(udp|tcp))?\Z"  # RFC 7064, RFC 7065
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}\Z"
RESERVED_ROOMS = frozenset({"admin", "api", "healthz", "metrics", "readyz", "socket.io", "whep", "whip", "ws"})

Name = Annotated[str, msgspec.Meta(pattern=NAME_PATTERN)]  # a room's or a user's: 1 to 64 of A-Z a-z 0-9 . _ @ + -
Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
BanTime = Annotated[float, msgspec.Meta(gt=0, le=MAX_BAN)]  # seconds
CallId = Annotated[
    str, msgspec.Meta(min_length=1, max_length=64)
]  # one pair of RTCPeerConnections: offerer's session, dot, number
Topic = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TOPIC)]
MediaKind = Literal["audio", "video"]
Extra = dict[str, object]  # any JSON object: what the application wants the others to know of a user


def _camel(name: str) -> str:
    return name[0].lower() + name[1:]


class Message(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag=_camel,
    rename="camel",
    omit_defaults=True,
):
    """Anything on the wire."""


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A piece of a message."""


class ErrorCode(StrEnum):
    """What can be wrong with something a client said."""

    BAD_MESSAGE = "bad_message"  # not JSON, a field missing or of the wrong form
    UNKNOWN_TYPE = "unknown_type"
    TOO_LARGE = "too_large"
    WRONG_STATE = "wrong_state"  # join when inside, anything else when outside
    BAD_NAME = "bad_name"
    ROOM_FULL = "room_full"
    USER_TAKEN = "user_taken"
    TOKEN_REQUIRED = "token_required"  # noqa: S105 - an error code, not a password
    TOKEN_INVALID = "token_invalid"  # noqa: S105
    TOKEN_EXPIRED = "token_expired"  # noqa: S105
    NOT_ALLOWED = "not_allowed"
    BANNED = "banned"  # kicked, and the time for which is not over
    NO_SUCH_USER = "no_such_user"
    SESSION_GONE = "session_gone"  # nothing to resume: the grace is over or the server is another
    SERVER_SHUTDOWN = "server_shutdown"  # no one is let in any more
    SERVER_FULL = "server_full"  # as many sockets or rooms as there may be
    RATE_LIMITED = "rate_limited"  # joins or messages, too many in too short a time
    TOO_SLOW = "too_slow"  # did not join in time


class IceServer(Part, frozen=True):
    """As `RTCIceServer` of the WebRTC specification."""

    urls: list[Annotated[str, msgspec.Meta(pattern=ICE_URL_PATTERN)]]
    username: str | None = None
    credential: str | None = None


def is_ice_url(url: str) -> bool:
    """Whether this names a STUN or TURN server (RFC 7064, RFC 7065)."""
    return re.match(ICE_URL_PATTERN, url) is not None


def is_room_name(name: str) -> bool:
    """Whether a room can have this name."""
    return is_name(name) and name not in RESERVED_ROOMS


def is_name(name: str) -> bool:
    """Whether a user can have this name. In full: the decoder searches, and so lets a name end in a line feed."""
    return re.fullmatch(NAME_PATTERN, name) is not None
