"""Everything that can be said between a client and a room, and its form on the wire.

Text frames of JSON over a WebSocket, at most `MAX_MESSAGE` bytes each, decoded once, here. `type` is the struct's
name in camelCase, fields are camelCase, what equals its default is not sent, unknown fields are ignored. What a client
may not say has no field: no sender, no reason. In a relayed message `user` is always *the other user*: the addressee
on the way to the server, the sender on the way from it.

    client                                                  server
    ── join ──────────────────────────────────────────────► joined · error
    ── offer · answer · candidate · needOffer ────────────► the same, to the user named
    ── extra ─────────────────────────────────────────────► remoteUserUpdate, to the others
    ── kick · dismiss ────────────────────────────────────► exitRoom to whom it concerns, remoteUserLeave to the others
    ── leave ─────────────────────────────────────────────► remoteUserLeave to the others, then exitRoom to the leaver
    ── ack ───────────────────────────────────────────────► exitRoom to a leaver who waits for everybody

A process that dies cannot speak: whoever holds the ticket of its session (its guard, its watchdog) posts a `Farewell`,
as JSON, to the address of the WebSocket.
"""

import re
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from signaling.reasons import Detection, Reason

MAX_MESSAGE = 64 * 1024  # bytes of one text frame
MAX_TEXT = 1000  # characters of a moderator's text
MAX_EXTRA = 8 * 1024  # bytes of one user's `extra`, as JSON
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


# -- relayed between two users, the same in both directions --


class Offer(Message, frozen=True):
    """A session description to be answered (RFC 8829, `RTCSessionDescriptionInit` of type "offer")."""

    user: Name
    call: CallId
    sdp: str


class Answer(Message, frozen=True):
    """The answer to the offer of the same `call`."""

    user: Name
    call: CallId
    sdp: str


class Candidate(Message, frozen=True):
    """One ICE candidate, as in `RTCIceCandidateInit`; an empty string is end-of-candidates (RFC 8838)."""

    user: Name
    call: CallId
    candidate: Annotated[str, msgspec.Meta(max_length=1024)]
    sdp_mid: str | None = None
    sdp_m_line_index: int | None = None


class NeedOffer(Message, frozen=True):
    """Asks the side that offers for a new offer, because `call` (if there was one) does not work."""

    user: Name
    call: CallId | None = None


Relay = Offer | Answer | Candidate | NeedOffer


# -- said by a client --


class Resume(Part, frozen=True):
    """The session to take up again, its secret, and the last `seq` that was seen of it."""

    session: str
    secret: str
    seq: int = 0


class Join(Message, frozen=True):
    """Come in, or come back with `resume`. The first message of every connection."""

    room: Name
    user: Name
    token: str | None = None
    extra: Extra = {}
    resume: Resume | None = None


class Leave(Message, frozen=True):
    """Go. `failed` says that the program ended by an exception: the others are told `error` instead of `left`.

    With `wait` the server holds its `exitRoom` back until all have acknowledged the leave, for `ACK_LIMIT` at most.
    """

    failed: bool = False
    wait: bool = False


class Ack(Message, frozen=True):
    """A room event has been taken in. Said of those that ask for it (`wantsAck`)."""

    seq: int


class UpdateExtra(Message, frozen=True, tag="extra"):
    """Replace one's own `extra`."""

    extra: Extra


class Kick(Message, frozen=True):
    """Remove a user (grant `moderate`); with `ban_for`, keep the same name and token out of the room for that time."""

    user: Name
    text: Text | None = None
    ban_for: BanTime | None = None


class Dismiss(Message, frozen=True):
    """Close the room and remove everybody (grant `moderate`)."""

    text: Text | None = None


ClientMessage = Join | Leave | Ack | Offer | Answer | Candidate | NeedOffer | UpdateExtra | Kick | Dismiss


class Farewell(Part, frozen=True):
    """Said for a session by whoever holds its ticket; answered by 204, or by 404 if the session is gone."""

    session: str
    ticket: str
    reason: Literal["crashed", "left", "error"]


# -- said by the server --


class User(Part, frozen=True):
    """One line of the roster."""

    user: Name
    session: str
    extra: Extra = {}
    unreachable: bool = False


class IceServer(Part, frozen=True):
    """As `RTCIceServer` of the WebRTC specification."""

    urls: list[Annotated[str, msgspec.Meta(pattern=ICE_URL_PATTERN)]]
    username: str | None = None
    credential: str | None = None


class RemoteUserJoin(Message, frozen=True):
    """Somebody came in."""

    user: Name
    session: str
    seq: int
    extra: Extra = {}


class RemoteUserUpdate(Message, frozen=True):
    """Somebody's `extra` is another."""

    user: Name
    session: str
    seq: int
    extra: Extra = {}


class RemoteUserUnreachable(Message, frozen=True):
    """Somebody's connection is lost; they may come back within the grace."""

    user: Name
    session: str
    seq: int


class RemoteUserBack(Message, frozen=True):
    """Somebody who was unreachable is here again, in the same session."""

    user: Name
    session: str
    seq: int


class RemoteUserLeave(Message, frozen=True):
    """Somebody is gone for good."""

    user: Name
    session: str
    seq: int
    reason: Reason
    detected_by: Detection
    silent_for: float = 0.0  # seconds since their last sign of life
    text: str | None = None
    extra: Extra = {}
    wants_ack: bool = False  # the leaver waits for an `ack`


RoomEvent = RemoteUserJoin | RemoteUserUpdate | RemoteUserUnreachable | RemoteUserBack | RemoteUserLeave


class Joined(Message, frozen=True):
    """You are in (or in again, when `resumed`). `users` is the whole roster of the others as of `seq`.

    `missed` holds, after a resume, the room events since the `seq` that the client named, as far as remembered.
    """

    room: Name
    user: Name
    session: str
    secret: str
    ticket: str  # for a `Farewell`
    seq: int
    grace: float  # seconds a lost connection may take to resume
    heartbeat: float  # seconds between the server's pings; 0: none
    users: list[User]
    ice_servers: list[IceServer] = []
    grants: list[str] = []
    resumed: bool = False
    missed: list[RoomEvent] = []


class ExitRoom(Message, frozen=True):
    """You are out: the last message of every session, sent after everybody else has been told.

    `unacknowledged` names, after a `leave` with `wait`, who was still here and did not acknowledge in time.
    """

    reason: Reason
    text: str | None = None
    unacknowledged: list[Name] = []


class Error(Message, frozen=True):
    """Something that was said cannot be done; `about` is the `type` of what was said, where that is known."""

    code: ErrorCode
    text: str
    about: str | None = None


ServerMessage = Joined | Offer | Answer | Candidate | NeedOffer | RoomEvent | ExitRoom | Error


class BadMessage(Exception):
    """A frame that is nothing a client may say."""

    def __init__(self, code: ErrorCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


_encoder = msgspec.json.Encoder()
_client_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_server_decoder: msgspec.json.Decoder[ServerMessage] = msgspec.json.Decoder(ServerMessage)


def encode(message: Message) -> bytes:
    """Return the JSON text of a message, as UTF-8."""
    return _encoder.encode(message)


def decode_client(frame: str | bytes) -> ClientMessage:
    """Read what a client said. Raises `BadMessage` with the code to answer."""
    if len(frame) > MAX_MESSAGE:  # of text this counts characters: the server passes bytes
        raise BadMessage(ErrorCode.TOO_LARGE, f"a message is at most {MAX_MESSAGE} bytes")
    try:
        return _client_decoder.decode(frame)
    except msgspec.ValidationError as error:
        code = ErrorCode.UNKNOWN_TYPE if str(error).endswith("`$.type`") else ErrorCode.BAD_MESSAGE
        raise BadMessage(code, str(error)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadMessage(ErrorCode.BAD_MESSAGE, f"not JSON: {error}") from None


def decode_server(frame: str | bytes) -> ServerMessage:
    """Read what a server said. Raises `BadMessage` if it is not an Exeunt server's word."""
    try:
        return _server_decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadMessage(ErrorCode.BAD_MESSAGE, str(error)) from None


def is_ice_url(url: str) -> bool:
    """Whether this names a STUN or TURN server (RFC 7064, RFC 7065)."""
    return re.match(ICE_URL_PATTERN, url) is not None


def extra_size(extra: Extra) -> int:
    """Bytes of an `extra` as JSON: what `MAX_EXTRA` limits."""
    return len(_encoder.encode(extra))
