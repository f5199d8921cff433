"""Who was kicked with a ban is kept out, by name and by token, until its time; and no longer."""

from signaling.bans import MOST, Bans
from signaling.config import SignalingConfig
from signaling.effects import Effect
from signaling.lobby import Lobby
from signaling.messages import Error, ErrorCode, ExitRoom, Join, Kick, Resume
from signaling.tokens import ALL_GRANTS, Admission, make
from tests.signaling.scenes import WALL, told

KEY = "a key for the tests of bans"


def test_a_ban_is_for_one_room_and_ends_by_itself() -> None:
    bans = Bans()
    bans.add("42", "ana", "digest", until=70.0, now=10.0)
    assert bans.left("42", "ana", None, 10.0) == 60.0
    assert bans.left("42", "ben", "digest", 10.0) == 60.0
    assert bans.left("42", "ben", "other", 10.0) == 0.0
    assert bans.left("attic", "ana", "digest", 10.0) == 0.0
    assert bans.left("42", "ana", "digest", 70.0) == 0.0


def test_a_later_ban_counts_and_what_is_over_is_forgotten() -> None:
    bans = Bans()
    bans.add("42", "ana", None, until=20.0, now=10.0)
    bans.add("42", "ana", None, until=90.0, now=11.0)
    assert bans.left("42", "ana", None, 11.0) == 79.0
    bans.add("42", "ben", None, until=100.0, now=95.0)
    assert len(bans._until) == 1


def test_the_oldest_go_when_there_are_too_many() -> None:
    bans = Bans()
    for number in range(MOST + 1):
        bans.add("42", f"user{number}", None, until=99.0, now=0.0)
    assert bans.left("42", "user0", None, 0.0) == 0.0
    assert bans.left("42", "user1", None, 0.0) == 99.0


def enter(lobby: Lobby, session: str, user: str, *, now: float, token_of: str | None = None) -> list[Effect]:
    """Let a session come in with a token that is for anybody, but another one for each `token_of`."""
    lobby.open(session, f"secret of {session}")
    token = make(KEY, grants=ALL_GRANTS, expires=WALL + 1000 + len(token_of or user))
    return lobby.handle(session, Join(room="42", user=user, token=token), now, WALL)


def codes(effects: list[Effect], session: str) -> list[ErrorCode]:
    return [message.code for message in told(effects, session) if isinstance(message, Error)]


def test_whoever_was_banned_cannot_come_back_by_name_or_by_token_until_it_is_over() -> None:
    lobby = Lobby(SignalingConfig(key=KEY))
    enter(lobby, "s1", "mod", now=0.0)
    enter(lobby, "s2", "annabel", now=0.0)
    effects = lobby.handle("s1", Kick(user="annabel", text="enough", ban_for=60.0), 0.0, WALL)
    assert told(effects, "s2") == [ExitRoom(reason="kicked", text="enough")]
    refused = enter(lobby, "s3", "annabel", now=1.0, token_of="x")
    assert codes(refused, "s3") == [ErrorCode.BANNED]
    assert "59 more seconds" in told(refused, "s3")[0].text
    assert codes(enter(lobby, "s4", "somebody", now=1.0, token_of="annabel"), "s4") == [ErrorCode.BANNED]
    assert codes(enter(lobby, "s5", "somebody", now=1.0), "s5") == []
    assert codes(enter(lobby, "s6", "annabel", now=60.0), "s6") == []


def test_a_ban_outlives_the_room_and_comes_from_outside_too() -> None:
    lobby = Lobby(SignalingConfig())
    lobby.open("s1", "x")
    lobby.handle("s1", Join(room="42", user="ana"), 0.0, WALL)
    assert lobby.kick("42", "ana", None, 0.0, 30.0)
    assert lobby.rooms() == []
    lobby.open("s2", "x")
    assert codes(lobby.handle("s2", Join(room="42", user="ana"), 29.0, WALL), "s2") == [ErrorCode.BANNED]
    resume = Resume(session="s1", secret="x")
    lobby.open("s3", "x")
    assert told(lobby.handle("s3", Join(room="42", user="ana", resume=resume), 29.0, WALL), "s3") == [
        ExitRoom(reason="kicked")
    ]


def test_a_kick_without_a_ban_keeps_nobody_out() -> None:
    lobby = Lobby(SignalingConfig())
    lobby.open("s1", "x")
    lobby.handle("s1", Join(room="42", user="ana"), 0.0, WALL)
    lobby.kick("42", "ana", None, 0.0)
    lobby.open("s2", "x")
    assert codes(lobby.handle("s2", Join(room="42", user="ana"), 0.0, WALL), "s2") == []


def test_who_asks_from_outside_is_known_by_name_or_by_token_and_an_admin_is_kept_out_of_nothing() -> None:
    bans = Bans()
    bans.add("42", "ana", "digest", 60.0, 0.0)
    moderate = frozenset({"moderate"})
    assert bans.left_of(Admission("ana", None, None, moderate, "another"), "42", 10.0) == 50.0
    assert bans.left_of(Admission(None, None, None, moderate, "digest"), "42", 10.0) == 50.0
    assert bans.left_of(Admission(None, None, None, moderate, "another"), "42", 10.0) == 0.0
    assert bans.left_of(Admission("ana", None, None, moderate, "digest"), "attic", 10.0) == 0.0
    assert bans.left_of(Admission("ana", None, None, moderate | {"admin"}, "digest"), "42", 10.0) == 0.0
