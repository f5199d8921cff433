"""What happens to the users of a room, as the others are told."""

from msgspec import field

from signaling.forms import Extra, Message, Name, Part
from signaling.reasons import Detection, Reason


class User(Part, frozen=True):
    """One line of the roster."""

    user: Name
    session: str
    extra: Extra = field(default_factory=dict)
    unreachable: bool = False


class RemoteUserJoin(Message, frozen=True):
    """Somebody came in."""

    user: Name
    session: str
    seq: int
    extra: Extra = field(default_factory=dict)


class RemoteUserUpdate(Message, frozen=True):
    """Somebody's `extra` is another; or, if `grants` is said, what a newer token lets them do with media.

    Of the grants, `publish` and `subscribe` are named. Connections with them are to be made anew: the server passes no
    description on that sends or receives more than these allow.
    """

    user: Name
    session: str
    seq: int
    extra: Extra = field(default_factory=dict)
    grants: list[str] | None = None  # None: as they were


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
    extra: Extra = field(default_factory=dict)
    wants_ack: bool = False  # the leaver waits for an `ack`


RoomEvent = RemoteUserJoin | RemoteUserUpdate | RemoteUserUnreachable | RemoteUserBack | RemoteUserLeave
