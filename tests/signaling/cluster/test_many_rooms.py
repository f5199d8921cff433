"""What is said in one room costs the same however many others there are."""

from collections.abc import Iterator

from signaling.cluster.ownership import Place
from signaling.messages import UpdateExtra
from tests.signaling.cluster.test_station import kinds, meeting


class Unsearched(dict[str, Place]):
    """Rooms that are found by name alone."""

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("all rooms are looked through")

    def values(self) -> Iterator[Place]:  # type: ignore[override] # it never returns
        raise AssertionError("all rooms are looked through")


def test_a_message_and_a_leave_are_passed_on_without_a_look_at_other_rooms() -> None:
    world, (ana, ben, cem) = meeting("ana", "ben", "cem")
    for node in world.nodes.values():
        node.station._places = Unsearched(node.station._places)
    ben.say(UpdateExtra(extra={"hand": "up"}))
    world.run()
    cem.leave()
    world.run()
    assert ana.roster.users["ben"].extra == {"hand": "up"}
    assert kinds(ana)[-1] == "Leave cem"
    assert all(node.station.next_deadline() is None for node in world.nodes.values())
    assert [len(node.station._places) for node in world.nodes.values()] == [1, 1, 0]
