"""What is said in a room, who may remove whom, and what time does."""

import pytest

from signaling.effects import Exited, Hangup, Send
from signaling.members import MAX_DEPTH
from signaling.messages import (
    MAX_EXTRA,
    Answer,
    Candidate,
    Dismiss,
    ErrorCode,
    ExitRoom,
    Extra,
    Kick,
    NeedOffer,
    Offer,
    Relay,
    RemoteUserLeave,
    RemoteUserUpdate,
    UpdateExtra,
    User,
)
from signaling.reasons import Detection, Reason
from tests.signaling.scenes import WALL, come, come_back, drop, error, full_room, joined, order, told

# -- talking --


@pytest.mark.parametrize(
    "said",
    [
        Offer(user="ana", call="c", sdp="v=0"),
        Answer(user="ana", call="c", sdp="v=0"),
        Candidate(user="ana", call="c", candidate="candidate:1", sdp_mid="0", sdp_m_line_index=0),
        NeedOffer(user="ana", call="c"),
    ],
)
def test_the_addressee_reads_the_sender(said: Relay) -> None:
    (effect,) = full_room("ana", "ben").relay("ben", said)
    assert isinstance(effect, Send)
    assert effect.to == ("ana",)
    assert type(effect.message) is type(said)
    assert effect.message.user == "ben"


def test_who_is_not_here_cannot_be_spoken_to() -> None:
    effects = full_room("ana").relay("ana", NeedOffer(user="ben"))
    assert error(effects, "ana").code == ErrorCode.NO_SUCH_USER
    assert error(effects, "ana").about == "needOffer"


def test_who_is_unreachable_is_not_spoken_to() -> None:
    room = full_room("ana", "ben")
    drop(room, "ben")
    assert room.relay("ana", NeedOffer(user="ben")) == []


def test_a_new_extra_is_told_to_the_others_and_to_later_ones() -> None:
    room = full_room("ana", "ben")
    effects = room.update("ben", UpdateExtra(extra={"hand": "up"}))
    assert effects == [Send(("ana",), RemoteUserUpdate(user="ben", session="ben", seq=3, extra={"hand": "up"}))]
    assert joined(come(room, "eva"), "eva").users[1].extra == {"hand": "up"}


def test_an_extra_that_is_known_already_is_not_told_again() -> None:
    room = full_room("ana", "ben")
    room.update("ben", UpdateExtra(extra={"hand": "up"}))
    assert room.update("ben", UpdateExtra(extra={"hand": "up"})) == []


def nested(levels: int) -> Extra:
    extra: Extra = {}
    for _ in range(levels - 1):
        extra = {"a": extra}
    return extra


@pytest.mark.parametrize(
    "extra", [{"a": "x" * MAX_EXTRA}, nested(MAX_DEPTH + 1), nested(900), {"a": [nested(MAX_DEPTH - 1)]}]
)
def test_an_extra_that_is_too_large_or_too_deep_changes_nothing(extra: Extra) -> None:
    room = full_room("ana", "ben")
    effects = room.update("ben", UpdateExtra(extra=extra))
    assert error(effects, "ben").code == ErrorCode.TOO_LARGE
    assert error(effects, "ben").about == "extra"
    effects = come(room, "eva", extra=extra)
    assert error(effects, "eva").code == ErrorCode.TOO_LARGE
    assert effects[-1] == Hangup("eva")
    assert joined(come(room, "eva"), "eva").users == [
        User(user="ana", session="ana"),
        User(user="ben", session="ben"),
    ]


@pytest.mark.parametrize("extra", [{"a": "x" * (MAX_EXTRA - 8)}, nested(MAX_DEPTH)])
def test_an_extra_may_be_just_as_large_and_deep_as_allowed(extra: Extra) -> None:
    assert told(full_room("ana", "ben").update("ben", UpdateExtra(extra=extra)), "ana")


# -- moderating --


@pytest.mark.parametrize("grant", ["moderate", "admin"])
def test_a_moderator_removes_a_user(grant: str) -> None:
    room = full_room("ana", "ben")
    come(room, "mod", grants=frozenset({grant}))
    effects = room.kick("mod", Kick(user="ben", text="too loud"), now=1.0)
    assert order(effects) == [
        ("ana", "RemoteUserLeave"),
        ("mod", "RemoteUserLeave"),
        ("ben", "ExitRoom"),
        ("ben", "hangup"),
    ]
    (leave,) = told(effects, "ana")
    assert isinstance(leave, RemoteUserLeave)
    assert (leave.reason, leave.detected_by, leave.text) == (Reason.KICKED, Detection.ADMIN, "too loud")
    assert told(effects, "ben") == [ExitRoom(reason=Reason.KICKED, text="too loud")]


def test_who_is_unreachable_can_be_removed_and_hears_nothing() -> None:
    room = full_room("ana", "ben")
    drop(room, "ben", now=1.0)
    effects = room.expel("ben", None, now=4.0)
    assert order(effects) == [("ana", "RemoteUserLeave")]
    (leave,) = told(effects, "ana")
    assert isinstance(leave, RemoteUserLeave)
    assert leave.silent_for == 3.0
    assert room.next_deadline() is None


def test_who_was_not_granted_it_cannot_moderate() -> None:
    room = full_room("ana", "ben")
    for effects in (room.kick("ana", Kick(user="ben"), now=0.0), room.dismiss("ana", Dismiss())):
        assert error(effects, "ana").code == ErrorCode.NOT_ALLOWED
    assert len(room.status().users) == 2


def test_who_is_not_here_cannot_be_removed() -> None:
    room = full_room()
    come(room, "mod", grants=frozenset({"moderate"}))
    assert error(room.kick("mod", Kick(user="ben"), now=0.0), "mod").code == ErrorCode.NO_SUCH_USER
    assert room.expel("ben", None, now=0.0) == []


def test_a_dismissed_room_tells_everybody_once_and_nobody_of_the_others() -> None:
    room = full_room("ana", "ben")
    come(room, "mod", grants=frozenset({"moderate"}))
    drop(room, "ben")
    effects = room.dismiss("mod", Dismiss(text="good night"))
    assert order(effects) == [("ana", "ExitRoom"), ("ana", "hangup"), ("mod", "ExitRoom"), ("mod", "hangup")]
    assert told(effects, "ana") == [ExitRoom(reason=Reason.DISMISSED, text="good night")]
    assert [effect.user for effect in effects if isinstance(effect, Exited)] == ["ana", "ben", "mod"]
    assert room.is_empty
    assert room.next_deadline() is None


# -- tokens and time --


def test_a_session_ends_with_its_token() -> None:
    room = full_room("ana")
    come(room, "ben", expires=WALL + 60, now=1000.0)
    assert room.next_deadline() == 1060.0
    effects = room.advance(1060.0)
    assert order(effects) == [("ana", "RemoteUserLeave"), ("ben", "ExitRoom"), ("ben", "hangup")]
    (leave,) = told(effects, "ana")
    assert isinstance(leave, RemoteUserLeave)
    assert (leave.reason, leave.detected_by) == (Reason.TOKEN_EXPIRED, Detection.ADMIN)


@pytest.mark.parametrize(("expires_in", "reason"), [(5, Reason.TOKEN_EXPIRED), (20, Reason.NETWORK_LOST)])
def test_of_grace_and_token_the_first_to_end_ends_the_session(expires_in: int, reason: Reason) -> None:
    room = full_room("ana")
    come(room, "ben", expires=WALL + expires_in)
    drop(room, "ben", now=0.0)
    assert room.next_deadline() == min(expires_in, 10)
    (leave,) = told(room.advance(10.0), "ana")
    assert isinstance(leave, RemoteUserLeave)
    assert leave.reason == reason


def test_a_resume_with_a_fresh_token_lasts_as_long_as_that() -> None:
    room = full_room("ana")
    come(room, "ben", expires=WALL + 60)
    come_back(room, "ben", expires=WALL + 600, now=30.0)
    assert room.next_deadline() == 630.0


def test_several_can_time_out_at_once() -> None:
    room = full_room("ana", "ben", "eva")
    drop(room, "ben", now=1.0)
    drop(room, "eva", now=2.0)
    effects = room.advance(60.0)
    assert [message.user for message in told(effects, "ana") if isinstance(message, RemoteUserLeave)] == ["ben", "eva"]


def test_the_status_shows_since_when_and_who_cannot_be_reached() -> None:
    room = full_room("ana", "ben")
    drop(room, "ben")
    status = room.status()
    assert status.name == "42"
    assert [(user.user, user.unreachable, user.since) for user in status.users] == [
        ("ana", False, WALL),
        ("ben", True, WALL),
    ]
