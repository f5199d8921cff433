"""What programs ask of rooms from outside, and rooms with settings of their own."""

import pytest

from signaling.calls import Refusal, RoomSettings
from signaling.config import Duplicate, SignalingConfig
from signaling.effects import Asked, Created, Effect, Entered, Exited, Hangup, Send, Settled, Transferred
from signaling.lobby import Lobby
from signaling.messages import (
    ACK_LIMIT,
    MAX_CONTENT,
    MAX_EXTRA,
    Ack,
    ClientMessage,
    Error,
    ErrorCode,
    ExitRoom,
    Join,
    Joined,
    Leave,
    Moved,
    Muted,
    Refresh,
    Refreshed,
    RemoteUserLeave,
    RemoteUserUpdate,
    Resume,
    Said,
    TokenExpiring,
    UpdateExtra,
)
from signaling.reasons import Detection, Reason
from signaling.tokens import make
from tests.signaling.scenes import order, told

WALL = 1_800_000_000.0
KEY = "a key of thirty-two letters, sure"


def say(lobby: Lobby, session: str, message: ClientMessage, now: float = 0.0) -> list[Effect]:
    return lobby.handle(session, message, now, WALL + now)


def come(lobby: Lobby, user: str, room: str = "42", now: float = 0.0, token: str | None = None) -> list[Effect]:
    lobby.open(user, f"secret of {user}")
    return say(lobby, user, Join(room=room, user=user, token=token), now)


def come_back(lobby: Lobby, user: str, room: str, now: float = 0.0, token: str | None = None) -> list[Effect]:
    lobby.open("new", "new secret")
    resume = Resume(session=user, secret=f"secret of {user}")
    return say(lobby, "new", Join(room=room, user=user, token=token, resume=resume), now)


def drop(lobby: Lobby, session: str, now: float = 0.0) -> list[Effect]:
    return lobby.lost(session, now, now, Detection.SOCKET_CLOSED)


def lobby_with(*users: str, config: SignalingConfig | None = None) -> Lobby:
    lobby = Lobby(config or SignalingConfig())
    for user in users:
        come(lobby, user)
    return lobby


def settings(**values: object) -> RoomSettings:
    usual = {"name": "42", "capacity": 64, "duplicate": Duplicate.REPLACE, "grace": 10.0}
    return RoomSettings(**{**usual, **values})  # type: ignore[arg-type] # the tests name fields that are there


def names(lobby: Lobby) -> dict[str, list[str]]:
    return {room.name: [user.user for user in room.users] for room in lobby.rooms()}


def settled(effects: list[Effect]) -> Settled:
    (answer,) = [effect for effect in effects if isinstance(effect, Settled)]
    return answer


def seq_of(effects: list[Effect], session: str) -> int:
    kinds = RemoteUserLeave | Muted | ExitRoom
    (notice,) = [message for message in told(effects, session) if isinstance(message, kinds)]
    assert notice.wants_ack
    return notice.seq


# -- who was told, and who knows --


def test_a_kick_is_settled_when_the_kicked_one_and_all_who_remain_have_acknowledged_it() -> None:
    lobby = lobby_with("ana", "ben", "eva")
    effects = lobby.kick("42", "ben", "too loud", 0.0)
    (asked,) = [effect for effect in effects if isinstance(effect, Asked)]
    seq = seq_of(effects, "ana")
    assert seq_of(effects, "ben") == seq
    assert say(lobby, "ana", Ack(seq=seq)) == []
    assert say(lobby, "ben", Ack(seq=seq)) == [Hangup("ben")]
    assert say(lobby, "eva", Ack(seq=seq)) == [Settled(asked.about, ("ben", "ana", "eva"))]
    assert lobby.next_deadline() is None


def test_who_does_not_acknowledge_in_time_or_cannot_be_reached_is_named() -> None:
    lobby = lobby_with("ana", "ben", "eva", "kim")
    drop(lobby, "eva")
    drop(lobby, "ben")
    effects = lobby.kick("42", "ben", None, 1.0)
    say(lobby, "kim", Ack(seq=seq_of(effects, "kim")))
    answer = settled(lobby.advance(1.0 + ACK_LIMIT))
    assert (answer.told, answer.unacknowledged) == (("ana", "kim"), ("ben", "ana", "eva"))


def test_where_nobody_can_be_reached_nobody_is_waited_for() -> None:
    lobby = lobby_with("ana")
    drop(lobby, "ana")
    answer = settled(lobby.kick("42", "ana", None, 0.0))
    assert (answer.told, answer.unacknowledged) == ((), ("ana",))


def test_who_leaves_meanwhile_is_not_waited_for() -> None:
    lobby = lobby_with("ana", "ben")
    effects = lobby.kick("42", "ben", None, 0.0)
    say(lobby, "ben", Ack(seq=seq_of(effects, "ben")))
    assert settled(say(lobby, "ana", Leave())).unacknowledged == ()


def test_who_is_muted_is_told_and_acknowledges_it() -> None:
    lobby = lobby_with("ana", "ben")
    effects = lobby.mute("42", "ben", "audio", "echo", 0.0)
    assert order(effects) == [("ben", "Muted")]
    (muted,) = told(effects, "ben")
    assert isinstance(muted, Muted)
    assert (muted.kind, muted.text, muted.user) == ("audio", "echo", None)
    assert settled(say(lobby, "ben", Ack(seq=seq_of(effects, "ben")))).told == ("ben",)


def test_the_answer_says_that_who_is_muted_cannot_be_reached_now() -> None:
    lobby = lobby_with("ana", "ben")
    drop(lobby, "ben")
    assert order(lobby.mute("42", "ben", "video", None, 0.0)) == []
    answer = settled(lobby.advance(ACK_LIMIT))
    assert (answer.told, answer.unacknowledged) == ((), ("ben",))


def test_the_server_speaks_to_all_or_to_one() -> None:
    lobby = lobby_with("ana", "ben", "eva")
    drop(lobby, "eva")
    effects = lobby.broadcast("42", "news", {"a": 1}, 0.0)
    assert told(effects, "ana") == told(effects, "ben") == [Said(topic="news", data={"a": 1})]
    assert (settled(effects).told, settled(effects).unacknowledged) == (("ana", "ben"), ("eva",))
    effects = lobby.broadcast("42", "news", None, 0.0, to="ben")
    assert order(effects) == [("ben", "Said")]
    assert settled(effects).told == ("ben",)


def test_a_users_extra_is_replaced_from_outside_and_the_user_knows() -> None:
    lobby = lobby_with("ana", "ben")
    effects = lobby.update("42", "ben", {"role": "host"}, 0.0)
    assert told(effects, "ben") == [UpdateExtra(extra={"role": "host"})]
    (event,) = told(effects, "ana")
    assert isinstance(event, RemoteUserUpdate)
    assert event.extra == {"role": "host"}
    assert settled(effects).told == ("ana", "ben")
    drop(lobby, "ben")
    assert settled(lobby.update("42", "ben", {}, 0.0)).unacknowledged == ("ben",)


def test_what_is_asked_of_nobody_has_no_effect() -> None:
    lobby = lobby_with("ana")
    for room, user in (("attic", "ana"), ("42", "ben")):
        assert lobby.kick(room, user, None, 0.0) == []
        assert lobby.mute(room, user, "audio", None, 0.0) == []
        assert lobby.broadcast(room, "news", None, 0.0, to=user) == []
        assert lobby.update(room, user, {}, 0.0) == []
        assert lobby.move(room, user, "cellar", 0.0, WALL) == []
    assert lobby.dismiss("attic", None, 0.0) == []
    assert names(lobby) == {"42": ["ana"]}


def test_what_is_too_large_is_refused() -> None:
    lobby = lobby_with("ana")
    with pytest.raises(Refusal) as caught:
        lobby.broadcast("42", "news", "x" * MAX_CONTENT, 0.0)
    assert caught.value.code == ErrorCode.TOO_LARGE
    with pytest.raises(Refusal) as caught:
        lobby.update("42", "ana", {"a": "x" * MAX_EXTRA}, 0.0)
    assert caught.value.code == ErrorCode.TOO_LARGE


# -- to another room --


def test_who_is_moved_leaves_the_old_room_and_is_in_the_new_one_in_the_same_session() -> None:
    lobby = lobby_with("ana", "ben")
    come(lobby, "eva", "attic")
    effects = lobby.move("42", "ben", "attic", 0.0, WALL)
    assert order(effects) == [("ana", "RemoteUserLeave"), ("ben", "Moved"), ("eva", "RemoteUserJoin")]
    (leave,) = told(effects, "ana")
    assert isinstance(leave, RemoteUserLeave)
    assert (leave.reason, leave.detected_by) == (Reason.MOVED, Detection.ADMIN)
    (moved,) = told(effects, "ben")
    assert isinstance(moved, Moved)
    assert (moved.room, moved.session, moved.secret) == ("attic", "ben", "secret of ben")
    assert [user.user for user in moved.users] == ["eva"]
    assert Transferred("ben", "ben", "42", "attic") in effects
    assert not [effect for effect in effects if isinstance(effect, Exited | Entered)]
    assert names(lobby) == {"42": ["ana"], "attic": ["eva", "ben"]}
    assert order(say(lobby, "ben", Leave()))[0] == ("eva", "RemoteUserLeave")
    assert settled(say(lobby, "ana", Ack(seq=leave.seq))).told == ("ben", "ana")


def test_the_last_to_be_moved_leaves_no_room_behind() -> None:
    lobby = lobby_with("ana")
    assert settled(lobby.move("42", "ana", "attic", 0.0, WALL)).told == ("ana",)
    assert names(lobby) == {"attic": ["ana"]}


def test_the_same_user_in_the_other_room_makes_way() -> None:
    lobby = lobby_with("ana")
    lobby.open("ana2", "secret")
    say(lobby, "ana2", Join(room="attic", user="ana"))
    effects = lobby.move("42", "ana", "attic", 0.0, WALL)
    assert told(effects, "ana2") == [ExitRoom(reason=Reason.REPLACED)]
    assert names(lobby) == {"attic": ["ana"]}


@pytest.mark.parametrize(
    ("to_room", "code"),
    [
        ("42", ErrorCode.WRONG_STATE),
        ("api", ErrorCode.BAD_NAME),
        ("full", ErrorCode.ROOM_FULL),
        ("taken", ErrorCode.USER_TAKEN),
    ],
)
def test_a_move_that_cannot_be_changes_nothing(to_room: str, code: ErrorCode) -> None:
    lobby = lobby_with("ana")
    lobby.create(settings(name="full", capacity=1), 0.0)
    lobby.create(settings(name="taken", duplicate=Duplicate.REJECT), 0.0)
    come(lobby, "ben", "full")
    lobby.open("ana2", "secret")
    say(lobby, "ana2", Join(room="taken", user="ana"))
    before = lobby.rooms()
    with pytest.raises(Refusal) as caught:
        lobby.move("42", "ana", to_room, 0.0, WALL)
    assert caught.value.code == code
    assert lobby.rooms() == before


@pytest.mark.parametrize("room", ["42", "attic"])
def test_who_was_moved_while_away_comes_back_to_the_new_room_with_the_old_token(room: str) -> None:
    lobby = Lobby(SignalingConfig(key=KEY))
    token = make(KEY, "42", "ana")
    come(lobby, "ana", token=token)
    come(lobby, "eva", "attic", token=make(KEY))
    drop(lobby, "ana")
    effects = lobby.move("42", "ana", "attic", 1.0, WALL)
    assert told(effects, "ana") == []
    assert settled(effects).unacknowledged == ("ana",)
    assert lobby.grace_of("ana") == lobby.grace_of("nobody") == 10.0
    (joined,) = told(come_back(lobby, "ana", room, token=token), "ana")
    assert isinstance(joined, Joined)
    assert (joined.room, joined.resumed) == ("attic", True)
    assert [user.user for user in joined.users] == ["eva"]
    assert len(joined.missed) == (room == "attic"), "the number of an event of one room says nothing in another"


# -- rooms with settings --


def test_a_room_that_was_created_waits_for_its_first_user_and_ends_with_its_last() -> None:
    lobby = Lobby(SignalingConfig())
    assert lobby.create(settings(capacity=1), 0.0) == [Created("42")]
    assert names(lobby) == {"42": []}
    assert told(come(lobby, "ana"), "ana")
    assert isinstance(told(come(lobby, "ben"), "ben")[0], Error)
    say(lobby, "ana", Leave())
    assert lobby.rooms() == []


def test_a_room_may_stay_when_it_is_empty_until_it_is_dismissed() -> None:
    lobby = Lobby(SignalingConfig())
    lobby.create(settings(close_when_empty=False), 0.0)
    come(lobby, "ana")
    say(lobby, "ana", Leave())
    assert names(lobby) == {"42": []}
    assert settled(lobby.dismiss("42", None, 0.0)).told == ()
    assert lobby.rooms() == []


def test_to_create_a_room_again_changes_nothing_and_with_other_settings_is_refused() -> None:
    lobby = Lobby(SignalingConfig())
    lobby.create(settings(), 0.0)
    assert lobby.create(settings(), 0.0) == []
    with pytest.raises(Refusal) as caught:
        lobby.create(settings(capacity=2), 0.0)
    assert caught.value.code == ErrorCode.WRONG_STATE
    with pytest.raises(Refusal) as caught:
        lobby.create(settings(name="api"), 0.0)
    assert caught.value.code == ErrorCode.BAD_NAME


def test_a_room_that_nobody_created_has_the_settings_of_the_server() -> None:
    config = SignalingConfig(grace=3.0, capacity=7, max_age=100.0, solo_timeout=5.0, duplicate=Duplicate.REJECT)
    usual = settings(grace=3.0, capacity=7, max_age=100.0, solo_timeout=5.0, duplicate=Duplicate.REJECT)
    assert RoomSettings.usual("42", config) == usual


@pytest.mark.parametrize(
    "value",
    [{"capacity": 0}, {"grace": -1.0}, {"max_age": 0.0}, {"solo_timeout": float("inf")}, {"duplicate": "share"}],
)
def test_settings_that_cannot_be_name_the_field(value: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(value))):
        settings(**value)


def test_a_created_room_ages_from_its_creation() -> None:
    lobby = Lobby(SignalingConfig())
    lobby.create(settings(max_age=60.0, close_when_empty=False), 5.0)
    come(lobby, "ana", now=30.0)
    assert lobby.next_deadline() == 65.0
    (exited,) = told(lobby.advance(65.0), "ana")
    assert isinstance(exited, ExitRoom)
    assert exited.reason is Reason.DISMISSED
    assert lobby.rooms() == []


def test_a_room_has_its_own_grace() -> None:
    lobby = Lobby(SignalingConfig())
    lobby.create(settings(grace=2.0), 0.0)
    come(lobby, "ana")
    assert lobby.grace_of("ana") == 2.0
    drop(lobby, "ana", now=1.0)
    assert lobby.next_deadline() == 3.0


def test_who_is_left_alone_for_too_long_is_dismissed() -> None:
    lobby = lobby_with("ana", config=SignalingConfig(solo_timeout=30.0))
    assert lobby.next_deadline() is None
    come(lobby, "ben")
    say(lobby, "ben", Leave(), now=10.0)
    assert lobby.next_deadline() == 40.0
    come(lobby, "eva", now=20.0)
    assert lobby.next_deadline() is None
    say(lobby, "eva", Leave(), now=50.0)
    assert told(lobby.advance(80.0), "ana") == [
        ExitRoom(reason=Reason.DISMISSED, text="nobody else has been in the room for too long")
    ]
    assert (lobby.rooms(), lobby.next_deadline()) == ([], None)


# -- tokens that end --


@pytest.mark.parametrize(("lasts", "left"), [(10.0, 5.0), (200.0, 20.0), (3600.0, 60.0)])
def test_the_end_of_a_token_is_announced_once(lasts: float, left: float) -> None:
    lobby = Lobby(SignalingConfig(key=KEY))
    come(lobby, "ana", token=make(KEY, expires=WALL + lasts))
    assert lobby.next_deadline() == lasts - left
    assert told(lobby.advance(lasts - left), "ana") == [TokenExpiring(expires_in=left)]
    assert lobby.next_deadline() == lasts


def test_a_newer_token_takes_the_place_of_the_older() -> None:
    lobby = Lobby(SignalingConfig(key=KEY))
    come(lobby, "ana", token=make(KEY, "42", "ana", expires=WALL + 60))
    newer = make(KEY, "42", "ana", ["publish"], expires=WALL + 600)
    effects = say(lobby, "ana", Refresh(token=newer), now=50.0)
    assert effects == [Send(("ana",), Refreshed(grants=["publish"], expires=WALL + 600))]
    assert lobby.next_deadline() == 600 - 55
    effects = say(lobby, "ana", Refresh(token=make(KEY, "42", "ana")), now=50.0)
    assert lobby.next_deadline() is None


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (make(KEY, "attic", "ana"), ErrorCode.TOKEN_INVALID),
        (make(KEY, "42", "ben"), ErrorCode.TOKEN_INVALID),
        (make(KEY, expires=WALL), ErrorCode.TOKEN_EXPIRED),
        ("nonsense", ErrorCode.TOKEN_INVALID),
    ],
)
def test_a_token_that_does_not_fit_refreshes_nothing(token: str, code: ErrorCode) -> None:
    lobby = Lobby(SignalingConfig(key=KEY))
    come(lobby, "ana", token=make(KEY, "42", "ana", expires=WALL + 60))
    (refusal,) = told(say(lobby, "ana", Refresh(token=token)), "ana")
    assert isinstance(refusal, Error)
    assert (refusal.code, refusal.about) == (code, "refresh")
    assert lobby.next_deadline() == 54.0
