"""The words of RTCMultiConnection 3.7: what its pages and its server say to each other over socket.io. A core.

Two users speak in envelopes, `{"remoteUserId": to, "sender": from, "message": …}`, to which the server adds the
sender's `extra`. To connect, the one who is there already offers, once the one who came has its media:

    newcomer                                              member
    ── newParticipationRequest ─────────────────────────► (a connection with it is dropped)
    ◄───────────────────────────────────── enableMedia ──
    ── readyForOffer ───────────────────────────────────►
    ◄─────────────────────────────── offer · candidates ──
    ── answer · candidates ─────────────────────────────►
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, ValidationError, convert, field

from signaling.messages import Extra

MESSAGE_EVENT = "RTCMultiConnection-Message"  # the event of envelopes, unless a page names another
CUSTOM_EVENT = "RTCMultiConnection-Custom-Message"  # that of the application's own words
DROP = "dropPeerConnection"
NO_ROOM = "Room not available"
NO_USER = "User ID does not exist"
BOTH_KINDS = {"OfferToReceiveAudio": True, "OfferToReceiveVideo": True}


class Handshake(Struct, frozen=True, rename="camel"):
    """What a page says of itself in the address that it connects to."""

    userid: str = ""
    msg_event: str = MESSAGE_EVENT
    socket_custom_event: str = CUSTOM_EVENT
    auto_close_entire_session: str = "false"
    extra: str = "{}"
    token: str | None = None  # this and the next only if the page adds them: `socketCustomParameters`
    secret: str | None = None

    @property
    def closes_room(self) -> bool:
        """Whether the room is to be closed when its opener leaves."""
        return self.auto_close_entire_session == "true"


def handshake_of(query: Iterable[tuple[str, str]]) -> Handshake:
    """Read the query of a page's address. Of a name that comes twice the first counts: pages do not escape values."""
    first: dict[str, str] = {}
    for name, value in query:
        first.setdefault(name, value)
    return convert(first, type=Handshake)


def extra_of(text: str) -> Extra:
    """Return the `extra` of an address; an empty one if it was cut off at a `&` or `#` that nobody escaped."""
    try:
        return as_extra(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def as_extra(value: object) -> Extra:
    """Return what a page says its `extra` is; an empty one if it is no JSON object."""
    return value if isinstance(value, dict) else {}


class Envelope(Struct, frozen=True, rename={"to": "remoteUserId"}):
    """One user's word for another, or, with the room's name as `to`, for everybody in it."""

    to: str
    sender: str
    message: Any


def envelope(to: str, sender: str, message: Any, extra: Mapping[str, object]) -> dict[str, Any]:
    """Return an envelope as a server passes it on."""
    return {"remoteUserId": to, "sender": sender, "message": message, "extra": dict(extra)}


# -- what stands in an envelope --


class ParticipationRequest(Struct, frozen=True, rename="camel"):
    """Connect with me, whom you may have been connected with before."""

    new_participation_request: bool
    is_one_way: bool = False
    is_data_only: bool = False


class EnableMedia(Struct, frozen=True, rename="camel"):
    """Have your camera ready; then say so with the same `user_preferences`."""

    enable_media: bool
    user_preferences: dict[str, Any] = field(default_factory=dict)


class ReadyForOffer(Struct, frozen=True, rename="camel"):
    """I am ready: offer."""

    ready_for_offer: bool
    user_preferences: dict[str, Any] = field(default_factory=dict)


class Description(Struct, frozen=True, rename="camel"):
    """A session description; with `renegotiating_peer` it is for a connection that is there."""

    type: str  # "offer" or "answer"
    sdp: str
    renegotiating_peer: bool = False
    streams_to_share: dict[str, Any] = field(default_factory=dict)  # by MediaStream id


class Trickled(Struct, frozen=True, rename="camel"):
    """One ICE candidate, as in `RTCIceCandidateInit`."""

    candidate: str
    sdp_mid: str | None = None
    sdp_m_line_index: int | None = field(default=None, name="sdpMLineIndex")


class UserLeft(Struct, frozen=True, rename="camel"):
    """I leave."""

    user_left: bool
    auto_close_entire_session: bool = False


Word = ParticipationRequest | EnableMedia | ReadyForOffer | Description | Trickled | UserLeft
_KEYS: tuple[tuple[str, type[Any]], ...] = (  # what tells them from each other, in the order in which pages look
    ("newParticipationRequest", ParticipationRequest),
    ("userLeft", UserLeft),
    ("sdp", Description),
    ("candidate", Trickled),
    ("enableMedia", EnableMedia),
    ("readyForOffer", ReadyForOffer),
)


def word_of(message: object) -> Word | None:
    """Read what stands in an envelope; `None`: nothing that connects or disconnects two users, or damaged."""
    if not isinstance(message, dict):
        return None
    for key, form in _KEYS:
        if message.get(key):
            word: Word | None = read(message, form)
            return word
    return None


def read(value: object, form: type[Any]) -> Any:
    """Return a value in a form; `None` if it has not that form."""
    try:
        return convert(value, type=form)
    except ValidationError:
        return None


def participation_request(*, is_data_only: bool) -> dict[str, Any]:
    """Return the word that has a page make an offer."""
    return {
        "newParticipationRequest": True,
        "isOneWay": False,
        "isDataOnly": is_data_only,
        "localPeerSdpConstraints": BOTH_KINDS,
        "remotePeerSdpConstraints": BOTH_KINDS,
    }


def enable_media(extra: Mapping[str, object]) -> dict[str, Any]:
    """Return the word that has a page prepare for an offer."""
    preferences = {
        "extra": dict(extra),
        "localPeerSdpConstraints": BOTH_KINDS,
        "remotePeerSdpConstraints": BOTH_KINDS,
        "isOneWay": True,
        "isDataOnly": False,
        "dontGetRemoteStream": False,
        "dontAttachLocalStream": False,
    }
    return {"enableMedia": True, "userPreferences": preferences}


def ready_for_offer(preferences: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to `EnableMedia`."""
    return {"readyForOffer": True, "userPreferences": dict(preferences)}


def description(kind: str, sdp: str, extra: Mapping[str, object]) -> dict[str, Any]:
    """Return an offer or an answer as a page takes it."""
    return {
        "type": kind,
        "sdp": sdp,
        "remotePeerSdpConstraints": BOTH_KINDS,
        "renegotiatingPeer": False,
        "dontGetRemoteStream": False,
        "extra": dict(extra),
        "streamsToShare": {},
    }


def mute(stream: str, kind: str) -> dict[str, Any]:
    """Return the word that has a page mute a stream that it knows, of whomever it is; `kind`: "audio" or "video"."""
    return {"streamSyncNeeded": True, "streamid": stream, "action": "mute", "type": kind}


def trickled(candidate: str, sdp_mid: str | None, sdp_m_line_index: int | None) -> dict[str, Any]:
    """Return one candidate as a page takes it."""
    return {"candidate": candidate, "sdpMid": sdp_mid, "sdpMLineIndex": sdp_m_line_index}
