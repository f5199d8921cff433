"""Who comes into a room, is lost, comes back and leaves."""

from hashlib import sha256

import pytest

from signaling.config import Duplicate, SignalingConfig
from signaling.effects import Adopt, Entered, Exited, Hangup, Send, Unheard
from signaling.messages import (
    ErrorCode,
    ExitRoom,
    IceServer,
    Joined,
    Leave,
    RemoteUserBack,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUnreachable,
    RemoteUserUpdate,
    UpdateExtra,
    User,
)
from signaling.reasons import Detection, Reason
from signaling.roll import REMEMBERED
from signaling.room import Room
from signaling.talk import expel, hear
from tests.signaling.scenes import come, come_back, drop, error, full_room, joined, order, told

# -- coming in --


def test_the_first_to_come_is_told_where_it_is() -> None:
    config = SignalingConfig(grace=7, heartbeat=3, ice_servers=(IceServer(urls=["stun:s"]),))
    effects = come(Room("42", config), "ana", grants=frozenset({"subscribe", "publish"}))
    assert effects == [
        Entered("ana", "42", "ana"),
        Send(
            ("ana",),
            Joined(
                room="42",
                user="ana",
                session="ana",
                secret="secret of ana",
                ticket=sha256(b"farewell secret of ana").hexdigest(),
                seq=1,
                grace=7,
                heartbeat=3,
                users=[],
                ice_servers=[IceServer(urls=["stun:s"])],
                grants=["publish", "subscribe"],
            ),
        ),
    ]


def test_a_newcomer_is_told_of_everybody_and_everybody_of_the_newcomer() -> None:
    room = full_room("ana")
    come(room, "ben", extra={"role": "guest"})
    drop(room, "ben")
    effects = come(room, "eva", extra={"age": 7})
    assert joined(effects, "eva").users == [
        User(user="ana", session="ana"),
        User(user="ben", session="ben", extra={"role": "guest"}, unreachable=True),
    ]
    assert told(effects, "ana") == [RemoteUserJoin(user="eva", session="eva", seq=4, extra={"age": 7})]
    assert told(effects, "ben") == []
    assert joined(effects, "eva").seq == 4


def test_a_full_room_refuses_and_hangs_up() -> None:
    room = full_room("ana", "ben", config=SignalingConfig(capacity=2))
    drop(room, "ben")
    effects = come(room, "eva")
    assert error(effects, "eva").code == ErrorCode.ROOM_FULL
    assert error(effects, "eva").about == "join"
    assert order(effects) == [("eva", "Error"), ("eva", "hangup")]


def test_the_same_user_again_replaces_the_older_session() -> None:
    room = full_room("ana1", "ben", config=SignalingConfig(capacity=3))
    come(room, "eva1", user="eva")
    effects = come(room, "eva2", user="eva")
    assert order(effects) == [
        ("ana1", "RemoteUserLeave"),
        ("ben", "RemoteUserLeave"),
        ("eva1", "ExitRoom"),
        ("eva1", "hangup"),
        ("eva2", "Joined"),
        ("ana1", "RemoteUserJoin"),
        ("ben", "RemoteUserJoin"),
    ]
    leave = told(effects, "ben")[0]
    assert isinstance(leave, RemoteUserLeave)
    assert (leave.session, leave.reason, leave.detected_by) == ("eva1", Reason.REPLACED, Detection.ADMIN)
    assert told(effects, "eva1") == [ExitRoom(reason=Reason.REPLACED)]
    assert [user.user for user in joined(effects, "eva2").users] == ["ana1", "ben"]


def test_a_taken_name_is_refused_where_so_configured_even_while_its_holder_is_unreachable() -> None:
    room = full_room("ana", config=SignalingConfig(duplicate=Duplicate.REJECT))
    drop(room, "ana", now=1.0)
    effects = come(room, "ana2", user="ana")
    assert error(effects, "ana2").code == ErrorCode.USER_TAKEN
    assert Hangup("ana2") in effects
    room.advance(11.0)
    assert joined(come(room, "ana2", user="ana"), "ana2").user == "ana"


def test_late_disconnect_of_an_old_session_does_not_evict_the_new_one() -> None:
    room = full_room("ben")
    come(room, "old", user="ana")
    expel(room, "ana", None, now=0.0)
    come(room, "new", user="ana")
    assert room.remove("old", Reason.NETWORK_LOST, Detection.SOCKET_CLOSED, now=1.0) == []
    assert drop(room, "old") == []
    assert [user.session for user in room.status().users] == ["ben", "new"]


# -- leaving --


@pytest.mark.parametrize(("failed", "reason"), [(False, Reason.LEFT), (True, Reason.ERROR)])
def test_others_hear_of_a_leave_before_the_leaver_is_let_go(failed: bool, reason: Reason) -> None:
    room = full_room("ana", "ben")
    come(room, "eva", extra={"role": "guest"})
    effects = room.leave("eva", Leave(failed=failed), now=5.0)
    notice = RemoteUserLeave(
        user="eva",
        session="eva",
        seq=4,
        reason=reason,
        detected_by=Detection.NOTICE,
        extra={"role": "guest"},
    )
    assert effects == [
        Send(("ana", "ben"), notice),
        Exited("eva", "42", "eva", reason, Detection.NOTICE),
        Send(("eva",), ExitRoom(reason=reason)),
        Hangup("eva"),
    ]
    assert room.leave("eva", Leave(), now=6.0) == []


def test_a_gateway_says_of_whom_it_stands_for_that_nothing_was_heard_of_them() -> None:
    room = full_room("ana", "whip-1")
    effects = room.leave("whip-1", Leave(silent_for=15.5), now=20.0)
    (leave,) = told(effects, "ana")
    assert isinstance(leave, RemoteUserLeave)
    assert (leave.reason, leave.detected_by, leave.silent_for) == (Reason.NETWORK_LOST, Detection.MEDIA, 15.5)
    assert told(effects, "whip-1") == [ExitRoom(reason=Reason.NETWORK_LOST)]


def test_the_last_to_leave_leaves_an_empty_room() -> None:
    room = full_room("ana")
    assert order(room.leave("ana", Leave(), now=0.0)) == [("ana", "ExitRoom"), ("ana", "hangup")]
    assert room.is_empty


# -- here, unreachable, gone --


def test_a_lost_session_is_unreachable_at_once_and_gone_after_the_grace() -> None:
    room = full_room("ana", "ben", config=SignalingConfig(grace=10))
    effects = room.lose("ben", now=100.0, last_seen=93.0, detected_by=Detection.HEARTBEAT)
    assert effects == [Send(("ana",), RemoteUserUnreachable(user="ben", session="ben", seq=3))]
    assert room.next_deadline() == 110.0
    assert room.advance(109.9) == []
    effects = room.advance(110.0)
    assert effects == [
        Send(
            ("ana",),
            RemoteUserLeave(
                user="ben",
                session="ben",
                seq=4,
                reason=Reason.NETWORK_LOST,
                detected_by=Detection.HEARTBEAT,
                silent_for=17.0,
            ),
        ),
        Exited("ben", "42", "ben", Reason.NETWORK_LOST, Detection.HEARTBEAT, silent_for=17.0),
        Unheard("ben", "secret of ben", ExitRoom(reason=Reason.NETWORK_LOST)),
    ]
    assert room.next_deadline() is None


def test_without_a_grace_who_is_lost_is_gone() -> None:
    room = full_room("ana", "ben", config=SignalingConfig(grace=0))
    effects = room.lose("ben", now=5.0, last_seen=4.0, detected_by=Detection.SOCKET_CLOSED)
    (leave,) = told(effects, "ana")
    assert isinstance(leave, RemoteUserLeave)
    assert (leave.reason, leave.silent_for) == (Reason.NETWORK_LOST, 1.0)
    assert room.next_deadline() is None


def test_who_is_lost_already_is_not_lost_again() -> None:
    room = full_room("ana", "ben")
    drop(room, "ben", now=1.0)
    assert drop(room, "ben", now=5.0) == []
    assert room.next_deadline() == 11.0


def test_who_comes_back_within_the_grace_never_left() -> None:
    room = full_room("ana", "ben")
    come(room, "eva", extra={"role": "guest"})
    drop(room, "eva", now=1.0)
    effects = come_back(room, "eva", seq=3, now=2.0)
    assert effects[0] == Adopt("new", "eva")
    assert order(effects) == [("eva", "Joined"), ("ana", "RemoteUserBack"), ("ben", "RemoteUserBack")]
    assert told(effects, "ana") == [RemoteUserBack(user="eva", session="eva", seq=5)]
    again = joined(effects, "eva")
    assert (again.resumed, again.session, again.secret, again.seq) == (True, "eva", "secret of eva", 5)
    assert [user.user for user in again.users] == ["ana", "ben"]
    assert again.missed == []
    assert room.next_deadline() is None
    assert room.status().users[2].extra == {"role": "guest"}


def test_who_comes_back_is_told_what_it_missed_but_nothing_of_itself() -> None:
    room = full_room("ana", "ben", "eva")
    drop(room, "eva")
    hear(room, "ben", UpdateExtra(extra={"hand": "up"}), now=0.0)
    room.leave("ana", Leave(), now=1.0)
    again = joined(come_back(room, "eva", seq=3), "eva")
    assert [type(event) for event in again.missed] == [RemoteUserUpdate, RemoteUserLeave]
    assert [event.seq for event in again.missed] == [5, 6]
    assert [user.user for user in again.users] == ["ben"]


def test_a_half_open_socket_is_replaced_without_a_word_to_the_others() -> None:
    room = full_room("ana", "ben")
    hear(room, "ana", UpdateExtra(extra={"seen": "by nobody"}), now=0.0)
    effects = come_back(room, "ben", seq=2)
    assert effects[0] == Adopt("new", "ben")
    assert order(effects) == [("ben", "Joined")]
    assert [event.seq for event in joined(effects, "ben").missed] == [3]


def test_only_so_much_is_remembered_and_the_roster_is_right_all_the_same() -> None:
    room = full_room("ana", "ben")
    for turn in range(REMEMBERED + 10):
        hear(room, "ana", UpdateExtra(extra={"turn": turn}), now=0.0)
    again = joined(come_back(room, "ben", seq=2), "ben")
    assert len(again.missed) == REMEMBERED
    assert again.users == [User(user="ana", session="ana", extra={"turn": REMEMBERED + 9})]


@pytest.mark.parametrize(
    ("session", "user", "secret"),
    [
        ("ben", "ben", "secret of ana"),
        ("ben", "ben", "sécret"),
        ("ben", "ana", "secret of ben"),
        ("nobody", "ben", "secret of ben"),
    ],
)
def test_a_session_is_given_only_to_who_can_prove_it(session: str, user: str, secret: str) -> None:
    room = full_room("ana", "ben")
    drop(room, "ben")
    effects = come_back(room, session, user=user, secret=secret)
    assert error(effects, "new").code == ErrorCode.SESSION_GONE
    assert effects[-1] == Hangup("new")


def test_what_is_over_cannot_be_resumed() -> None:
    room = full_room("ana", "ben")
    drop(room, "ben", now=0.0)
    room.advance(10.0)
    assert error(come_back(room, "ben", now=10.1), "new").code == ErrorCode.SESSION_GONE
