"""Who was kicked or dismissed is asked to acknowledge it, and hung up on when that is done or takes too long."""

from signaling.effects import Closed, Created, Hangup, Settled
from signaling.messages import ACK_LIMIT, Ack, ExitRoom, Join, Leave, UpdateExtra
from signaling.reasons import Reason
from tests.signaling.scenes import order, told
from tests.signaling.test_calls import WALL, come, come_back, drop, lobby_with, names, say, seq_of, settings, settled


def test_who_is_kicked_and_says_nothing_is_named_and_hung_up_on() -> None:
    lobby = lobby_with("ana", "ben")
    effects = lobby.kick("42", "ben", None, 1.0)
    say(lobby, "ana", Ack(seq=seq_of(effects, "ana")))
    effects = lobby.advance(1.0 + ACK_LIMIT)
    assert settled(effects).unacknowledged == ("ben",)
    assert order(effects) == [("ben", "hangup")]
    assert say(lobby, "ben", Ack(seq=3)) == []


def test_who_is_kicked_and_hangs_up_without_a_word_is_named_at_once() -> None:
    lobby = lobby_with("ana", "ben")
    effects = lobby.kick("42", "ben", None, 0.0)
    assert drop(lobby, "ben") == [Hangup("ben")]
    assert settled(say(lobby, "ana", Ack(seq=seq_of(effects, "ana")))).unacknowledged == ("ben",)


def test_who_is_out_is_heard_no_more_but_for_the_acknowledgement_of_just_that() -> None:
    lobby = lobby_with("ana", "ben")
    effects = lobby.kick("42", "ben", None, 0.0)
    for message in (Ack(seq=1), Leave(), UpdateExtra(extra={"a": 1}), Join(room="42", user="ben")):
        assert say(lobby, "ben", message) == []
    assert say(lobby, "ben", Ack(seq=seq_of(effects, "ben"))) == [Hangup("ben")]
    assert names(lobby) == {"42": ["ana"]}


def test_who_is_out_and_was_cut_off_hears_on_coming_back_that_it_is() -> None:
    lobby = lobby_with("ana", "ben")
    lobby.kick("42", "ben", "too loud", 0.0)
    drop(lobby, "ben")
    effects = come_back(lobby, "ben", "42")
    assert told(effects, "new") == [ExitRoom(reason=Reason.KICKED, text="too loud")]


def test_a_room_whose_last_user_is_still_to_acknowledge_is_seen_no_more_and_begins_anew() -> None:
    lobby = lobby_with()
    lobby.create(settings(capacity=1, max_age=60.0), 0.0)
    come(lobby, "ana")
    effects = lobby.kick("42", "ana", None, 1.0)
    assert Closed("42") not in effects
    assert (lobby.rooms(), lobby.room("42"), lobby.records(now=1.0, wall=WALL)) == ([], None, [])
    assert lobby.dismiss("42", None, 1.0) == []
    for user in ("ben", "eva"):  # more than one: the settings of the former are forgotten
        come(lobby, user, now=1.0)
    say(lobby, "ana", Ack(seq=seq_of(effects, "ana")))
    assert names(lobby) == {"42": ["ben", "eva"]}
    assert lobby.advance(100.0) == []


def test_a_room_can_be_created_while_the_last_words_of_the_former_are_acknowledged() -> None:
    lobby = lobby_with("ana")
    effects = lobby.dismiss("42", None, 0.0)
    assert lobby.create(settings(capacity=1), 0.1) == [Created("42")]
    assert say(lobby, "ana", Ack(seq=seq_of(effects, "ana"))) == [Settled("42/2", ("ana",)), Hangup("ana")]
    assert names(lobby) == {"42": []}


def test_when_the_server_ends_nobody_has_to_acknowledge_anything_any_more() -> None:
    lobby = lobby_with("ana", "ben")
    lobby.kick("42", "ben", None, 0.0)
    effects = lobby.shutdown(0.1)
    assert order(effects) == [("ben", "hangup"), ("ana", "ExitRoom"), ("ana", "hangup")]
    assert effects[-1] == Closed("42")


def test_a_dismissal_is_settled_when_all_have_acknowledged_it() -> None:
    lobby = lobby_with("ana", "ben", "eva", "kim")
    drop(lobby, "ben")
    effects = lobby.dismiss("42", "good night", 0.0)
    assert lobby.rooms() == []
    assert [name for _, name in order(effects)] == ["ExitRoom", "ExitRoom", "ExitRoom"]
    assert say(lobby, "ana", Ack(seq=seq_of(effects, "ana"))) == [Hangup("ana")]
    assert drop(lobby, "eva") == [Hangup("eva")]
    end = say(lobby, "kim", Ack(seq=seq_of(effects, "kim")))
    assert (settled(end).told, settled(end).unacknowledged) == (("ana", "eva", "kim"), ("ben", "eva"))
    assert end[-2:] == [Hangup("kim"), Closed("42")]


def test_a_dismissal_of_a_room_in_which_nobody_is_is_settled_at_once() -> None:
    lobby = lobby_with()
    lobby.create(settings(), 0.0)
    assert settled(lobby.dismiss("42", None, 0.0)) == Settled("42/1 at once", ())
    assert lobby.rooms() == []
