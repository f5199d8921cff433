"""What requests to the admin API hold and what it answers, as JSON in camelCase. A core.

What is described here is what is decoded, encoded and published at `/api/openapi.json`: there is no second copy.
"""

from typing import Annotated, ClassVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signaling.calls import RoomSettings
from signaling.config import Duplicate
from signaling.janus_words import Topology
from signaling.members import RoomStatus
from signaling.messages import NAME_PATTERN, BanTime, Extra, MediaKind, Name, Text, Topic

MAX_USERS = 100  # users that one request can remove
MAX_CAPACITY = 100_000  # users of a room
MAX_TIME = 366 * 86_400.0  # seconds

Names = Annotated[list[Name], Meta(min_length=1, max_length=MAX_USERS)]
# A pattern beside a list is not to be had: msgspec 0.22 takes the pattern for the list's type when it frees the two.
OneName = Annotated[str, Meta(extra_json_schema={"pattern": NAME_PATTERN})]
Time = Annotated[float, Meta(ge=0, le=MAX_TIME)]  # seconds
Span = Annotated[float, Meta(gt=0, le=MAX_TIME)]  # seconds


class Body(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a request holds. A field that is not known is refused: misspelt, it would silently do nothing."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is answered, with the status of HTTP that goes with it."""

    status: ClassVar[int] = 200


class CreateBody(Body, frozen=True, kw_only=True):
    """The settings of a room; for what is missing, the server's own options apply."""

    # In JSON Schema 3.0 is an integer, to the decoder it is none: so it is read as any number, and must be whole.
    capacity: Annotated[float, Meta(ge=1, le=MAX_CAPACITY, multiple_of=1, description="Users at most.")] | UnsetType = (
        UNSET
    )
    duplicate: (
        Annotated[
            Duplicate, Meta(description="When a user comes in who is in: replace the older, or reject the newer.")
        ]
        | UnsetType
    ) = UNSET
    grace: Annotated[Time, Meta(description="Seconds in which a lost user may come back.")] | UnsetType = UNSET
    max_age: (
        Annotated[Span | None, Meta(description="Seconds after which the room is dismissed; null: never.")] | UnsetType
    ) = UNSET
    close_when_empty: (
        Annotated[bool, Meta(description="Whether the room ends when the last user has left.")] | UnsetType
    ) = UNSET
    solo_timeout: (
        Annotated[
            Span | None, Meta(description="Seconds that a user may be alone before the room is dismissed; null: any.")
        ]
        | UnsetType
    ) = UNSET
    topology: (
        Annotated[
            Topology, Meta(description="How media pass: from each user to each, or by a Janus server, for many users.")
        ]
        | UnsetType
    ) = UNSET


class KickBody(Body, frozen=True, kw_only=True):
    """Whom to remove from a room."""

    user: Annotated[OneName | Names, Meta(description=f"A user, or a list of up to {MAX_USERS}.")]
    text: Annotated[Text | None, Meta(description="What the others and those concerned are told.")] = None
    ban_for: Annotated[
        BanTime | None, Meta(description="Seconds for which the name and its token are kept out of the room.")
    ] = None

    def __post_init__(self) -> None:
        """Raise `msgspec.ValidationError` for one user without the form of a name: the pattern of `OneName`."""
        if isinstance(self.user, str):
            msgspec.convert({"user": self.user}, _Named)


class _Named(msgspec.Struct):
    user: Name


class DismissBody(Body, frozen=True, kw_only=True):
    """How to close a room."""

    text: Annotated[Text | None, Meta(description="What everybody is told.")] = None


class MuteBody(Body, frozen=True, kw_only=True):
    """What to mute."""

    kind: Annotated[MediaKind, Meta(description="What the user is to stop sending.")]
    text: Annotated[Text | None, Meta(description="What the user is told.")] = None


class MessageBody(Body, frozen=True, kw_only=True):
    """A message from the server."""

    topic: Annotated[Topic, Meta(description="What it is about, in the application's words.")]
    data: Annotated[object, Meta(description="Any JSON value, of 16 KiB at most.")] = None
    to: Annotated[Name | None, Meta(description="One user; null: everybody in the room.")] = None


class ExtraBody(Body, frozen=True, kw_only=True):
    """What is known of a user from now on."""

    extra: Annotated[
        Extra, Meta(description="Replaces what was known: a JSON object of 8 KiB and 32 levels of depth at most.")
    ]


class MoveBody(Body, frozen=True, kw_only=True):
    """Where a user goes."""

    to: Annotated[Name, Meta(description="The other room; it need not be there yet.")]


class RoomList(Answer, frozen=True, kw_only=True):
    """Every room that the token is for."""

    rooms: list[RoomStatus]
    unanswered: Annotated[
        list[str], Meta(description="Servers of a cluster that did not answer in time: what they run is missing.")
    ] = []


class RoomCreated(Answer, frozen=True, kw_only=True):
    """A room was opened."""

    status: ClassVar[int] = 201
    settings: RoomSettings


class RoomKept(Answer, frozen=True, kw_only=True):
    """The room with these settings was there already."""

    settings: RoomSettings


class Reached(Answer, frozen=True, kw_only=True):
    """What really happened."""

    room: Name
    told: Annotated[list[Name], Meta(description="The users to whom it was sent.")]
    unacknowledged: Annotated[
        list[Name], Meta(description="Those of them who did not say in time that they had taken it in.")
    ] = []


class UserReached(Reached, frozen=True, kw_only=True):
    """What really happened to a user."""

    user: Name


class Moved(UserReached, frozen=True, kw_only=True):
    """A user is in another room."""

    to: Name


class Removed(Answer, frozen=True, kw_only=True):
    """A user was removed from a room."""

    user: Name
    told: Annotated[list[Name], Meta(description="The users who were told of it.")]
    unacknowledged: Annotated[
        list[Name], Meta(description="Those of them who did not say in time that they had taken it in.")
    ] = []


class Kicked(Answer, frozen=True, kw_only=True):
    """Who was removed from a room."""

    room: Name
    kicked: list[Removed]
    missing: Annotated[list[Name], Meta(description="Those who were not there.")] = []


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why something cannot be done."""

    code: Annotated[str, Meta(description="For programs, like no_such_room.")]
    text: Annotated[str, Meta(description="For people: a sentence. Fields are named in backquotes.")]
