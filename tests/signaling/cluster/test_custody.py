"""Rooms that become a node's and cease to be: what goes over with them, and who is waited for."""

import pytest

from signaling.cluster.acts import Post
from signaling.cluster.custody import needs_an_owner
from signaling.cluster.ownership import Phase
from signaling.cluster.wire import Asked, Input, Lost, Owned, Sync
from signaling.messages import Kick
from signaling.reasons import Detection
from tests.signaling.cluster.test_station import kinds, meeting


def test_who_was_kept_out_by_a_dead_owner_is_kept_out_by_the_next() -> None:
    world, (ana, _, cem) = meeting("ana", "ben", "cem")
    ana.say(Kick(user="cem", ban_for=600.0))
    world.run()
    assert cem.end == "kicked"
    world.kill("n0")
    world.heal(8)
    again = world.enter("cem", "42", "n1")
    other = world.enter("dan", "42", "n1")
    world.run()
    assert (again.end, other.is_in) == ("banned", True)


def test_an_owner_that_finds_redis_emptied_waits_for_a_node_that_came_after_its_last_beat() -> None:
    world, (ana, _) = meeting("ana", "ben")
    world.start()
    dan = world.enter("dan", "42", "n3")
    world.run()
    owner = world.nodes["n0"]
    assert "n3" not in owner.station.others
    world.store.empty()
    owner.beat()  # nobody else has met the new Redis yet
    owner.work()
    place = owner.station._places["42"]
    assert place.phase is Phase.SETTLING
    asked = {one.node for one in owner.asked if isinstance(one, Post) and isinstance(one.frames[0], Owned)}
    assert asked == {"n0", "n1", "n2", "n3"}
    world.nodes["n3"].is_stopped = True
    world.run()
    owner.beat()  # of n3 nothing is known in the new Redis
    world.run()
    assert place.phase is Phase.SETTLING, "it goes on without the one that is known only by its member"
    world.nodes["n3"].is_stopped = False
    world.heal(20)
    assert dan.end is None
    assert kinds(ana) == ["Join ben", "Join dan"]


def test_a_node_whose_lease_is_over_lets_nobody_go_whose_time_is_over() -> None:
    world, (ana, ben) = meeting("ana", "ben")
    node = world.nodes["n0"]
    ben.end = "crashed"
    ben.drop()
    world.run()
    for _ in range(18):
        world.pass_time(0.5)
        world.run()
    node.is_cut = True
    for _ in range(6):
        world.pass_time(0.5)
    assert node.advance()
    assert node.station.next_deadline() is None
    assert kinds(ana) == ["Join ben", "Unreachable ben"]


def test_the_death_of_a_node_is_noted_in_a_room_once_it_is_known_whose_the_room_is() -> None:
    world, (ana, ben) = meeting("ana", "ben")
    node = world.nodes["n0"]
    ben.end = "crashed"
    world.kill("n1")
    node.is_stopped = True
    world.pass_time(3.0)
    node.is_stopped = False
    for _ in range(10):
        world.pass_time(0.5)  # it is late, asks whose its room is, and is not answered
    assert kinds(ana) == ["Join ben"]
    world.heal(3)
    assert kinds(ana) == ["Join ben", "Unreachable ben"]


@pytest.mark.parametrize(
    ("frame", "needed"),
    [
        (Asked(room="42", home="n1", id="1", call="kick", arguments=b"{}"), True),
        (Lost(room="42", home="n1", epoch=1, connection="c", silent_for=0, detected_by=Detection.HEARTBEAT), False),
        (Sync(room="42", home="n1", epoch=0), True),
        (Sync(room="42", home="n1", epoch=1), False),
    ],
)
def test_of_a_room_that_is_over_only_some_words_need_an_answer(frame: Input, needed: bool) -> None:
    assert needs_an_owner(frame) is needed
