"""Some stories of the model's world, told on purpose: what random games reach seldom, and what they found."""

from peer.exit import ExitState
from signaling.messages import Kick
from signaling.reasons import Reason
from tests.models.client import Client
from tests.models.promises import GRACE
from tests.models.world import World


def met(*users: str) -> tuple[World, list[Client]]:
    """Return a world in which these users are in the room and connected with each other."""
    world = World()
    clients = [world.come(user, pace=0.1, life=None) for user in users]
    world.flow()
    for one in clients:
        for other in clients:
            world.link(one, other)
    return world, clients


def ended(world: World) -> None:
    world.settle()
    world.promises.settled(world.clients)


def test_who_said_goodbye_straight_is_not_here_again_for_somebody_who_comes_back_to_the_server() -> None:
    world, (ana, bo) = met("ana", "bo")
    world.cut(ana, (0, 0), (0.0, 7.5))
    ana.leave(Reason.LEFT)
    world.arrive(world.channels[0], 0, stays=False)
    assert bo.here == set()
    world.cut(bo, (0, 0), (0.0, 0.0))
    world.advance(1.0, flowing=True)
    assert (bo.line.is_connected, bo.here, bo.roster.users) == (True, set(), {})
    ended(world)


def test_a_goodbye_heard_twice_and_from_the_server_is_told_once() -> None:
    world, (ana, bo, cy) = met("ana", "bo", "cy")
    ana.leave(Reason.LEFT, wait="everyone")
    for channel in world.channels:
        for _ in channel.bag[:1]:
            world.arrive(channel, 0, stays=True)
            world.arrive(channel, 0, stays=False)
    assert (bo.here, cy.here) == ({cy.session}, {bo.session})
    ended(world)


def test_when_the_server_is_dead_a_leave_is_told_straight_and_everybody_is_out_in_the_end() -> None:
    world, (ana, bo) = met("ana", "bo")
    world.stop_server(hangs=True)
    ana.leave(Reason.LEFT, wait="everyone")
    world.arrive(world.channels[0], 0, stays=False)
    assert bo.here == set()
    ended(world)
    assert (ana.is_told, bo.is_told, bo.exit.reason) == (True, True, Reason.NETWORK_LOST)


def test_a_process_that_stood_still_beyond_the_grace_learns_that_it_is_out() -> None:
    world, (ana, bo) = met("ana", "bo")
    world.freeze(ana)
    world.advance(3 * GRACE, flowing=True)
    assert bo.here == set()
    ana.thaw(world.now)
    world.advance(GRACE, flowing=True)
    assert (ana.exit.state, ana.exit.reason) == (ExitState.EXITED, Reason.NETWORK_LOST)
    ended(world)


def test_a_process_that_stood_still_for_less_is_seen_by_nobody_to_leave() -> None:
    world, (ana, bo) = met("ana", "bo")
    world.freeze(ana)
    world.advance(GRACE, flowing=True)
    ana.thaw(world.now)
    ended(world)
    assert (ana.is_inside, bo.here) == (True, {ana.session})


def test_who_was_removed_while_away_learns_why() -> None:
    world, (ana, bo) = met("ana", "bo")
    world.cut(ana, (0, 0), (0.0, 0.0))
    world.advance(0.05, flowing=True)
    bo.line.say(Kick(user="ana"))
    world.advance(1.0, flowing=True)
    assert (ana.exit.reason, bo.here) == (Reason.KICKED, set())
    ended(world)


def test_a_room_that_was_left_by_all_before_its_maximum_age_is_over_is_not_looked_for_then() -> None:
    world = World(max_age=30.0)
    ana = world.come("ana", pace=0.0, life=None)
    world.flow()
    ana.leave(Reason.LEFT)
    world.advance(31.0, flowing=True)
    assert world.server is not None
    assert world.server.lobby.next_deadline() is None


def test_a_process_that_was_killed_is_told_as_crashed_once_whatever_the_server_finds_out_later() -> None:
    world, (ana, bo) = met("ana", "bo")
    world.kill(ana, "crashed", delay=0.3)
    world.advance(0.2, flowing=True)
    assert bo.here == {ana.session}
    world.advance(0.2, flowing=True)
    assert bo.here == set()
    ended(world)


def test_who_is_moved_while_away_comes_back_to_the_new_room_and_its_users() -> None:
    world, (ana, bo, cy) = met("ana", "bo", "cy")
    world.move(cy, "attic")
    world.cut(ana, (0, 0), (0.0, 0.0))
    world.advance(0.05, flowing=True)
    world.move(ana, "attic")
    world.advance(1.0, flowing=True)
    assert (ana.room, ana.here, bo.here) == ("attic", {cy.session}, set())
    world.cut(ana, (0, 0), (0.0, 0.0))
    world.advance(1.0, flowing=True)
    assert (ana.line.is_connected, ana.room) == (True, "attic")
    ended(world)


def test_who_was_moved_says_goodbye_in_the_new_room() -> None:
    world, (ana, bo, cy) = met("ana", "bo", "cy")
    world.move(ana, "attic")
    world.move(cy, "attic")
    world.flow()
    ana.leave(Reason.LEFT, wait="everyone")
    world.flow()
    assert (bo.here, cy.here, ana.exit.notice.is_over) == (set(), set(), True)
    ended(world)
