"""Leavers who wait until everybody knows: they are out at once, and let go when all have acknowledged."""

from signaling.acknowledgements import Acknowledgements
from signaling.effects import Effect, Exited, Hangup, Send
from signaling.messages import ACK_LIMIT, Ack, ExitRoom, Leave, RemoteUserLeave
from signaling.reasons import Detection, Reason
from signaling.room import Room
from tests.signaling.scenes import come, come_back, drop, full_room, joined, order, told


def leave(room: Room, session: str, *, now: float = 0.0) -> list[Effect]:
    return room.leave(session, Leave(wait=True), now=now)


def let_go(session: str, *unacknowledged: str, reason: Reason = Reason.LEFT) -> list[Effect]:
    last = ExitRoom(reason=reason, unacknowledged=list(unacknowledged))
    return [Send((session,), last), Hangup(session)]


def test_the_last_acknowledgement_lets_the_leaver_go() -> None:
    room = full_room("ana", "ben", "eva")
    effects = leave(room, "ana")
    assert order(effects) == [("ben", "RemoteUserLeave"), ("eva", "RemoteUserLeave")]
    (notice,) = told(effects, "ben")
    assert isinstance(notice, RemoteUserLeave)
    assert notice.wants_ack
    assert effects[-1] == Exited("ana", "42", "ana", Reason.LEFT, Detection.NOTICE)
    assert room.acknowledge("ben", Ack(seq=notice.seq)) == []
    assert room.acknowledge("ben", Ack(seq=notice.seq)) == []
    assert room.acknowledge("eva", Ack(seq=notice.seq)) == let_go("ana")
    assert room.acknowledge("eva", Ack(seq=notice.seq)) == []


def test_who_does_not_acknowledge_in_time_is_named() -> None:
    room = full_room("ana", "eva", "ben")
    leave(room, "ana", now=5.0)
    assert room.next_deadline() == 5.0 + ACK_LIMIT
    assert room.advance(5.0) == []
    assert room.advance(5.0 + ACK_LIMIT) == let_go("ana", "ben", "eva")
    assert room.next_deadline() is None


def test_nobody_waits_in_an_empty_room() -> None:
    assert order(leave(full_room("ana"), "ana")) == [("ana", "ExitRoom"), ("ana", "hangup")]


def test_who_leaves_meanwhile_is_not_waited_for() -> None:
    room = full_room("ana", "ben")
    leave(room, "ana")
    effects = room.leave("ben", Leave(), now=0.1)
    assert order(effects) == [("ana", "ExitRoom"), ("ana", "hangup"), ("ben", "ExitRoom"), ("ben", "hangup")]
    assert told(effects, "ana") == [ExitRoom(reason=Reason.LEFT)]
    assert room.is_empty


def test_two_who_wait_at_the_same_time_do_not_wait_for_each_other() -> None:
    room = full_room("ana", "ben", "eva")
    leave(room, "ana")
    effects = leave(room, "ben")
    assert order(effects) == [("eva", "RemoteUserLeave")]
    assert room.acknowledge("eva", Ack(seq=4)) == let_go("ana")
    assert room.acknowledge("eva", Ack(seq=5)) == let_go("ben")


def test_who_was_away_acknowledges_on_coming_back() -> None:
    room = full_room("ana", "ben")
    drop(room, "ben")
    assert told(leave(room, "ana"), "ben") == []
    (missed,) = joined(come_back(room, "ben", seq=2, now=0.5), "ben").missed
    assert isinstance(missed, RemoteUserLeave)
    assert room.acknowledge("ben", Ack(seq=missed.seq)) == let_go("ana")


def test_a_room_that_is_closed_lets_those_go_who_wait() -> None:
    room = full_room("ana", "ben")
    leave(room, "ana")
    effects = room.close(Reason.DISMISSED)
    assert told(effects, "ana") == [ExitRoom(reason=Reason.LEFT, unacknowledged=["ben"])]
    assert told(effects, "ben") == [ExitRoom(reason=Reason.DISMISSED)]
    assert room.next_deadline() is None


def test_who_comes_later_is_not_waited_for() -> None:
    room = full_room("ana", "ben")
    leave(room, "ana")
    come(room, "eva")
    assert room.acknowledge("ben", Ack(seq=3)) == let_go("ana")


def test_an_acknowledgement_of_nothing_changes_nothing() -> None:
    assert Acknowledgements().acknowledge("ana", 7) == []
    assert Acknowledgements().forget("ana") == []
