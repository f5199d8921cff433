"""Rooms of a node's own: what it answers to clients who say more than they should, or too late."""

import pytest

from signaling.cluster.running import REMEMBERED
from signaling.cluster.wire import Said
from signaling.effects import Exited
from signaling.messages import Join, Kick, RemoteUserLeave
from signaling.reasons import Detection, Reason
from tests.signaling.cluster.test_station import kinds, meeting, others
from tests.signaling.cluster.world import World


def _come_late(world: World, session: str, user: str) -> None:
    """Have the owner n0 hear a join once more that its edge n1 said again."""
    owner = world.nodes["n0"]
    join = Join(room="42", user=user)
    epoch = owner.station._places["42"].epoch
    said = Said(
        room="42", home="n1", epoch=epoch, session=session, secret="s", message=join, number=0, is_restated=True
    )
    owner.perform(owner.station.received("n1", [said], owner.clock))
    world.run()


def test_a_session_that_is_out_is_not_let_in_by_a_join_that_is_said_again() -> None:
    world, (ana, ben) = meeting("ana", "ben")
    ben.leave()
    world.run()
    assert ben.joined is not None
    _come_late(world, ben.joined.session, "ben")
    assert others(ana) == []
    assert kinds(ana) == ["Join ben", "Leave ben"]
    assert len(world.nodes["n0"].station._homes) == 1


def test_only_the_latest_sessions_that_are_out_are_remembered() -> None:
    world, _ = meeting("ana", "ben")
    owner = world.nodes["n0"]
    over = [
        Exited(f"old-{number}", "42", f"u{number}", Reason.LEFT, Detection.NOTICE) for number in range(REMEMBERED + 1)
    ]
    owner.perform(owner.station.decided("42", list(over), owner.clock))
    world.run()
    assert list(owner.station._over) == [one.session for one in over[1:]]


def test_who_wants_in_twice_is_in_once() -> None:
    world, (ana, ben) = meeting("ana", "ben")
    ben.say(Join(room="42", user="ben"))
    world.run()
    assert ben.end == "wrong_state"
    assert kinds(ana) == ["Join ben"]


@pytest.mark.parametrize("is_known", [True, False], ids=["n1 knows the owner", "n1 has to ask for the owner"])
def test_a_client_that_is_refused_does_not_get_into_another_room_by_asking_at_once(is_known: bool) -> None:
    world, (ana, *rest) = meeting("ana", "ben", "cem", nodes=2)
    out = rest[1 if is_known else 0]
    ana.say(Kick(user=out.user, ban_for=600.0))
    world.run()
    again = world.enter(out.user, "42", "n1")
    again.say(Join(room="43", user="eva"))
    world.run()
    assert (out.end, again.end) == ("kicked", "banned")
    assert world.nodes["n0"].station._lobby.find("43") is None
    assert len(world.nodes["n0"].station._homes) == 2


def test_an_acknowledgement_is_passed_on_and_not_kept() -> None:
    world, (ana, ben, cem) = meeting("ana", "ben", "cem")
    ana.say(Kick(user="cem"))
    world.run()
    assert cem.end == "kicked"
    assert [event.user for event in ben.told if isinstance(event, RemoteUserLeave)] == ["cem"]
    assert not world.nodes["n1"].station._places["42"].said
