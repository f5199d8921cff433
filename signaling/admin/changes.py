"""What is different in the rooms since somebody looked last, as server-sent events. A core."""

from collections.abc import Callable, Iterable

import msgspec

from signaling.members import RoomStatus

Rooms = dict[str, RoomStatus]  # by name


class Gone(msgspec.Struct, frozen=True):
    """A room that is there no more."""

    name: str


class Change(msgspec.Struct, frozen=True):
    """Something about one room, written once for all who watch."""

    room: str
    frame: bytes


def by_name(rooms: Iterable[RoomStatus]) -> Rooms:
    """Return rooms by their names."""
    return {room.name: room for room in rooms}


def changes(before: Rooms, after: Rooms) -> list[Change]:
    """Return what somebody who knows how it was has to be told."""
    gone = [Change(name, _frame("gone", Gone(name))) for name in before if name not in after]
    return [*gone, *(Change(name, _frame("room", room)) for name, room in after.items() if before.get(name) != room)]


def everything(rooms: Rooms, may_see: Callable[[str], bool]) -> bytes:
    """Return what somebody who knows nothing yet has to be told first."""
    return _frame("rooms", {"rooms": [room for name, room in rooms.items() if may_see(name)]})


def covered(found: Iterable[Change], may_see: Callable[[str], bool]) -> bytes:
    """Return the changes in the rooms that somebody may see, if there are any."""
    return b"".join(change.frame for change in found if may_see(change.room))


def _frame(event: str, content: object) -> bytes:
    # JSON has no line feed in it, so it is one line of data.
    return b"event: %s\ndata: %s\n\n" % (event.encode(), msgspec.json.encode(content))
