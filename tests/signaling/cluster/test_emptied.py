"""Redis is emptied, and something else happens: who is in, who is told what, and what nobody can know any more."""

from collections.abc import Callable

import pytest

from signaling.bus.memory import Store
from signaling.cluster.acts import Commit
from signaling.cluster.ownership import CENSUS, HAND_OVER_LIMIT, YOUNG
from signaling.messages import RemoteUserLeave
from signaling.reasons import Reason
from tests.signaling.cluster.test_station import kinds, meeting, others
from tests.signaling.cluster.world import World


def let_time_pass(world: World, seconds: float) -> None:
    for _ in range(int(seconds * 2)):
        world.pass_time(0.5)
        world.run()


def test_a_room_that_was_claimed_soon_after_redis_was_emptied_may_be_lost_until_something_is_written_of_it() -> None:
    store = Store()
    store.beat("n0", 100.0)
    assert store.claim("n0", "42", 100.0 + YOUNG / 2).is_lost
    store.end("n0")
    again = store.claim("n1", "42", 100.0 + 2 * YOUNG)
    assert (again.is_lost, again.age) == (True, 2 * YOUNG)
    assert store.commit("n1", Commit(room="42", epoch=again.epoch, number=1, seq=1, about=b"{}"))
    assert not store.claim("n1", "42", 100.0 + 2 * YOUNG).is_lost
    assert not store.claim("n1", "43", 100.0 + 2 * YOUNG).is_lost


@pytest.mark.parametrize("seconds", [0.0, 0.5, 2.5], ids=["at once", "while it asks", "later"])
def test_a_node_that_ends_after_redis_was_emptied_first_writes_down_what_nobody_else_knows(seconds: float) -> None:
    world, (ana,) = meeting("ana")
    world.store.empty()
    for _ in range(int(seconds * 2)):
        world.pass_time(0.5)
        world.run()
    world.end("n0")
    world.heal(20)
    assert "n0" not in world.nodes
    assert (ana.end, ana.is_in, ana.sockets) == (None, True, 2)


def test_a_node_that_ends_while_redis_is_out_of_reach_waits_for_it_but_not_for_ever() -> None:
    world, (ana,) = meeting("ana")
    world.nodes["n0"].is_cut = True
    world.store.empty()
    world.end("n0")
    let_time_pass(world, HAND_OVER_LIMIT - 3.5)
    assert "n0" in world.nodes
    world.nodes["n0"].is_cut = False
    let_time_pass(world, 3.0)
    assert "n0" not in world.nodes
    world.heal(20)
    assert ana.end is None
    world.nodes["n1"].is_cut = True
    world.end("n1")
    let_time_pass(world, HAND_OVER_LIMIT)
    assert "n1" not in world.nodes


def test_a_node_that_is_new_waits_for_those_who_know_a_room_before_it_begins_it_anew() -> None:
    world, (ana, ben) = meeting("ana", "ben")
    world.store.empty()
    world.start()
    dan = world.enter("dan", "42", "n3")
    assert dan.socket is not None
    dan.socket.carry()
    world.nodes["n3"].work()  # it has the room before its owner knows that Redis was emptied
    let_time_pass(world, CENSUS + 1.0)
    assert [client.end for client in (ana, ben, dan)] == [None, None, None]
    assert [others(client) for client in (ana, ben, dan)] == [["ben", "dan"], ["ana", "dan"], ["ana", "ben"]]
    assert kinds(ben) == ["Join ana", "Join dan"]


def test_a_former_owner_does_not_begin_an_emptied_redis_with_what_it_knew_long_ago() -> None:
    world, (ana, ben, cem) = meeting("ana", "ben", "cem")
    world.nodes["n0"].is_stopped = True
    let_time_pass(world, 4.0)  # n1 or n2 runs the room
    ben.leave()
    world.run()
    world.store.empty()
    world.nodes["n0"].is_stopped = False
    owner = next(world.nodes[name] for name in ("n1", "n2") if world.nodes[name].station.runs("42"))
    owner.is_stopped = True
    world.pass_time(0.5)
    world.nodes["n0"].work()
    world.heal(20)
    assert (ana.end, cem.end, ben.end) == (None, None, "left")
    assert (others(ana), others(cem)) == (["cem"], ["ana"])
    assert kinds(cem).count("Leave ben") == 1


def test_who_was_told_what_nobody_alive_knows_cannot_go_on_as_who_they_were() -> None:
    world, (_, ben, cem) = meeting("ana", "ben", "cem")
    world.nodes["n0"].is_stopped = True
    let_time_pass(world, 4.0)
    owner = next(name for name in ("n1", "n2") if world.nodes[name].station.runs("42"))
    told, gone = (ben, cem) if owner == "n1" else (cem, ben)
    gone.leave()
    world.run()
    assert kinds(told)[-1] == f"Leave {gone.user}"
    world.store.empty()
    for name in ("n1", "n2"):  # with them dies what was told last
        world.kill(name)
    world.nodes["n0"].is_stopped = False
    world.start()
    let_time_pass(world, CENSUS + 2.0)
    told.connect(world.nodes["n0"])
    world.run()
    assert told.end == "session_gone"
    assert len([event for event in told.told if isinstance(event, RemoteUserLeave)]) == 1


def test_who_left_while_the_room_was_cut_off_and_is_refused_then_hears_that_they_have_left() -> None:
    world, (ana,) = meeting("ana")
    node = world.nodes["n0"]
    ana.leave()
    assert ana.socket is not None
    ana.socket.carry()
    assert isinstance(node.asked[0], Commit)
    world.store.commit("n0", node.asked[0])  # it is carried out, but n0 is cut off before it hears that
    node.is_cut = True
    let_time_pass(world, 3.0)
    node.is_cut = False
    world.heal(3)
    assert ana.end == Reason.LEFT


@pytest.mark.parametrize("ends", [World.end, World.kill])
def test_who_waits_until_all_know_that_they_leave_is_nobodys_member_when_their_node_is_gone(
    ends: Callable[[World, str], None],
) -> None:
    world, (ana, ben) = meeting("ana", "ben")
    ben.leave(wait=True)
    assert ben.socket is not None
    ben.socket.carry()
    world.nodes["n1"].work()
    world.nodes["n0"].read()
    world.nodes["n0"].work()  # ana is told, and has not acknowledged it
    ends(world, "n1")
    let_time_pass(world, 5.0)
    assert kinds(ana) == ["Join ben", "Leave ben"]
    assert len(world.nodes["n0"].station._homes) == 1


def test_a_new_owner_acts_only_when_it_has_read_all_that_the_former_one_said() -> None:
    world, (_, ben, cem) = meeting("ana", "ben", "cem")
    cem.leave()
    assert cem.socket is not None
    cem.socket.carry()
    world.nodes["n2"].work()
    world.nodes["n0"].read()
    world.nodes["n0"].work()  # it is written and sent, and n1 does not read it
    world.kill("n0")
    for _ in range(10):
        world.pass_time(0.5)
        for node in world.nodes.values():
            node.work()
            node.advance()
    assert not world.nodes["n1"].station.runs("42")
    world.heal(5)
    assert kinds(ben)[:3] == ["Join ana", "Join cem", "Leave cem"]
