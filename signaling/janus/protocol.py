"""What we and a Janus server say to each other: the envelope of its WebSocket API. A core.

    we                                                  Janus
    ── create · claim · attach · detach · destroy ────► success · error
    ── keepalive ─────────────────────────────────────► ack · error
    ── message, to a plugin ──────────────────────────► success, or ack and later event · error
                                                        event · webrtcup · media · slowlink · hangup · trickle ·
                                                        detached · timeout, unasked

A session holds handles; a handle is one tie to a plugin, with one RTCPeerConnection at most. Every request has a
transaction, which its answer repeats (`transactions.py`). What a plugin says is inside (`videoroom.py`).
"""

from typing import Literal

import msgspec
from msgspec import Struct

from signaling.janus.failures import (
    Code as Code,
    JanusFailure as JanusFailure,
    JanusRefused as JanusRefused,
    JanusUnreachable as JanusUnreachable,
    SessionOver as SessionOver,
)

SUBPROTOCOL = "janus-protocol"
VIDEOROOM = "janus.plugin.videoroom"


class Jsep(Struct, frozen=True):
    """A session description (RFC 8829)."""

    type: Literal["offer", "answer"]
    sdp: str


# -- what we say --


class Request(Struct, frozen=True, kw_only=True, tag_field="janus", omit_defaults=True):
    """What every request has. Who sends it fills these in."""

    transaction: str = ""
    session_id: int | None = None
    handle_id: int | None = None


class Create(Request, frozen=True, tag="create"):
    """Begin a session."""


class Claim(Request, frozen=True, tag="claim"):
    """Go on with a session over this connection: the one before was lost."""


class KeepAlive(Request, frozen=True, tag="keepalive"):
    """Keep a session, which Janus otherwise ends after a minute of silence."""


class Attach(Request, frozen=True, tag="attach"):
    """Make a handle."""

    plugin: str


class Tell(Request, frozen=True, tag="message"):
    """Say something to the plugin of a handle."""

    body: msgspec.Raw
    jsep: Jsep | None = None


class Detach(Request, frozen=True, tag="detach"):
    """End a handle, and its RTCPeerConnection."""


class Destroy(Request, frozen=True, tag="destroy"):
    """End a session with all its handles."""


# -- what Janus says --


class Word(Struct, frozen=True, kw_only=True, tag_field="janus"):
    """What everything that Janus says may have; `sender` is the handle that it is about."""

    transaction: str | None = None
    session_id: int | None = None
    sender: int | None = None


class Made(Struct, frozen=True):
    """The id of what was made."""

    id: int = 0


class PluginSays(Struct, frozen=True):
    """What a plugin says."""

    data: msgspec.Raw


class Success(Word, frozen=True, tag="success"):
    """It is done: an id of something new, or what the plugin says to it."""

    data: Made = Made()
    plugindata: PluginSays | None = None


class Ack(Word, frozen=True, tag="ack"):
    """It was heard; of what was said to a plugin the answer follows."""


class Failed(Struct, frozen=True):
    """Why not."""

    code: int
    reason: str = ""


class Error(Word, frozen=True, tag="error"):
    """It cannot be done."""

    error: Failed


class Event(Word, frozen=True, tag="event"):
    """A plugin says something, asked or not."""

    plugindata: PluginSays
    jsep: Jsep | None = None


class WebrtcUp(Word, frozen=True, tag="webrtcup"):
    """The handle's RTCPeerConnection is connected."""


class Media(Word, frozen=True, tag="media"):
    """Janus gets packets of a kind, or none any more."""

    type: str = ""
    mid: str = ""
    receiving: bool = False


class SlowLink(Word, frozen=True, tag="slowlink"):
    """Packets were lost: on their way to Janus (`uplink`), or from it."""

    uplink: bool = False
    lost: int = 0
    mid: str = ""


class Hangup(Word, frozen=True, tag="hangup"):
    """The handle's RTCPeerConnection is over."""

    reason: str = ""


class Candidate(Struct, frozen=True):
    """An ICE candidate of Janus; without one: there are no more."""

    candidate: str = ""
    sdpMid: str | None = None  # noqa: N815 - as it is on the wire
    sdpMLineIndex: int | None = None  # noqa: N815


class Trickle(Word, frozen=True, tag="trickle"):
    """A candidate of the handle's RTCPeerConnection."""

    candidate: Candidate = Candidate()


class Detached(Word, frozen=True, tag="detached"):
    """The handle is over."""


class Timeout(Word, frozen=True, tag="timeout"):
    """The session is over."""


HandleWord = Event | WebrtcUp | Media | SlowLink | Hangup | Trickle | Detached
JanusWord = Success | Ack | Error | HandleWord | Timeout


class _Refusal(Struct):
    """How every plugin says no."""

    error_code: int = 0
    error: str = ""


_encode = msgspec.json.Encoder().encode
_decode_refusal = msgspec.json.Decoder(_Refusal).decode
_decoder: msgspec.json.Decoder[JanusWord] = msgspec.json.Decoder(JanusWord)


def encode(request: Request) -> str:
    """Return the JSON text of a request."""
    return _encode(request).decode()


def decode(frame: str | bytes) -> JanusWord | None:
    """Read what Janus said; None: nothing that we know."""
    try:
        return _decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def tell(body: Struct, jsep: Jsep | None = None) -> Tell:
    """Return the request that says this to a plugin."""
    return Tell(body=msgspec.Raw(_encode(body)), jsep=jsep)


def refusal(word: JanusWord) -> JanusFailure | None:
    """Return what went wrong, as Janus or a plugin says; None: nothing."""
    match word:
        case Error(error=Failed(code=Code.NO_SUCH_SESSION, reason=reason)):
            return SessionOver(f"Janus knows the session no more: {reason}")
        case Error(error=Failed(code=code, reason=reason)):
            return JanusRefused(code, reason)
        case Event(plugindata=said) | Success(plugindata=PluginSays() as said):
            return _refused_by_plugin(said.data)
        case _:
            return None


def _refused_by_plugin(data: msgspec.Raw) -> JanusFailure | None:
    try:
        refused = _decode_refusal(data)
    except msgspec.ValidationError:
        return None
    return JanusRefused(refused.error_code, refused.error) if refused.error_code else None
