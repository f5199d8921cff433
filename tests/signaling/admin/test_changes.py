"""What is different in the rooms, as server-sent events."""

import msgspec

from signaling.admin.changes import Change, by_name, changes, covered, everything
from signaling.members import RoomStatus, UserStatus
from signaling.tokens import Admission

ALL = Admission(None, None)
ATTIC = Admission(None, "attic")


def room(name: str, *users: str) -> RoomStatus:
    return RoomStatus(name=name, users=[user(name) for name in users])


def user(name: str, *, unreachable: bool = False) -> UserStatus:
    return UserStatus(user=name, session=f"session of {name}", extra={}, unreachable=unreachable, since=1.0)


def test_what_is_new_different_or_gone_is_told_and_nothing_else() -> None:
    before = by_name([room("a", "ana"), room("b", "ben"), room("c", "cem")])
    after = by_name([room("a", "ana"), room("b", "ben", "bea"), room("d")])
    assert [change.room for change in changes(before, after)] == ["c", "b", "d"]
    assert changes(after, after) == []


def test_who_becomes_unreachable_makes_a_difference() -> None:
    before = by_name([room("a", "ana")])
    after = by_name([RoomStatus(name="a", users=[user("ana", unreachable=True)])])
    (change,) = changes(before, after)
    assert b'"unreachable":true' in change.frame


def test_an_event_is_a_name_and_one_line_of_json() -> None:
    hostile = RoomStatus(name="a", users=[msgspec.structs.replace(user("ana"), extra={"x": "\n\nevent: gone\r\n"})])
    (change,) = changes({}, by_name([hostile]))
    event, data, *rest = change.frame.split(b"\n")
    assert (event, rest) == (b"event: room", [b"", b""])
    assert msgspec.json.decode(data.removeprefix(b"data: "), type=RoomStatus) == hostile


def test_everybody_hears_of_the_rooms_that_their_token_is_for() -> None:
    rooms = by_name([room("attic", "ana"), room("hall")])
    assert b"hall" in everything(rooms, ALL.covers)
    assert b"hall" not in everything(rooms, ATTIC.covers)
    found = [Change("attic", b"1"), Change("hall", b"2")]
    assert (covered(found, ALL.covers), covered(found, ATTIC.covers)) == (b"12", b"1")
    assert covered([], ALL.covers) == b""
