"""Users who are moved from a room of one node to a room of another, in a simulated cluster."""

import random

import pytest

from signaling.calls import Refusal
from signaling.cluster.acts import Clock
from signaling.cluster.moving import check as check_arrival
from signaling.messages import ErrorCode, UpdateExtra
from tests.signaling.cluster.chances import check, live
from tests.signaling.cluster.moves import do
from tests.signaling.cluster.test_station import kinds, others
from tests.signaling.cluster.world import Client, World

HARMLESS_STEPS, LIVES = 150, 200


def two_rooms(edge: str = "n2") -> tuple[World, Client, Client, Client]:
    """Ana in 42, which n0 runs, with cem, whose socket is at `edge`; ben in 43, which n1 runs."""
    world = World(4)
    world.pass_time(0.1)
    ana = world.enter("ana", "42", "n0")
    ben = world.enter("ben", "43", "n1")
    world.run()
    cem = world.enter("cem", "42", edge)
    world.run()
    return world, ana, ben, cem


def cut_off(world: World, node: str) -> None:
    """Cut a node off from Redis for longer than the others wait for it."""
    world.nodes[node].is_cut = True
    for _ in range(8):
        world.pass_time(0.5)
        world.run()


def session(client: Client) -> str:
    assert client.joined is not None
    return client.joined.session


def is_moved(ana: Client, ben: Client, cem: Client) -> None:
    assert (cem.end, cem.room, others(cem), cem.moves) == (None, "43", ["ben"], 1)
    assert kinds(ana) == ["Join cem", "Leave cem"]
    assert [event.reason for event in ana.told if hasattr(event, "reason")] == ["moved"]
    assert kinds(ben) == ["Join cem"]


@pytest.mark.parametrize("edge", ["n0", "n1", "n2"])
def test_a_user_is_moved_wherever_their_socket_is(edge: str) -> None:
    world, ana, ben, cem = two_rooms(edge)
    world.move("cem", "42", "43")
    world.run()
    is_moved(ana, ben, cem)
    assert sorted(world.store.rooms["43"].records) == sorted([session(ben), session(cem)])
    assert cem.sockets == 1
    cem.leave()
    world.run()
    assert kinds(ben) == ["Join cem", "Leave cem"]


def test_a_user_is_moved_to_a_room_that_nobody_runs_and_back() -> None:
    world, ana, _, cem = two_rooms()
    world.move("cem", "42", "44")
    world.run()
    assert (cem.room, others(cem)) == ("44", [])
    world.move("cem", "44", "42")
    world.run()
    assert (cem.room, others(cem), kinds(ana)) == ("42", ["ana"], ["Join cem", "Leave cem", "Join cem"])
    assert "44" not in world.store.rooms
    cem.drop()
    world.run()
    cem.connect(world.nodes["n3"])
    world.run()
    assert (cem.end, others(ana)) == (None, ["cem"])


def test_what_was_said_on_the_way_is_heard_in_the_other_room() -> None:
    world, ana, ben, cem = two_rooms()
    world.move("cem", "42", "43")
    cem.say(UpdateExtra(extra={"hand": "up"}))
    cem.leave()
    assert cem.socket is not None
    while cem.socket is not None and cem.socket.carry():
        pass  # its edge has heard it before it knows of the move
    world.run()
    assert (cem.end, kinds(ben)) == ("left", ["Join cem", "Update cem", "Leave cem"])
    assert kinds(ana) == ["Join cem", "Leave cem"]


@pytest.mark.parametrize("dies", ["n0", "n1", "n2"])
@pytest.mark.parametrize("steps", range(12))
def test_whoever_dies_at_whatever_step_the_user_is_in_one_room_in_the_end(dies: str, steps: int) -> None:
    world, ana, ben, cem = two_rooms()
    world.move("cem", "42", "43")
    for _, step in zip(range(steps), (one for _ in range(12) for one in world.steps() if one()), strict=False):
        assert step
    world.kill(dies)
    world.heal(30)
    check(world)
    assert cem.is_in
    assert (others(ana), others(ben)) == ((["cem"], []) if cem.room == "42" else ([], ["cem"]))


def test_who_was_moved_and_did_not_hear_it_because_redis_was_emptied_is_sent_on() -> None:
    world, ana, ben, cem = two_rooms("n2")
    world.move("cem", "42", "43")
    assert world.nodes["n0"].work()  # it is written, and nobody was told
    world.store.empty()
    world.heal(10)
    is_moved(ana, ben, cem)


@pytest.mark.parametrize("dies", ["n0", "n1"])
def test_who_is_cut_off_before_they_know_asks_the_former_room_and_is_sent_on(dies: str) -> None:
    world, ana, ben, cem = two_rooms("n0")
    world.move("cem", "42", "43")
    assert world.nodes["n0"].work()  # it is written, and nobody was told
    world.kill(dies)
    world.heal(30)
    check(world)
    assert (cem.end, cem.room, others(cem)) == (None, "43", ["ben"])
    assert kinds(ben).count("Join cem") == 1
    assert "Leave cem" not in kinds(ben)
    assert kinds(ana)[-1] == "Leave cem"


def test_a_stranger_with_another_secret_is_not_sent_on() -> None:
    world, _, ben, cem = two_rooms()
    cem.drop()
    world.move("cem", "42", "43")
    world.run()
    assert cem.joined is not None
    thief = Client("cem", "42", world)
    thief.joined = type(cem.joined)(
        **{**{f: getattr(cem.joined, f) for f in cem.joined.__struct_fields__}, "secret": "?"}
    )
    world.clients.append(thief)
    thief.connect(world.nodes["n3"])
    world.run()
    assert (thief.end, kinds(ben)) == ("session_gone", [])


def test_who_is_unreachable_is_moved_and_comes_back_in_the_other_room() -> None:
    world, ana, ben, cem = two_rooms()
    cem.drop()
    world.run()
    world.move("cem", "42", "43")
    world.run()
    assert kinds(ana) == ["Join cem", "Unreachable cem", "Leave cem"]
    assert kinds(ben) == ["Join cem", "Unreachable cem"]
    cem.connect(world.nodes["n3"])
    world.run()
    assert (cem.end, cem.room, others(cem), kinds(ben)[2:]) == (None, "43", ["ben"], ["Back cem"])
    world.heal(30)
    check(world)


def test_who_is_unreachable_is_moved_to_a_room_that_nobody_runs_and_on_and_is_gone_after_the_grace() -> None:
    world, ana, ben, cem = two_rooms()
    cem.drop()
    world.run()
    for room, to_room in (("42", "44"), ("44", "43")):
        world.move("cem", room, to_room)
        world.run()
    assert (kinds(ben), "44" in world.store.rooms) == (["Join cem", "Unreachable cem"], False)
    cem.end = "never back"
    world.heal(30)
    assert (kinds(ana), kinds(ben)[2:]) == (["Join cem", "Unreachable cem", "Leave cem"], ["Leave cem"])


def test_who_was_only_taken_for_unreachable_is_moved_by_the_socket_that_they_had() -> None:
    world, ana, ben, cem = two_rooms("n2")
    cut_off(world, "n2")
    assert kinds(ana) == ["Join cem", "Unreachable cem"]
    world.move("cem", "42", "43")
    world.run()
    assert kinds(ben) == ["Join cem", "Unreachable cem"]
    world.nodes["n2"].is_cut = False
    world.heal(3)
    assert (cem.room, cem.sockets, others(cem), kinds(ben)[2:]) == ("43", 1, ["ben"], ["Back cem"])
    cem.leave()
    world.run()
    assert kinds(ben)[-1] == "Leave cem"


def test_a_socket_that_was_given_up_does_not_take_the_place_of_the_one_that_followed_the_move() -> None:
    world, _, ben, cem = two_rooms("n2")
    cut_off(world, "n2")
    world.move("cem", "42", "43")
    world.run()
    cem.connect(world.nodes["n3"])  # and n2 does not hear that the former socket has ended
    world.run()
    assert (cem.room, others(cem)) == ("43", ["ben"])
    world.nodes["n2"].is_cut = False
    world.heal(30)
    check(world)
    assert (cem.end, cem.sockets, world.nodes["n2"].sockets) == (None, 2, {})
    assert kinds(ben) == ["Join cem", "Unreachable cem", "Back cem"]


def test_who_was_moved_on_while_their_node_was_cut_off_follows() -> None:
    world, ana, ben, cem = two_rooms("n2")
    cut_off(world, "n2")
    for room, to_room in (("42", "43"), ("43", "44"), ("44", "42"), ("42", "43"), ("43", "44")):
        world.move("cem", room, to_room)
        world.run()
    world.nodes["n2"].is_cut = False
    world.heal(30)
    assert (cem.end, cem.room, cem.sockets, others(ana), others(ben)) == (None, "44", 1, [], [])
    assert sorted(world.store.rooms["44"].records) == [session(cem)]


@pytest.mark.parametrize("dies", ["n0", "n1", "n2", "n3"])
@pytest.mark.parametrize("steps", range(8))
def test_whoever_dies_while_somebody_unreachable_is_moved_they_are_in_one_room_in_the_end(
    dies: str, steps: int
) -> None:
    world, ana, ben, cem = two_rooms()
    cem.drop()
    world.run()
    world.move("cem", "42", "43")
    for _, step in zip(range(steps), (one for _ in range(12) for one in world.steps() if one()), strict=False):
        assert step
    world.kill(dies)
    cem.connect(next(iter(world.nodes.values())))
    world.heal(30)
    check(world)
    assert cem.is_in
    assert (others(ana), others(ben)) == ((["cem"], []) if cem.room == "42" else ([], ["cem"]))


def test_who_is_not_there_is_not_moved() -> None:
    world, _, _, cem = two_rooms()
    owner = world.nodes["n0"]
    assert owner.station.depart("42", "nobody", "43", 0, owner.clock) == []
    assert owner.station.depart("44", "cem", "43", 0, owner.clock) == []
    assert cem.room == "42"


def test_who_is_banned_is_not_taken_in() -> None:
    world, *_ = two_rooms()
    lobby, clock = world.nodes["n1"].station._lobby, Clock(world.now, world.now)
    lobby.bans.add("43", "cem", None, world.now + 5, world.now)
    with pytest.raises(Refusal) as refused:
        check_arrival(lobby, "43", "cem", None, clock)
    assert refused.value.code == ErrorCode.BANNED
    check_arrival(lobby, "43", "dan", None, clock)


@pytest.mark.parametrize("seed", range(0, LIVES, 50))
def test_in_random_lives_with_moves_every_roster_is_the_truth(seed: int) -> None:
    for one in range(seed, seed + 50):
        moves: list[str] = []
        world = live(random.Random(one), HARMLESS_STEPS, moves, "move", "move")
        try:
            check(world)
        except AssertionError as error:
            raise AssertionError(f"seed {one}: {error}: {moves}") from None


def test_a_move_is_one_of_the_moves_of_a_life() -> None:
    world, ana, ben, cem = two_rooms()
    for move in ("move cem 43", "rest"):
        do(world, move)
    is_moved(ana, ben, cem)
