"""The events that a page of RTCMultiConnection sends to its server. A core.

Envelopes come with an event whose name the page chooses, the application's own words with another.
"""

from typing import Any

from msgspec import Struct

from signaling.gateways.rmc_wire import CUSTOM_EVENT, Envelope, as_extra, read
from signaling.messages import Extra


class RoomWish(Struct, frozen=True):
    """What `open-room` and `join-room` say."""

    sessionid: str
    extra: Any = None
    password: Any = None
    session: Any = None

    @property
    def has_data(self) -> bool:
        """Whether the page listens to data channels: to none where this is anything but `true`."""
        return isinstance(self.session, dict) and self.session.get("data") is True


class CheckPresence(Struct, frozen=True):
    """Say whether there is such a room."""

    room: str


class OpenRoom(Struct, frozen=True):
    """Make this room, and let me in."""

    room: str
    extra: Extra
    has_password: bool
    has_data: bool = False


class JoinRoom(Struct, frozen=True):
    """Let me into this room."""

    room: str
    extra: Extra
    has_password: bool
    has_data: bool = False


class Speak(Struct, frozen=True):
    """Pass this envelope on."""

    envelope: Envelope


class SetExtra(Struct, frozen=True):
    """My `extra` is another."""

    extra: Extra


class DisconnectWith(Struct, frozen=True):
    """Drop the connection between a user and me."""

    user: str


class CloseSession(Struct, frozen=True):
    """Close the room."""


class ChangeName(Struct, frozen=True):
    """I am called otherwise."""

    user: str


class GetExtra(Struct, frozen=True):
    """Say what the `extra` of a user is."""

    user: str


class AskPassword(Struct, frozen=True):
    """Set a password, or see whether it is the right one."""

    room: str | None = None


class ListRooms(Struct, frozen=True):
    """Say which rooms are public."""


class Listen(Struct, frozen=True):
    """Call the application's own words so from now on."""

    event: str


class Custom(Struct, frozen=True):
    """A word of the application's own, for everybody else."""

    topic: str | None  # None: that of the default event
    content: Any


Request = (
    CheckPresence
    | OpenRoom
    | JoinRoom
    | Speak
    | SetExtra
    | DisconnectWith
    | CloseSession
    | ChangeName
    | GetExtra
    | AskPassword
    | ListRooms
    | Listen
    | Custom
)


def request_of(event: str, args: tuple[Any, ...], *, msg_event: str, custom_event: str) -> Request | None:
    """Read an event of a page; `None` if it is none that there is, or says nothing that can be used."""
    first = args[0] if args else None
    text = first if isinstance(first, str) else None
    match event:
        case _ if event == msg_event:
            said = read(first, Envelope)
            return None if said is None else Speak(said)
        case "open-room" | "join-room":
            return _room_request(OpenRoom if event == "open-room" else JoinRoom, first)
        case "check-presence" if text is not None:
            return CheckPresence(text)
        case "extra-data-updated":
            return SetExtra(first) if isinstance(first, dict) else None
        case "disconnect-with" if text is not None:
            return DisconnectWith(text)
        case "close-entire-session":
            return CloseSession()
        case "changed-uuid" if text is not None:
            return ChangeName(text)
        case "get-remote-user-extra-data" if text is not None:
            return GetExtra(text)
        case "set-password" | "is-valid-password":
            return AskPassword(args[1] if len(args) > 1 and isinstance(args[1], str) else None)
        case "get-public-rooms":
            return ListRooms()
        case "set-custom-socket-event-listener" if text is not None:
            return Listen(text)
        case _ if event == custom_event:
            return Custom(None if event == CUSTOM_EVENT else event, first)
        case _:
            return None


def _room_request(kind: type[OpenRoom] | type[JoinRoom], said: object) -> OpenRoom | JoinRoom | None:
    wish = read(said, RoomWish)
    if wish is None:
        return None
    return kind(wish.sessionid, as_extra(wish.extra), bool(wish.password), wish.has_data)
