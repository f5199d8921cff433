"""Who is here, as we are told: each session's leave exactly once, whatever is missed or heard twice."""

from msgspec.structs import replace

from peer.roster import Roster
from signaling.messages import (
    Joined,
    RemoteUserBack,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUnreachable,
    RemoteUserUpdate,
    RoomEvent,
    User,
)
from signaling.reasons import Detection, Reason


def joined(seq: int, *users: User, missed: tuple[RoomEvent, ...] = ()) -> Joined:
    return Joined(
        ticket="t",
        room="r",
        user="me",
        session="s",
        secret="x",
        seq=seq,
        grace=10,
        heartbeat=5,
        users=list(users),
        missed=list(missed),
    )


def left(user: str, session: str, seq: int) -> RemoteUserLeave:
    return RemoteUserLeave(user=user, session=session, seq=seq, reason=Reason.LEFT, detected_by=Detection.NOTICE)


ANA = User(user="ana", session="a1", extra={"n": 1})


def entered() -> Roster:
    roster = Roster()
    roster.enter(joined(5, ANA))
    return roster


def test_whoever_is_here_already_is_told_as_a_join() -> None:
    roster = Roster()
    assert roster.enter(joined(5, ANA, User(user="bo", session="b1", unreachable=True))) == [
        RemoteUserJoin(user="ana", session="a1", seq=5, extra={"n": 1}),
        RemoteUserJoin(user="bo", session="b1", seq=5),
        RemoteUserUnreachable(user="bo", session="b1", seq=5),
    ]


def test_a_leave_heard_twice_is_told_once() -> None:
    roster = entered()
    assert roster.apply(left("ana", "a1", 6)) == [left("ana", "a1", 6)]
    assert roster.apply(left("ana", "a1", 6)) == []
    assert roster.apply(left("ana", "a1", 7)) == []
    assert roster.users == {}


def test_what_is_said_of_an_old_session_does_not_touch_the_new_one() -> None:
    roster = entered()
    roster.apply(left("ana", "a1", 6))
    roster.apply(RemoteUserJoin(user="ana", session="a2", seq=7))
    assert roster.apply(left("ana", "a1", 8)) == []
    assert roster.users["ana"].session == "a2"


def test_presence_and_extra_follow_the_events() -> None:
    roster = entered()
    for event in (
        RemoteUserUnreachable(user="ana", session="a1", seq=6),
        RemoteUserUpdate(user="ana", session="a1", seq=7, extra={"n": 2}),
    ):
        assert roster.apply(event) == [event]
    assert roster.users["ana"] == User(user="ana", session="a1", extra={"n": 2}, unreachable=True)
    roster.apply(RemoteUserBack(user="ana", session="a1", seq=8))
    assert not roster.users["ana"].unreachable


def test_a_join_of_a_name_that_is_here_tells_the_missed_leave_first() -> None:
    roster = entered()
    told = roster.apply(RemoteUserJoin(user="ana", session="a2", seq=9))
    assert [(type(event).__name__, event.session) for event in told] == [
        ("RemoteUserLeave", "a1"),
        ("RemoteUserJoin", "a2"),
    ]
    assert roster.apply(RemoteUserJoin(user="ana", session="a2", seq=10)) == []


def test_after_a_resume_missed_events_keep_their_reason_and_nothing_is_told_twice() -> None:
    roster = entered()
    missed = (left("ana", "a1", 6), RemoteUserJoin(user="bo", session="b1", seq=7))
    told = roster.enter(joined(7, User(user="bo", session="b1"), missed=missed))
    assert told == list(missed)
    assert roster.seq == 7


def test_after_a_resume_the_whole_roster_corrects_what_no_event_told() -> None:
    roster = entered()
    roster.apply(RemoteUserJoin(user="bo", session="b1", seq=6))
    told = roster.enter(
        joined(
            300,
            User(user="bo", session="b1", extra={"x": 1}, unreachable=True),
            User(user="cy", session="c1"),
        )
    )
    assert [(type(event).__name__, event.user) for event in told] == [
        ("RemoteUserLeave", "ana"),
        ("RemoteUserUpdate", "bo"),
        ("RemoteUserUnreachable", "bo"),
        ("RemoteUserJoin", "cy"),
    ]
    assert isinstance(told[0], RemoteUserLeave)
    assert told[0].reason is Reason.NETWORK_LOST
    back = roster.enter(joined(301, User(user="bo", session="b1", extra={"x": 1}), User(user="cy", session="c1")))
    assert back == [RemoteUserBack(user="bo", session="b1", seq=301)]


def test_who_says_goodbye_straight_is_gone_and_what_the_server_says_later_is_no_news() -> None:
    roster = entered()
    assert roster.depart("ana", "a1", Reason.LEFT, "bye") == [
        RemoteUserLeave(
            user="ana",
            session="a1",
            seq=5,
            reason=Reason.LEFT,
            detected_by=Detection.NOTICE,
            text="bye",
            extra={"n": 1},
        )
    ]
    assert roster.depart("ana", "a1", Reason.LEFT, None) == []
    assert roster.apply(left("ana", "a1", 6)) == []
    assert roster.enter(joined(7, ANA, missed=(RemoteUserJoin(user="ana", session="a1", seq=7),))) == []
    assert roster.users == {}


def test_a_goodbye_of_an_old_session_does_not_touch_the_new_one() -> None:
    roster = entered()
    assert roster.depart("ana", "a0", Reason.LEFT, None) == []
    roster.depart("ana", "a1", Reason.LEFT, None)
    back = RemoteUserJoin(user="ana", session="a2", seq=7)
    assert roster.apply(back) == [back]
    assert roster.apply(left("ana", "a1", 8)) == []
    assert "ana" in roster.users


def test_that_the_server_wants_an_acknowledgement_is_not_told_further() -> None:
    roster = entered()
    (event,) = roster.apply(replace(left("ana", "a1", 6), wants_ack=True))
    assert event == left("ana", "a1", 6)


def test_in_another_room_there_are_others_and_what_was_said_in_the_old_one_is_no_news() -> None:
    roster = entered()
    place = joined(2, User(user="bo", session="b1"), User(user="cy", session="c1", unreachable=True))
    assert [(type(event).__name__, event.user) for event in roster.begin_anew(place)] == [
        ("RemoteUserJoin", "bo"),
        ("RemoteUserJoin", "cy"),
        ("RemoteUserUnreachable", "cy"),
    ]
    assert roster.seq == 2
    assert list(roster.users) == ["bo", "cy"]
    assert roster.apply(left("ana", "a1", 3)) == []
