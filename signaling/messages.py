"""Everything that can be said between a client and a room, and its form on the wire.

Text frames of JSON over a WebSocket, at most `MAX_MESSAGE` bytes each, decoded once, here. `type` is the struct's
name in camelCase, fields are camelCase, what equals its default is not sent, unknown fields are ignored. What a client
may not say has no field: no sender, no reason. In a relayed message `user` is always *the other user*: the addressee
on the way to the server, the sender on the way from it.

    client                                                  server
    ── join ──────────────────────────────────────────────► joined · error
    ── offer · answer · candidate · needOffer ────────────► the same, to the user named
    ── extra ─────────────────────────────────────────────► remoteUserUpdate, to the others
    ── message ───────────────────────────────────────────► message, to the user named or to the others
    ── kick · dismiss ────────────────────────────────────► exitRoom to whom it concerns, remoteUserLeave to the others
    ── mute ──────────────────────────────────────────────► muted, to the user named; and to who asked, with the name
    ── refresh ───────────────────────────────────────────► refreshed
    ── leave ─────────────────────────────────────────────► remoteUserLeave to the others, then exitRoom to the leaver
    ── ack ───────────────────────────────────────────────► exitRoom to a leaver who waits for everybody; the hang-up
                                                            tokenExpiring · iceServers · moved · mediaServer,
                                                            unasked

A process that dies cannot speak: whoever holds the ticket of its session (its guard, its watchdog) posts a `Farewell`,
as JSON, to the address of the WebSocket. So does a page that goes away, beside its `leave`: that may be lost with its
socket.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import field

from signaling.forms import (
    ACK_LIMIT as ACK_LIMIT,
    ICE_URL_PATTERN as ICE_URL_PATTERN,
    MAX_BAN as MAX_BAN,
    MAX_CONTENT as MAX_CONTENT,
    MAX_EXTRA as MAX_EXTRA,
    MAX_MESSAGE as MAX_MESSAGE,
    MAX_TEXT as MAX_TEXT,
    MAX_TOPIC as MAX_TOPIC,
    NAME_PATTERN as NAME_PATTERN,
    RESERVED_ROOMS as RESERVED_ROOMS,
    BanTime as BanTime,
    CallId as CallId,
    ErrorCode as ErrorCode,
    Extra as Extra,
    IceServer as IceServer,
    MediaKind as MediaKind,
    Message as Message,
    Name as Name,
    Part as Part,
    Text as Text,
    Topic as Topic,
    is_ice_url as is_ice_url,
)
from signaling.janus_words import Janus as Janus, MediaServer as MediaServer, Topology as Topology, janus_id as janus_id
from signaling.reasons import Reason
from signaling.room_events import (
    RemoteUserBack as RemoteUserBack,
    RemoteUserJoin as RemoteUserJoin,
    RemoteUserLeave as RemoteUserLeave,
    RemoteUserUnreachable as RemoteUserUnreachable,
    RemoteUserUpdate as RemoteUserUpdate,
    RoomEvent as RoomEvent,
    User as User,
)

PAGE_MARK = "rmc~"  # begins the session of every page of RTCMultiConnection; no other session has a "~"

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
    extra: Extra = field(default_factory=dict)
    resume: Resume | None = None


class Leave(Message, frozen=True):
    """Go. `failed` says that the program ended by an exception: the others are told `error` instead of `left`.

    With `wait` the server holds its `exitRoom` back until all have acknowledged the leave, for `ACK_LIMIT` at most.
    `silent_for` is said for somebody else, whom a gateway stands for and has not heard of for so many seconds: the
    others are told `network_lost`, known by `media`.
    """

    failed: bool = False
    wait: bool = False
    silent_for: Annotated[float, msgspec.Meta(ge=0)] | None = None


class Ack(Message, frozen=True):
    """Something that the room told has been taken in. Said of what asks for it (`wantsAck`), `exitRoom` included."""

    seq: int


class UpdateExtra(Message, frozen=True, tag="extra"):
    """Replace one's own `extra`. Said by the server: a program has replaced it."""

    extra: Extra


class Kick(Message, frozen=True):
    """Remove a user (grant `moderate`); with `ban_for`, keep the same name and token out of the room for that time."""

    user: Name
    text: Text | None = None
    ban_for: BanTime | None = None


class Dismiss(Message, frozen=True):
    """Close the room and remove everybody (grant `moderate`).

    With `wait` the server holds our own `exitRoom` back until the others have acknowledged theirs, for `ACK_LIMIT` at
    most, and names in it who did not.
    """

    text: Text | None = None
    wait: bool = False


class Say(Message, frozen=True, tag="message"):
    """Say something to a user, or to everybody else (grant `message`). Who cannot be reached does not hear it.

    `data` is any JSON, of `MAX_CONTENT` bytes at most. Each hears what one user says in the order it was said in.
    """

    topic: Topic
    data: Any = None
    to: Name | None = None


class Mute(Message, frozen=True):
    """Have a user send silence or black (grant `moderate`), who may unmute later; who is away, on coming back."""

    user: Name
    kind: MediaKind


class Refresh(Message, frozen=True):
    """Stay with a newer token, for the same room and user: its grants and its end replace those of the older."""

    token: str


ClientMessage = (
    Join | Leave | Ack | Offer | Answer | Candidate | NeedOffer | UpdateExtra | Kick | Dismiss | Say | Mute | Refresh
)


class Farewell(Part, frozen=True):
    """Said for a session by whoever holds its ticket; answered by 204, or by 404 if the session is gone.

    By a page it may come as text/plain, which a browser sends without asking first, and is always answered by 204.
    """

    session: str
    ticket: str
    reason: Literal["crashed", "left", "error"]
    by: Literal["page"] | None = None  # a page that goes away speaks for itself; None: what watches over a program


# -- said by the server --


class Place(Message, frozen=True):
    """Where you are. `users` is the whole roster of the others as of `seq`."""

    room: Name
    user: Name
    session: str
    secret: str
    ticket: str  # for a `Farewell`
    seq: int
    grace: float  # seconds a lost connection may take to resume
    heartbeat: float  # seconds between the server's pings; 0: none
    users: list[User]
    ice_servers: list[IceServer] = field(default_factory=list)
    grants: list[str] = field(default_factory=list)
    topology: Topology = "mesh"
    media: Janus | None = None  # with the topology "janus": who carries the media; None: nobody, for now


class Joined(Place, frozen=True):
    """You are in (or in again, when `resumed`).

    `missed` holds, after a resume, the room events since the `seq` that the client named, as far as remembered. The
    `room` is another than the one that was named, and `missed` is empty, for who was moved while away.
    """

    resumed: bool = False
    missed: list[RoomEvent] = field(default_factory=list)


class Moved(Place, frozen=True):
    """You are in another room now, in the same session: say no more to those of the old one."""


class Said(Message, frozen=True, tag="message"):
    """Somebody says something to you, or to all; without a `user` it is the server that does."""

    topic: str
    data: Any = None
    user: Name | None = None


class Muted(Message, frozen=True):
    """You are to send silence or black from now on. With a `user`: that one was asked to, as you wanted."""

    kind: MediaKind
    user: Name | None = None
    text: str | None = None
    seq: int = 0
    wants_ack: bool = False


class TokenExpiring(Message, frozen=True):
    """Your token is over soon, and so is your stay, unless you say `refresh`. Said once of each token."""

    expires_in: float  # seconds


class Refreshed(Message, frozen=True):
    """Your newer token counts from now on."""

    grants: list[str]
    expires: float | None = None  # seconds since 1970; None: never


class IceServers(Message, frozen=True):
    """From now on these are to be used for new connections: the credentials of the former will soon be over."""

    ice_servers: list[IceServer]


class ExitRoom(Message, frozen=True):
    """You are out: the last message of every session, sent after everybody else has been told.

    `unacknowledged` names, after a `leave` or `dismiss` with `wait`, who did not acknowledge in time. With `wants_ack`
    the server waits for an `ack` of this `seq`, for `ACK_LIMIT` at most, before it hangs up; who knows nothing of that
    says nothing, and may hang up instead.
    """

    reason: Reason
    text: str | None = None
    unacknowledged: list[Name] = field(default_factory=list)
    seq: int = 0
    wants_ack: bool = False


class Error(Message, frozen=True):
    """Something that was said cannot be done; `about` is the `type` of what was said, where that is known."""

    code: ErrorCode
    text: str
    about: str | None = None


ServerMessage = (
    Joined
    | Moved
    | Offer
    | Answer
    | Candidate
    | NeedOffer
    | RoomEvent
    | Said
    | Muted
    | TokenExpiring
    | Refreshed
    | UpdateExtra
    | IceServers
    | MediaServer
    | ExitRoom
    | Error
)


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


def extra_size(extra: Extra) -> int:
    """Bytes of an `extra` as JSON: what `MAX_EXTRA` limits."""
    return json_size(extra)


def json_size(value: object) -> int:
    """Bytes of anything as JSON. Raises `TypeError` or `ValueError` for what JSON cannot say."""
    return len(_encoder.encode(value))
