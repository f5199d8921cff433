"""VideoRooms that our servers run: what opens them, and what the plugin is asked for. A core.

Everything that opens one is made of the secret that our servers share, so that each of them knows it, and nothing of
it has to be kept: pin, tokens and the VideoRoom's own secret are HMACs (RFC 2104) of its number.
"""

import hmac
from collections.abc import Iterable

from msgspec import Struct, field

from signaling.janus.videoroom import Ask
from signaling.janus_words import Janus, janus_id

BITRATE = 3_000_000  # bits/s that Janus asks of a publisher's video at most, by REMB


class VideoRoom(Struct, frozen=True):
    """Which one carries a room: where it is, and its id there."""

    url: str
    number: int


def words(place: VideoRoom | None, session: str, secret: str | None) -> Janus | None:
    """Return what one session is told of where its media pass; `None`: nowhere, or from each to each."""
    return None if place is None or secret is None else told(place, session, secret)


def told(place: VideoRoom, session: str, secret: str) -> Janus:
    """Return what lets a session into that VideoRoom."""
    token, pin = token_of(place.number, session, secret), pin_of(place.number, secret)
    return Janus(url=place.url, room=place.number, token=token, pin=pin)


def token_of(number: int, session: str, secret: str) -> str:
    """Return what lets one session into a VideoRoom."""
    return _word(secret, "token", str(number), session)


def pin_of(number: int, secret: str) -> str:
    """Return what everybody who comes into a VideoRoom, or subscribes to anything there, is asked for."""
    return _word(secret, "pin", str(number))


def key_of(number: int, secret: str) -> str:
    """Return what lets our servers change a VideoRoom, and nobody else."""
    return _word(secret, "key", str(number))


def mark(secret: str) -> str:
    """Return what is written on all VideoRooms that servers with this secret create."""
    return f"exeunt {_word(secret, 'mark')}"


class CreateRoom(Ask, frozen=True, tag="create"):
    """Have a VideoRoom that lets in who is `allowed` alone, of whom so many `publishers` may publish at one time."""

    room: int
    admin_key: str  # the plugin's, if it has one
    secret: str
    pin: str
    allowed: list[str]
    publishers: int
    description: str  # which says that it is ours
    bitrate: int = BITRATE
    is_private: bool = True
    require_pvtid: bool = True  # subscriptions name whose they are, and end when that participant is removed
    notify_joining: bool = True  # so that ours hears at once who is in, and whether they are who they say they are
    audiocodec: str = "opus"
    videocodec: str = "h264,vp8"  # those that our peers and browsers have in common
    audiolevel_ext: bool = True
    transport_wide_cc_ext: bool = False  # our peers estimate by REMB and losses
    videoorient_ext: bool = False
    playoutdelay_ext: bool = False


class ListRooms(Ask, frozen=True, tag="list"):
    """Say which VideoRooms there are; private ones are named to who knows the plugin's admin key alone."""

    admin_key: str


class Change(Ask, frozen=True):
    """Something that takes the VideoRoom's secret."""

    room: int
    secret: str


class Allowed(Change, frozen=True, tag="allowed"):
    """Let in who has these tokens from now on, or not any more."""

    action: str  # "add", "remove"
    allowed: list[str]


class Kick(Change, frozen=True, tag="kick"):
    """Remove a participant, and what it subscribes to."""

    id: int


class DestroyRoom(Change, frozen=True, tag="destroy"):
    """Have no VideoRoom any more, and no media in it."""


class Tokens(Struct, frozen=True):
    """The answer to `Allowed`: the tokens of all who are let in."""

    allowed: list[str] = field(default_factory=list)


class Listed(Struct, frozen=True):
    """One VideoRoom that there is."""

    room: int
    description: str = ""
    num_participants: int = 0


class Listing(Struct, frozen=True):
    """The answer to `ListRooms`."""

    rooms: list[Listed] = field(default_factory=list, name="list")


class Participant(Struct, frozen=True):
    """Somebody who is in a VideoRoom."""

    id: int
    display: str = ""
    publisher: bool = False  # whether they publish


class Present(Struct, frozen=True):
    """The answer to `ListParticipants`."""

    participants: list[Participant] = field(default_factory=list)


def create(number: int, sessions: Iterable[str], places: int, secret: str) -> CreateRoom:
    """Ask for a VideoRoom that lets in these sessions alone."""
    return CreateRoom(
        room=number,
        admin_key=secret,
        secret=key_of(number, secret),
        pin=pin_of(number, secret),
        allowed=[token_of(number, session, secret) for session in sessions],
        publishers=places,
        description=mark(secret),
    )


def allow(number: int, sessions: Iterable[str], secret: str) -> Allowed:
    """Ask that sessions be let in from now on."""
    tokens = [token_of(number, session, secret) for session in sessions]
    return Allowed(room=number, secret=key_of(number, secret), action="add", allowed=tokens)


def disallow(number: int, tokens: Iterable[str], secret: str) -> Allowed:
    """Ask that nobody be let in with these tokens any more."""
    return Allowed(room=number, secret=key_of(number, secret), action="remove", allowed=list(tokens))


def kick(number: int, participant: int, secret: str) -> Kick:
    """Ask for a participant to be removed."""
    return Kick(room=number, secret=key_of(number, secret), id=participant)


def destroy(number: int, secret: str) -> DestroyRoom:
    """Ask for the end of a VideoRoom."""
    return DestroyRoom(room=number, secret=key_of(number, secret))


def strangers(number: int, sessions: Iterable[str], tokens: Tokens, secret: str) -> list[str]:
    """Return the tokens that are none of these sessions'."""
    ours = {token_of(number, session, secret) for session in sessions}
    return [token for token in tokens.allowed if token not in ours]


def intruders(sessions: Iterable[str], present: Present) -> list[int]:
    """Return the ids of participants who are none of these sessions."""
    ours = {janus_id(session) for session in sessions}
    return [one.id for one in present.participants if one.id not in ours]


def _word(secret: str, *words: str) -> str:
    return hmac.digest(secret.encode(), "\n".join(words).encode(), "sha256").hex()[:32]
