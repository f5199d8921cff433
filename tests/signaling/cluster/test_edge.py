"""What a node does for those whom it cannot serve itself, and for programs: it refuses, passes on, or lets go."""

import pytest

from signaling.cluster.acts import Claim, Clock, Do, HangUp, Hear, Post, Run
from signaling.cluster.ownership import MAX_WAITING
from signaling.cluster.station import Station
from signaling.cluster.wire import Answer, Asked, Drop, Said
from signaling.config import SignalingConfig
from signaling.effects import Hangup, Send
from signaling.lobby import Lobby
from signaling.messages import Error, Join, Leave, RemoteUserLeave, UpdateExtra
from tests.signaling.cluster.test_station import meeting

CLOCK = Clock(100.0, 1100.0)


def fresh(name: str = "n0") -> Station:
    """Return a node that Redis has not seen yet."""
    return Station(name, Lobby(SignalingConfig()))


def asked(room: str = "42") -> Asked:
    return Asked(room=room, home="n1", id="7", call="kick", arguments=b"{}")


def test_a_client_that_is_unknown_is_not_heard() -> None:
    assert fresh().heard("nobody", Leave(), CLOCK) == []


@pytest.mark.parametrize(("message", "is_over"), [(Join(room="", user="ana"), True), (Leave(), False)])
def test_what_concerns_no_room_is_answered_at_once(message: Join | Leave, is_over: bool) -> None:
    station = fresh()
    station.open("a", "secret")
    (done,) = station.heard("a", message, CLOCK)
    assert isinstance(done, Do)
    complaint = done.effects[0]
    assert isinstance(complaint, Send)
    assert isinstance(complaint.message, Error)
    assert (Hangup("a") in done.effects) is is_over
    assert ("a" not in station._edge) is is_over
    assert not station._lobby.knows("a")


def test_a_client_that_says_too_much_before_its_room_answers_is_let_go() -> None:
    station = fresh()
    station.open("a", "secret")
    assert station.heard("a", Join(room="42", user="ana"), CLOCK) == [Claim("42")]
    acts = [act for _ in range(MAX_WAITING) for act in station.heard("a", UpdateExtra(extra={}), CLOCK)]
    assert acts == [HangUp("a")]
    assert station.heard("a", Leave(), CLOCK) == []


def test_a_client_of_whom_too_much_is_unanswered_elsewhere_is_let_go() -> None:
    world, (_, ben) = meeting("ana", "ben")
    world.nodes["n0"].is_stopped = True
    assert ben.joined is not None
    station, session = world.nodes["n1"].station, ben.joined.session
    acts = [act for _ in range(MAX_WAITING + 1) for act in station.heard(session, UpdateExtra(extra={}), CLOCK)]
    assert acts[-1] == HangUp(session)
    assert len([act for act in acts if isinstance(act, Post)]) == MAX_WAITING


def test_when_too_much_waits_clients_of_other_nodes_are_let_go_and_programs_get_no_answer() -> None:
    station = fresh()
    for _ in range(MAX_WAITING):
        station.asked(asked(), None, CLOCK)
    said = Said(room="42", home="n1", epoch=0, session="b", secret="s", message=Join(room="42", user="ben"))
    assert station.received("n1", [said], CLOCK) == [Post("n1", (Drop(session="b", connection="b"),))]
    assert station.asked(asked(), "n0", CLOCK) == []


def test_a_client_that_is_gone_already_is_not_let_go_again() -> None:
    station = fresh()
    for _ in range(MAX_WAITING):
        station.asked(asked(), None, CLOCK)
    said = Said(room="42", home="n0", epoch=0, session="b", secret="s", message=Join(room="42", user="ben"))
    assert station.received("n1", [said], CLOCK) == []


def test_what_a_program_asks_is_done_by_the_owner_of_the_room_and_its_answer_comes_back() -> None:
    world, (ana, ben) = meeting("ana", "ben")
    owner, other = world.nodes["n0"].station, world.nodes["n1"].station
    assert (owner.runs("42"), other.runs("42"), other.runs("43")) == (True, False, False)
    now = world.nodes["n0"].clock
    assert other.asked(asked(), "n0", now) == [Post("n0", (asked(),))]
    assert owner.received("n1", [asked()], now) == [Run(asked())]
    kicked = owner._lobby.kick("42", "ben", None, now.now)
    world.nodes["n0"].perform(owner.decided("42", kicked, now))
    world.run()
    assert ben.end == "kicked"
    assert [event.user for event in ana.told if isinstance(event, RemoteUserLeave)] == ["ben"]
    assert other.received("n0", [Answer(id="7", body=b"null")], now) == [Hear("7", b"null")]
