"""What the lobby decides: who is outside, and who is inside where."""

import pytest

from signaling.config import SignalingConfig
from signaling.effects import Adopt, Effect, Exited, Hangup, Send
from signaling.lobby import REMEMBERED, Lobby, is_room_name
from signaling.messages import (
    ACK_LIMIT,
    RESERVED_ROOMS,
    Ack,
    Answer,
    Candidate,
    ClientMessage,
    Dismiss,
    Error,
    ErrorCode,
    ExitRoom,
    Join,
    Joined,
    Kick,
    Leave,
    NeedOffer,
    Offer,
    Resume,
    UpdateExtra,
)
from signaling.reasons import Detection, Reason
from signaling.tokens import make
from tests.signaling.scenes import order, told

WALL = 1_800_000_000.0
KEY = "a key of thirty-two letters, sure"

WORDS: list[ClientMessage] = [
    Leave(),
    Offer(user="ana", call="c", sdp=""),
    Answer(user="ana", call="c", sdp=""),
    Candidate(user="ana", call="c", candidate=""),
    NeedOffer(user="ana"),
    UpdateExtra(extra={"n": 1}),
    Kick(user="ana"),
    Dismiss(),
]


def say(lobby: Lobby, session: str, message: ClientMessage, now: float = 0.0) -> list[Effect]:
    return lobby.handle(session, message, now, WALL)


def come(lobby: Lobby, session: str, message: Join | None = None) -> list[Effect]:
    lobby.open(session, f"secret of {session}")
    return say(lobby, session, message or Join(room="42", user=session))


def lobby_with(*users: str, config: SignalingConfig | None = None) -> Lobby:
    lobby = Lobby(config or SignalingConfig())
    for user in users:
        come(lobby, user)
    return lobby


def code(effects: list[Effect], session: str) -> ErrorCode:
    (message,) = told(effects, session)
    assert isinstance(message, Error)
    return message.code


def drop(lobby: Lobby, session: str, now: float = 0.0) -> list[Effect]:
    return lobby.lost(session, now, now, Detection.SOCKET_CLOSED)


def test_a_room_exists_while_somebody_is_in_it() -> None:
    lobby = lobby_with("ana", "ben")
    say(lobby, "ana", Leave())
    drop(lobby, "ben")
    assert [room.name for room in lobby.rooms()] == ["42"]
    lobby.advance(10.0)
    assert lobby.rooms() == []
    assert lobby.room("42") is None


def test_rooms_do_not_hear_of_each_other() -> None:
    lobby = lobby_with("ana")
    effects = come(lobby, "ben", Join(room="attic", user="ben"))
    assert told(effects, "ana") == []
    assert [room.name for room in lobby.rooms()] == ["42", "attic"]
    attic = lobby.room("attic")
    assert attic is not None
    assert [user.user for user in attic.users] == ["ben"]


@pytest.mark.parametrize("word", WORDS)
def test_outside_there_is_nothing_to_say_but_join(word: ClientMessage) -> None:
    lobby = lobby_with("ana")
    lobby.open("eva", "secret")
    effects = say(lobby, "eva", word)
    assert code(effects, "eva") == ErrorCode.WRONG_STATE
    assert told(effects, "eva")[0] == Error(
        code=ErrorCode.WRONG_STATE, text="join a room first", about=str(word.__struct_config__.tag)
    )
    assert Hangup("eva") not in effects
    assert isinstance(told(say(lobby, "eva", Join(room="42", user="eva")), "eva")[0], Joined)


def test_who_is_inside_cannot_join_again() -> None:
    lobby = lobby_with("ana")
    effects = say(lobby, "ana", Join(room="attic", user="ana"))
    assert code(effects, "ana") == ErrorCode.WRONG_STATE
    assert len(effects) == 1
    assert lobby.room("attic") is None


def test_inside_every_word_reaches_the_room() -> None:
    expected = [
        ("ana", "RemoteUserLeave"),
        ("ana", "Offer"),
        ("ana", "Answer"),
        ("ana", "Candidate"),
        ("ana", "NeedOffer"),
        ("ana", "RemoteUserUpdate"),
        ("ben", "RemoteUserLeave"),
        ("ana", "ExitRoom"),
    ]
    for word, first in zip(WORDS, expected, strict=True):
        assert order(say(lobby_with("ana", "ben"), "ben", word))[0] == first


@pytest.mark.parametrize("name", sorted(RESERVED_ROOMS))
def test_a_room_cannot_be_called_like_a_part_of_the_server(name: str) -> None:
    lobby = Lobby(SignalingConfig())
    effects = come(lobby, "ana", Join(room=name, user="ana"))
    assert code(effects, "ana") == ErrorCode.BAD_NAME
    assert effects[-1] == Hangup("ana")
    assert not is_room_name(name)


@pytest.mark.parametrize(("room", "user"), [("42\n", "ana"), ("42", "ana\n")])
def test_no_name_ends_in_a_line_feed(room: str, user: str) -> None:
    lobby = Lobby(SignalingConfig())
    assert code(come(lobby, "ana", Join(room=room, user=user)), "ana") == ErrorCode.BAD_NAME


def test_who_was_refused_is_not_heard_any_more() -> None:
    lobby = Lobby(SignalingConfig(key=KEY))
    effects = come(lobby, "ana")
    assert code(effects, "ana") == ErrorCode.TOKEN_REQUIRED
    assert effects[-1] == Hangup("ana")
    assert say(lobby, "ana", Join(room="42", user="ana")) == []
    assert drop(lobby, "ana") == []


def test_a_refusal_by_the_room_leaves_no_room_behind() -> None:
    lobby = Lobby(SignalingConfig())
    effects = come(lobby, "ana", Join(room="42", user="ana", extra={"a": "x" * 9000}))
    assert code(effects, "ana") == ErrorCode.TOO_LARGE
    assert lobby.rooms() == []
    assert say(lobby, "ana", Join(room="42", user="ana")) == []


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("nonsense", ErrorCode.TOKEN_INVALID),
        (make(KEY, "attic"), ErrorCode.TOKEN_INVALID),
        (make(KEY, "42", "ben"), ErrorCode.TOKEN_INVALID),
        (make(KEY, expires=WALL), ErrorCode.TOKEN_EXPIRED),
    ],
)
def test_with_a_key_only_a_fitting_token_lets_one_in(token: str, expected: ErrorCode) -> None:
    lobby = Lobby(SignalingConfig(key=KEY))
    assert code(come(lobby, "ana", Join(room="42", user="ana", token=token)), "ana") == expected


def test_a_token_says_for_how_long_and_for_what() -> None:
    lobby = Lobby(SignalingConfig(key=KEY))
    effects = come(lobby, "ana", Join(room="42", user="ana", token=make(KEY, grants=["publish"], expires=WALL + 60)))
    (message,) = told(effects, "ana")
    assert isinstance(message, Joined)
    assert message.grants == ["publish"]
    assert lobby.next_deadline() == 54.0
    assert told(lobby.advance(60.0), "ana") == [ExitRoom(reason=Reason.TOKEN_EXPIRED)]


def test_a_resume_needs_a_token_as_well() -> None:
    lobby = Lobby(SignalingConfig(key=KEY))
    come(lobby, "ana", Join(room="42", user="ana", token=make(KEY)))
    resume = Resume(session="ana", secret="secret of ana")
    assert code(come(lobby, "new", Join(room="42", user="ana", resume=resume)), "new") == ErrorCode.TOKEN_REQUIRED


def test_a_resumed_session_goes_on_where_it_was() -> None:
    lobby = lobby_with("ana", "ben")
    drop(lobby, "ana", now=1.0)
    resume = Resume(session="ana", secret="secret of ana", seq=2)
    effects = come(lobby, "new", Join(room="42", user="ana", resume=resume))
    assert effects[0] == Adopt("new", "ana")
    assert lobby.next_deadline() is None
    assert drop(lobby, "new") == []
    assert order(say(lobby, "ana", Leave()))[0] == ("ben", "RemoteUserLeave")


def test_there_is_nothing_to_resume_in_a_room_that_nobody_is_in() -> None:
    lobby = Lobby(SignalingConfig())
    resume = Resume(session="ana", secret="secret of ana")
    effects = come(lobby, "new", Join(room="42", user="ana", resume=resume))
    assert code(effects, "new") == ErrorCode.SESSION_GONE
    assert lobby.rooms() == []


def removed_while_away() -> Lobby:
    """Ana has kicked ben while he could not be reached."""
    lobby = lobby_with("ana", "ben")
    drop(lobby, "ben", now=1.0)
    say(lobby, "ana", Kick(user="ben", text="be kind"), now=2.0)
    lobby.open("new", "new secret")
    return lobby


def test_who_was_removed_while_away_learns_it_on_coming_back() -> None:
    lobby = removed_while_away()
    resume = Join(room="42", user="ben", resume=Resume(session="ben", secret="secret of ben"))
    assert say(lobby, "new", resume, now=3.0) == [
        Send(("new",), ExitRoom(reason=Reason.KICKED, text="be kind")),
        Hangup("new"),
    ]
    assert say(lobby, "new", Leave()) == []


def test_only_with_the_secret_one_learns_why_somebody_was_removed() -> None:
    lobby = removed_while_away()
    resume = Join(room="42", user="ben", resume=Resume(session="ben", secret="secret of ana"))
    assert code(say(lobby, "new", resume), "new") == ErrorCode.SESSION_GONE


def test_only_so_many_last_messages_are_remembered() -> None:
    lobby = lobby_with("ana")
    for number in range(REMEMBERED + 1):
        lobby.open(f"u{number}", "secret")
        say(lobby, f"u{number}", Join(room="42", user=f"u{number % 3}"))
        drop(lobby, f"u{number}", now=1.0)
        lobby.kick("42", f"u{number % 3}", None, 2.0)
    for number, expected in ((0, Error), (1, ExitRoom), (REMEMBERED, ExitRoom)):
        lobby.open("new", "new secret")
        resume = Join(room="42", user=f"u{number % 3}", resume=Resume(session=f"u{number}", secret="secret"))
        assert isinstance(told(say(lobby, "new", resume), "new")[0], expected)


def test_who_never_joined_just_disappears() -> None:
    lobby = lobby_with("ana")
    lobby.open("eva", "secret")
    assert drop(lobby, "eva") == []
    assert say(lobby, "eva", Join(room="42", user="eva")) == []


def test_kick_and_dismiss_from_outside_do_nothing_where_nobody_is() -> None:
    lobby = lobby_with("ana")
    assert lobby.kick("attic", "ana", None, 0.0) == []
    assert lobby.kick("42", "ben", None, 0.0) == []
    assert lobby.dismiss("attic", None, 0.0) == []


def test_kick_from_outside_tells_the_others_first() -> None:
    lobby = lobby_with("ana", "ben")
    effects = lobby.kick("42", "ben", "too loud", 0.0)
    assert order(effects) == [("ana", "RemoteUserLeave"), ("ben", "ExitRoom")]
    assert say(lobby, "ben", Leave()) == []


def test_dismiss_from_outside_empties_the_room() -> None:
    lobby = lobby_with("ana", "ben")
    effects = lobby.dismiss("42", "good night", 0.0)
    assert told(effects, "ben") == [ExitRoom(reason=Reason.DISMISSED, text="good night", seq=3, wants_ack=True)]
    assert lobby.rooms() == []


def test_a_shutdown_lets_everybody_go_and_nobody_in() -> None:
    lobby = lobby_with("ana", "ben")
    come(lobby, "eva", Join(room="attic", user="eva"))
    lobby.open("outside", "secret")
    effects = lobby.shutdown(0.0)
    assert {s: told(effects, s) for s in ("ana", "ben", "eva")} == {
        s: [ExitRoom(reason=Reason.SERVER_SHUTDOWN)] for s in ("ana", "ben", "eva")
    }
    assert code(effects, "outside") == ErrorCode.SERVER_SHUTDOWN
    assert [effect.session for effect in effects if isinstance(effect, Hangup)] == ["ana", "ben", "eva", "outside"]
    assert lobby.rooms() == []
    late = come(lobby, "late")
    assert code(late, "late") == ErrorCode.SERVER_SHUTDOWN
    assert late[-1] == Hangup("late")
    assert lobby.shutdown(0.0) == []


def test_the_next_deadline_is_the_earliest_of_all_rooms() -> None:
    lobby = lobby_with("ana")
    come(lobby, "ben", Join(room="attic", user="ben"))
    assert lobby.next_deadline() is None
    drop(lobby, "ben", now=5.0)
    drop(lobby, "ana", now=3.0)
    assert lobby.next_deadline() == 13.0
    assert [effect.user for effect in lobby.advance(15.0) if isinstance(effect, Exited)] == ["ana", "ben"]
    assert lobby.next_deadline() is None


def test_acknowledgements_reach_the_room() -> None:
    lobby = Lobby(SignalingConfig())
    for user in ("ana", "ben"):
        lobby.open(user, "x")
        lobby.handle(user, Join(room="42", user=user), 0.0, WALL)
    lobby.handle("ana", Leave(wait=True), 0.0, WALL)
    assert lobby.next_deadline() == ACK_LIMIT
    effects = lobby.handle("ben", Ack(seq=3), 0.1, WALL)
    assert effects == [Send(("ana",), ExitRoom(reason=Reason.LEFT)), Hangup("ana")]
