"""Where those have gone who were moved: what one node remembers of them."""

from msgspec import json
from msgspec.structs import replace

from signaling.calls import RoomSettings
from signaling.cluster.acts import Clock
from signaling.cluster.moving import MOST, Departures, Written, absence, admit
from signaling.cluster.wire import Arrival, Moving, Said
from signaling.config import SignalingConfig
from signaling.effects import Departed
from signaling.lobby import Lobby
from signaling.messages import Join, Resume
from signaling.snapshot import MemberRecord
from signaling.tokens import Admission
from tests.signaling.cluster.world import World

NOW = Clock(1.0, 1_700_000_000.0)
EVERYTHING = Admission(user="ana", room="42", expires=None, grants=frozenset({"publish"}))


def record(session: str = "one", turn: int = 1, last_seen: float | None = None) -> MemberRecord:
    return MemberRecord(
        session=session,
        secret="secret",
        user="ana",
        admission=EVERYTHING,
        since=0.0,
        turn=turn,
        last_seen=last_seen,
    )


def gone(*sessions: str, turn: int = 1) -> Departures:
    """Return what a node knows that has read that these went from 42 to 43."""
    departures = Departures()
    for session in sessions:
        written = Written(session, "secret", to="43", record=record(session, turn))
        assert departures.read("42", json.encode(written)) is None
    return departures


def resumed(turn: int | None = None) -> Said:
    """Return ana's word that she wants to go on in 42; with a `turn`, as one who was moved there again."""
    join = Join(room="42", user="ana", resume=Resume(session="one", secret="secret"))
    arrival = None if turn is None else Arrival(record(turn=turn), "43", "one")
    return Said(room="42", home="n1", epoch=1, session="new", secret="new", message=join, arrival=arrival)


def test_who_asks_where_they_were_is_sent_on_unless_they_were_moved_back() -> None:
    lobby = Lobby(SignalingConfig())
    moving = gone("one").follow(resumed(), lobby, NOW)
    assert moving is not None
    assert (moving.to, moving.session) == ("43", "new")
    assert gone("one", turn=3).follow(resumed(turn=2), lobby, NOW) is not None
    assert gone("one", turn=1).follow(resumed(turn=2), lobby, NOW) is None


def test_who_has_come_in_again_is_remembered_no_longer_as_gone() -> None:
    departures = gone("one", "two")
    departures.forget("42", "one")
    assert [departures.find("42", session) is None for session in ("one", "two")] == [True, False]


def test_who_has_come_back_since_is_not_sent_on() -> None:
    departures = gone("one", turn=2)
    found = [departures.since("42", known) for known in (None, record("two"), record(turn=1), record(turn=2))]
    assert [moving is not None for moving in found] == [False, False, True, False]


def test_who_comes_late_by_the_socket_that_they_had_is_sent_on_as_well() -> None:
    lobby = Lobby(SignalingConfig())
    late = replace(resumed(turn=2), session="one")
    assert gone("one", turn=2).follow(late, lobby, NOW) is None
    assert gone("two", turn=3).follow(late, lobby, NOW) is None
    moving = gone("one", turn=3).follow(late, lobby, NOW)
    assert moving is not None
    assert moving.to == "43"


def let_in(lobby: Lobby, departures: Departures, *, agreed: int, over: tuple[str, ...] = ()) -> bool:
    """Ask for somebody to be let into 42, which is run in epoch 7, who has no socket; return whether they are."""
    departed = Departed("one", "secret", "ana", "43", "42", json.encode(record(turn=2, last_seen=9.0)), agreed)
    asked = absence(departed, "n1")
    assert asked is not None
    return bool(admit(lobby, asked, 7, departures, over, NOW))


def test_who_has_no_socket_is_let_in_once_and_by_who_has_agreed_to_it_alone() -> None:
    lobby = Lobby(SignalingConfig())
    assert not let_in(lobby, Departures(), agreed=6)
    assert not let_in(lobby, Departures(), agreed=7, over=("one",))
    assert not let_in(lobby, gone("one", turn=3), agreed=7)
    assert let_in(lobby, gone("one", turn=1), agreed=7)
    assert not let_in(lobby, Departures(), agreed=7)
    assert let_in(Lobby(SignalingConfig()), Departures(), agreed=0)


def test_who_was_told_that_nobody_is_in_lets_nobody_in_when_somebody_is() -> None:
    lobby = Lobby(SignalingConfig())
    lobby.create(RoomSettings.usual("42", SignalingConfig()), 0.0)
    assert not let_in(lobby, Departures(), agreed=0)


def test_nothing_is_asked_for_who_has_a_socket() -> None:
    assert absence(Departed("one", "secret", "ana", "43", "42", json.encode(record())), "n1") is None


def test_the_oldest_are_forgotten_when_there_are_too_many() -> None:
    departures = gone(*map(str, range(MOST + 2)))
    assert [departures.find("42", str(one)) is None for one in (0, 1, 2, MOST + 1)] == [True, True, False, False]


def test_a_late_word_does_not_move_who_has_come_back_since() -> None:
    world = World(2)
    world.pass_time(0.1)
    world.enter("ana", "42", "n0")
    cem = world.enter("cem", "42", "n1")
    world.run()
    assert cem.joined is not None
    old = MemberRecord(
        session=cem.joined.session, secret=cem.joined.secret, user="cem", admission=EVERYTHING, since=0.0, turn=0
    )
    late = Moving(room="42", session=cem.joined.session, to="43", record=old)
    node = world.nodes["n1"]
    assert node.station.received("n0", [late], node.clock) == []
