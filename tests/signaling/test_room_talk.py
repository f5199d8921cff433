"""What is said in a room, who may remove whom, and what time does."""

import pytest

from signaling.config import SignalingConfig
from signaling.effects import Exited, Hangup, Send, Unheard
from signaling.members import MAX_DEPTH
from signaling.messages import (
    ACK_LIMIT,
    MAX_CONTENT,
    MAX_EXTRA,
    Ack,
    Answer,
    Candidate,
    Dismiss,
    ErrorCode,
    ExitRoom,
    Extra,
    Joined,
    Kick,
    Mute,
    Muted,
    NeedOffer,
    Offer,
    Relay,
    RemoteUserLeave,
    RemoteUserUpdate,
    Said,
    Say,
    TokenExpiring,
    UpdateExtra,
    User,
)
from signaling.reasons import Detection, Reason
from signaling.room import Room
from signaling.talk import expel, hear, silence
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
    (effect,) = hear(full_room("ana", "ben"), "ben", said, now=0.0)
    assert isinstance(effect, Send)
    assert effect.to == ("ana",)
    assert type(effect.message) is type(said)
    assert effect.message.user == "ben"


def test_where_media_pass_through_janus_nobody_calls_anybody() -> None:
    config = SignalingConfig(topology="janus", janus=("ws://one:8188",), janus_secret="what our servers share")
    effects = hear(full_room("ana", "ben", config=config), "ben", Offer(user="ana", call="c", sdp="v=0"), now=0.0)
    assert told(effects, "ana") == []
    assert error(effects, "ben").code == ErrorCode.NOT_ALLOWED


def test_who_is_not_here_cannot_be_spoken_to() -> None:
    effects = hear(full_room("ana"), "ana", NeedOffer(user="ben"), now=0.0)
    assert error(effects, "ana").code == ErrorCode.NO_SUCH_USER
    assert error(effects, "ana").about == "needOffer"


def test_who_is_unreachable_is_not_spoken_to() -> None:
    room = full_room("ana", "ben")
    drop(room, "ben")
    assert hear(room, "ana", NeedOffer(user="ben"), now=0.0) == []


def test_a_new_extra_is_told_to_the_others_and_to_later_ones() -> None:
    room = full_room("ana", "ben")
    effects = hear(room, "ben", UpdateExtra(extra={"hand": "up"}), now=0.0)
    assert effects == [Send(("ana",), RemoteUserUpdate(user="ben", session="ben", seq=3, extra={"hand": "up"}))]
    assert joined(come(room, "eva"), "eva").users[1].extra == {"hand": "up"}


def test_an_extra_that_is_known_already_is_not_told_again() -> None:
    room = full_room("ana", "ben")
    hear(room, "ben", UpdateExtra(extra={"hand": "up"}), now=0.0)
    assert hear(room, "ben", UpdateExtra(extra={"hand": "up"}), now=0.0) == []


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
    effects = hear(room, "ben", UpdateExtra(extra=extra), now=0.0)
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
    assert told(hear(full_room("ana", "ben"), "ben", UpdateExtra(extra=extra), now=0.0), "ana")


# -- moderating --


@pytest.mark.parametrize("grant", ["moderate", "admin"])
def test_a_moderator_removes_a_user(grant: str) -> None:
    room = full_room("ana", "ben")
    come(room, "mod", grants=frozenset({grant}))
    effects = hear(room, "mod", Kick(user="ben", text="too loud"), now=1.0)
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


def test_who_is_muted_while_away_hears_it_once_on_coming_back() -> None:
    room = full_room("ben")
    come(room, "ana", grants=frozenset({"moderate"}))
    for kind in ("audio", "video"):
        hear(room, "ana", Mute(user="ben", kind=kind), now=0.0)
    room.acknowledge("ben", Ack(seq=4))  # the video
    drop(room, "ben")
    assert order(hear(room, "ana", Mute(user="ben", kind="audio"), now=0.0)) == [("ana", "Muted")]
    assert order(silence(room, "ben", "video", "dark", now=0.0)) == []
    first, *muted = told(come_back(room, "ben"), "ben")
    assert isinstance(first, Joined)
    assert muted == [
        Muted(kind="audio", seq=6, wants_ack=True),
        Muted(kind="video", text="dark", seq=7, wants_ack=True),
    ]
    drop(room, "ben")
    assert [type(message) for message in told(come_back(room, "ben"), "ben")] == [Joined]


def test_who_is_unreachable_can_be_removed_and_hears_nothing() -> None:
    room = full_room("ana", "ben")
    drop(room, "ben", now=1.0)
    effects = expel(room, "ben", None, now=4.0)
    assert order(effects) == [("ana", "RemoteUserLeave")]
    (leave,) = told(effects, "ana")
    assert isinstance(leave, RemoteUserLeave)
    assert leave.silent_for == 3.0
    assert leave.wants_ack
    room.acknowledge("ana", Ack(seq=leave.seq))
    assert room.next_deadline() is None


def test_who_was_not_granted_it_cannot_moderate() -> None:
    room = full_room("ana", "ben")
    for effects in (hear(room, "ana", Kick(user="ben"), now=0.0), hear(room, "ana", Dismiss(), now=0.0)):
        assert error(effects, "ana").code == ErrorCode.NOT_ALLOWED
    assert len(room.status().users) == 2


def test_who_is_not_here_cannot_be_removed() -> None:
    room = full_room()
    come(room, "mod", grants=frozenset({"moderate"}))
    assert error(hear(room, "mod", Kick(user="ben"), now=0.0), "mod").code == ErrorCode.NO_SUCH_USER
    assert expel(room, "ben", None, now=0.0) == []


def test_a_dismissed_room_tells_everybody_once_and_nobody_of_the_others() -> None:
    room = full_room("ana", "ben")
    come(room, "mod", grants=frozenset({"moderate"}))
    drop(room, "ben")
    effects = hear(room, "mod", Dismiss(text="good night"), now=0.0)
    assert order(effects) == [("ana", "ExitRoom"), ("ana", "hangup"), ("mod", "ExitRoom"), ("mod", "hangup")]
    assert told(effects, "ana") == [ExitRoom(reason=Reason.DISMISSED, text="good night")]
    assert [effect.user for effect in effects if isinstance(effect, Exited)] == ["ana", "ben", "mod"]
    assert room.is_empty
    assert room.next_deadline() is None


def test_a_moderator_who_dismisses_and_waits_hears_last_and_who_did_not_acknowledge_it() -> None:
    room = full_room("ana", "ben", "eva")
    come(room, "mod", grants=frozenset({"moderate"}))
    drop(room, "ben")
    effects = hear(room, "mod", Dismiss(text="good night", wait=True), now=0.0)
    assert order(effects) == [("ana", "ExitRoom"), ("eva", "ExitRoom")]
    (last,) = told(effects, "ana")
    assert last == ExitRoom(reason=Reason.DISMISSED, text="good night", seq=6, wants_ack=True)
    assert [effect.user for effect in effects if isinstance(effect, Exited)] == ["ana", "ben", "eva", "mod"]
    assert {effect.session for effect in effects if isinstance(effect, Unheard)} == {"ana", "ben", "eva", "mod"}
    assert (room.is_there, room.is_over) == (False, False)
    assert room.acknowledge("ana", Ack(seq=6)) == [Hangup("ana")]
    effects = room.advance(ACK_LIMIT)
    assert order(effects) == [("mod", "ExitRoom"), ("mod", "hangup"), ("eva", "hangup")]
    (last,) = told(effects, "mod")
    assert last == ExitRoom(reason=Reason.DISMISSED, text="good night", unacknowledged=["ben", "eva"])
    assert room.is_over


def test_a_moderator_who_is_alone_waits_for_nobody() -> None:
    room = full_room()
    come(room, "mod", grants=frozenset({"moderate"}))
    assert order(hear(room, "mod", Dismiss(wait=True), now=0.0)) == [("mod", "ExitRoom"), ("mod", "hangup")]
    assert room.is_over


# -- tokens and time --


def test_a_session_ends_with_its_token() -> None:
    room = full_room("ana")
    come(room, "ben", expires=WALL + 60, now=1000.0)
    assert [type(message) for message in told(room.advance(1054.0), "ben")] == [TokenExpiring]
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
    assert room.advance(0.0) == []
    assert room.next_deadline() == min(expires_in, 10)
    (leave,) = told(room.advance(10.0), "ana")
    assert isinstance(leave, RemoteUserLeave)
    assert leave.reason == reason


def test_a_resume_with_a_fresh_token_lasts_as_long_as_that() -> None:
    room = full_room("ana")
    come(room, "ben", expires=WALL + 60)
    come_back(room, "ben", expires=WALL + 600, now=30.0)
    assert room.next_deadline() == 630.0 - 60.0


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


# -- messages of the application --


def words(*users: str) -> Room:
    room = full_room()
    for user in users:
        come(room, user, grants=frozenset({"message", "moderate"}))
    return room


def test_what_is_said_to_all_reaches_the_others_in_order() -> None:
    room = words("ana", "ben", "eva")
    drop(room, "eva")
    for number in range(3):
        effects = hear(room, "ben", Say(topic="chat", data={"n": number}), now=0.0)
        assert effects == [Send(("ana",), Said(user="ben", topic="chat", data={"n": number}))]
    assert hear(words("ana"), "ana", Say(topic="chat"), now=0.0) == []


def test_what_is_said_to_one_reaches_nobody_else() -> None:
    room = words("ana", "ben", "eva")
    effects = hear(room, "ben", Say(topic="chat", data=1, to="eva"), now=0.0)
    assert effects == [Send(("eva",), Said(user="ben", topic="chat", data=1))]
    drop(room, "eva")
    assert hear(room, "ben", Say(topic="chat", to="eva"), now=0.0) == []
    refusal = error(hear(room, "ben", Say(topic="chat", to="kim"), now=0.0), "ben")
    assert (refusal.code, refusal.about) == (ErrorCode.NO_SUCH_USER, "message")


@pytest.mark.parametrize("data", ["x" * MAX_CONTENT, nested(MAX_DEPTH + 1)])
def test_what_is_too_large_is_not_passed_on(data: object) -> None:
    refusal = error(hear(words("ana", "ben"), "ben", Say(topic="chat", data=data), now=0.0), "ben")
    assert (refusal.code, refusal.about) == (ErrorCode.TOO_LARGE, "message")
    assert hear(words("ana", "ben"), "ben", Say(topic="chat", data="x" * (MAX_CONTENT - 2)), now=0.0)


def test_a_moderator_mutes_a_user_and_is_told_that_it_was_passed_on() -> None:
    room = words("ana", "ben", "eva")
    effects = hear(room, "ana", Mute(user="ben", kind="audio"), now=0.0)
    told_so = Muted(kind="audio", seq=4, wants_ack=True)
    assert effects == [Send(("ben",), told_so), Send(("ana",), Muted(kind="audio", user="ben"))]
    assert error(hear(room, "ana", Mute(user="kim", kind="audio"), now=0.0), "ana").code == ErrorCode.NO_SUCH_USER
