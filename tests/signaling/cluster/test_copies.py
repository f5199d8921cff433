"""Copies of a room at nodes that do not run it: kept up to date, and which of them counts."""

from signaling.cluster.copies import copied, decode_room, latest
from signaling.cluster.ownership import Place
from signaling.cluster.wire import Copied, Copy, Sync
from tests.signaling.cluster.test_station import kinds, meeting, others


def sync(home: str, copy: Copy | None) -> Sync:
    return Sync(room="42", home=home, epoch=1, copy=copy)


def test_a_copy_follows_what_is_written() -> None:
    place = Place("42")
    copied(place, Copied(room="42", seq=3, put={"a": b"1", "b": b"2"}, about=b"about", is_whole=True))
    copied(place, Copied(room="42", seq=5, put={"c": b"3"}, cut=("a", "unknown")))
    assert place.copy == Copy(5, {"b": b"2", "c": b"3"}, b"about")
    copied(place, Copied(room="42", seq=6, put={}, about=b"other"))
    assert place.copy == Copy(6, {"b": b"2", "c": b"3"}, b"other")


def test_a_change_of_what_is_not_known_makes_no_copy() -> None:
    place = Place("42")
    copied(place, Copied(room="42", seq=5, put={"c": b"3"}))
    assert place.copy is None


def test_the_latest_copy_counts() -> None:
    old, new = Copy(5, {"a": b"1"}), Copy(7, {})
    assert latest([sync("n0", old), sync("n1", None), sync("n2", new)]) is new
    assert latest([sync("n1", None)]) is None


def test_a_room_of_which_nothing_is_written_is_a_usual_one() -> None:
    room = decode_room("42", 7, {}, None)
    assert (room.name, room.seq, room.members, room.settings) == ("42", 7, [], None)


def test_each_node_with_members_has_a_copy_of_what_is_written() -> None:
    world, _ = meeting("ana", "ben", "cem")
    written = world.store.rooms["42"]
    for name in ("n1", "n2"):
        copy = world.nodes[name].station._places["42"].copy
        assert copy is not None
        assert (copy.seq, copy.records, copy.about) == (written.seq, written.records, written.about)


def test_when_redis_is_emptied_and_the_owner_dies_all_are_known_from_a_copy_and_nobody_leaves() -> None:
    world, (ana, ben, cem) = meeting("ana", "ben", "cem")
    world.store.empty()
    world.kill("n0")
    world.heal(30)
    assert [client.end for client in (ana, ben, cem)] == [None, None, None]
    assert [others(client) for client in (ana, ben, cem)] == [["ben", "cem"], ["ana", "cem"], ["ana", "ben"]]
    assert kinds(ben) == ["Join ana", "Join cem", "Unreachable ana", "Back ana"]
