"""A cluster that is whole, and one of which a part is lost: by hand, one case each."""

from signaling.messages import Kick, RemoteUserBack, RemoteUserJoin, RemoteUserLeave, RemoteUserUnreachable, UpdateExtra
from tests.signaling.cluster.world import Client, World


def meeting(*users: str, nodes: int = 3) -> tuple[World, list[Client]]:
    """Users in one room, each at another node; the room is the first one's."""
    world = World(nodes)
    world.pass_time(0.1)
    clients = []
    for number, user in enumerate(users):
        clients.append(world.enter(user, "42", f"n{number % nodes}"))
        world.run()
    return world, clients


def others(client: Client) -> list[str]:
    return sorted(client.roster.users)


def kinds(client: Client) -> list[str]:
    return [f"{type(event).__name__.removeprefix('RemoteUser')} {event.user}" for event in client.told]


def test_users_at_three_nodes_are_in_one_room() -> None:
    _, (ana, ben, cem) = meeting("ana", "ben", "cem")
    assert others(ana) == ["ben", "cem"]
    assert others(ben) == ["ana", "cem"]
    assert others(cem) == ["ana", "ben"]


def test_a_leave_is_told_at_every_node_and_once() -> None:
    world, (ana, ben, cem) = meeting("ana", "ben", "cem")
    cem.leave()
    world.run()
    assert cem.end == "left"
    assert kinds(ana) == ["Join ben", "Join cem", "Leave cem"]
    assert kinds(ben) == ["Join ana", "Join cem", "Leave cem"]


def test_nothing_is_left_of_a_room_when_everybody_has_left() -> None:
    world, clients = meeting("ana", "ben", "cem")
    for client in clients:
        client.leave()
        world.run()
    assert world.store.rooms == {}
    assert all(node.station._places == {} for node in world.nodes.values())
    assert all(len(node.station._homes) == 0 for node in world.nodes.values())


def test_when_the_owner_dies_its_own_users_come_back_elsewhere_and_nobody_leaves() -> None:
    world, (ana, ben, cem) = meeting("ana", "ben", "cem")
    world.kill("n0")
    world.heal(20)
    assert [client.end for client in (ana, ben, cem)] == [None, None, None]
    assert others(ana) == ["ben", "cem"]
    assert kinds(ben) == ["Join ana", "Join cem", "Unreachable ana", "Back ana"]


def test_when_another_node_dies_its_users_come_back_elsewhere_and_nobody_leaves() -> None:
    world, (ana, ben, cem) = meeting("ana", "ben", "cem")
    world.kill("n2")
    world.heal(20)
    assert [client.end for client in (ana, ben, cem)] == [None, None, None]
    assert "Leave cem" not in kinds(ana) + kinds(ben)
    assert others(cem) == ["ana", "ben"]


def test_who_does_not_come_back_after_the_death_of_a_node_leaves_after_the_grace() -> None:
    world, (ana, ben, cem) = meeting("ana", "ben", "cem")
    ana.end = "crashed"
    world.kill("n0")
    world.heal(20)
    assert kinds(ben) == ["Join ana", "Join cem", "Unreachable ana", "Leave ana"]
    assert kinds(cem)[-2:] == ["Unreachable ana", "Leave ana"]


def test_who_does_not_come_back_after_the_death_of_a_node_that_ran_nothing_leaves_after_the_grace() -> None:
    world, (ana, ben, cem) = meeting("ana", "ben", "cem")
    cem.end = "crashed"
    world.kill("n2")
    world.heal(20)
    assert kinds(ana) == ["Join ben", "Join cem", "Unreachable cem", "Leave cem"]
    assert kinds(ben)[-2:] == ["Unreachable cem", "Leave cem"]


def test_a_stopped_owner_that_goes_on_in_time_is_not_noticed() -> None:
    world, (ana, ben, _) = meeting("ana", "ben", "cem")
    world.nodes["n0"].is_stopped = True
    world.pass_time(2.0)
    world.run()
    world.nodes["n0"].is_stopped = False
    world.heal(5)
    assert kinds(ana) == ["Join ben", "Join cem"]
    assert kinds(ben) == ["Join ana", "Join cem"]


def test_a_stopped_owner_that_goes_on_too_late_finds_its_room_elsewhere_and_its_users_stay() -> None:
    world, (ana, ben, cem) = meeting("ana", "ben", "cem")
    world.nodes["n0"].is_stopped = True
    for _ in range(10):
        world.pass_time(0.5)
        world.run()
    assert kinds(ben)[-1] == "Unreachable ana"
    world.nodes["n0"].is_stopped = False
    world.heal(20)
    assert [client.end for client in (ana, ben, cem)] == [None, None, None]
    assert kinds(ben)[-1] == "Back ana"
    assert others(ana) == ["ben", "cem"]


def test_users_of_a_node_that_is_cut_off_for_longer_than_the_grace_leave_and_are_told_so() -> None:
    world, (ana, ben, cem) = meeting("ana", "ben", "cem")
    world.nodes["n0"].is_cut = True
    for _ in range(40):
        world.pass_time(0.5)
        world.run()
    assert kinds(ben)[-1] == "Leave ana"
    assert ana.end is None
    world.heal(10)
    assert ana.end == "network_lost"
    assert [others(client) for client in (ben, cem)] == [["cem"], ["ben"]]


def test_an_emptied_store_is_filled_again_by_the_owner_and_nobody_notices() -> None:
    world, (ana, ben, cem) = meeting("ana", "ben", "cem")
    world.store.empty()
    world.heal(20)
    assert sorted(world.store.rooms["42"].records) == sorted(
        client.joined.session for client in (ana, ben, cem) if client.joined
    )
    assert kinds(ana) == ["Join ben", "Join cem"]
    assert kinds(ben) == ["Join ana", "Join cem"]


def test_an_emptied_store_and_a_dead_owner_together_cost_nobody_else_the_room() -> None:
    world, (_, ben, cem) = meeting("ana", "ben", "cem")
    world.store.empty()
    world.kill("n0")
    world.heal(30)
    assert [client.end for client in (ben, cem)] == [None, None]
    assert ("cem" in others(ben), "ben" in others(cem)) == (True, True)


def test_while_the_store_is_away_nothing_happens_and_nobody_leaves() -> None:
    world, (ana, ben, cem) = meeting("ana", "ben", "cem")
    for node in world.nodes.values():
        node.is_cut = True
    for _ in range(60):
        world.pass_time(0.5)
        world.run()
    world.heal(20)
    assert [client.end for client in (ana, ben, cem)] == [None, None, None]
    assert not [e for client in (ana, ben, cem) for e in client.told if isinstance(e, RemoteUserLeave)]


def test_two_users_who_come_in_at_two_nodes_at_once_are_in_one_room() -> None:
    world = World(2)
    world.pass_time(0.1)
    ana, ben = world.enter("ana", "42", "n0"), world.enter("ben", "42", "n1")
    world.run()
    assert (others(ana), others(ben)) == (["ben"], ["ana"])


def test_a_user_who_is_cut_off_resumes_at_another_node() -> None:
    world, (ana, ben, _) = meeting("ana", "ben", "cem")
    ben.drop()
    world.run()
    ben.connect(world.nodes["n2"])
    world.run()
    assert ben.is_in
    assert kinds(ana) == ["Join ben", "Join cem", "Unreachable ben", "Back ben"]
    ana.leave()
    world.run()
    assert kinds(ben)[-1] == "Leave ana"


def test_a_leave_that_a_dead_owner_did_not_hear_is_said_again_to_the_next() -> None:
    world, (_, ben, cem) = meeting("ana", "ben", "cem")
    world.nodes["n0"].is_stopped = True
    ben.leave()
    world.run()
    world.kill("n0")
    world.heal(20)
    assert ben.end == "left"
    (leave,) = [event for event in cem.told if isinstance(event, RemoteUserLeave)]
    assert (leave.user, leave.reason) == ("ben", "left")


def test_a_node_that_ends_by_its_own_will_hands_its_rooms_over_at_once() -> None:
    world, (ana, ben, cem) = meeting("ana", "ben", "cem")
    world.nodes["n0"].station.freeze()
    world.store.end("n0")
    world.kill("n0")
    for node in world.nodes.values():
        node.beat()
    world.run()
    world.come_back()
    world.run()
    assert [client.end for client in (ana, ben, cem)] == [None, None, None]
    assert ana.is_in
    assert others(ana) == ["ben", "cem"]


def test_events_of_one_user_come_in_order() -> None:
    _, (ana, *_rest) = meeting("ana", "ben")
    assert [type(event) for event in ana.told] == [RemoteUserJoin]
    assert not [event for event in ana.told if isinstance(event, RemoteUserBack | RemoteUserUnreachable)]


def test_an_extra_that_a_dead_owner_did_not_hear_is_said_again_to_the_next() -> None:
    world, (_, ben, cem) = meeting("ana", "ben", "cem")
    world.nodes["n0"].is_stopped = True
    ben.say(UpdateExtra(extra={"hand": "up"}))
    world.run()
    world.kill("n0")
    world.heal(8)
    assert cem.roster.users["ben"].extra == {"hand": "up"}


def test_a_kick_that_a_dead_owner_did_not_hear_is_carried_out_once_by_the_next() -> None:
    world, (_, ben, cem) = meeting("ana", "ben", "cem")
    world.nodes["n0"].is_stopped = True
    ben.say(Kick(user="cem"))
    world.run()
    world.kill("n0")
    world.heal(8)
    assert cem.end == "kicked"
    assert kinds(ben).count("Leave cem") == 1


def test_who_was_kicked_while_away_hears_so_from_the_next_owner() -> None:
    world, (_, ben, cem) = meeting("ana", "ben", "cem")
    cem.drop()
    world.run()
    ben.say(Kick(user="cem", text="enough"))
    world.run()
    world.kill("n0")
    world.heal(8)
    assert cem.end == "kicked"


def test_who_was_kicked_while_away_hears_so_although_the_room_is_over() -> None:
    world, (ana, cem) = meeting("ana", "cem")
    cem.drop()
    world.run()
    ana.say(Kick(user="cem"))
    ana.leave()
    world.run()
    assert world.store.rooms == {}
    cem.connect(world.nodes["n2"])
    world.run()
    assert cem.end == "kicked"
