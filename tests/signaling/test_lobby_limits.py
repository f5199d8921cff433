"""How many rooms there may be."""

import pytest

from signaling.calls import Refusal
from signaling.config import SignalingConfig
from signaling.effects import Hangup
from signaling.forms import ErrorCode
from signaling.lobby import Lobby
from signaling.messages import Error, Join, Joined, Leave
from tests.signaling.scenes import WALL, told


def enter(lobby: Lobby, session: str, room: str) -> object:
    lobby.open(session, f"secret of {session}")
    effects = lobby.handle(session, Join(room=room, user=session), 0.0, WALL)
    if isinstance(told(effects, session)[0], Error):
        assert Hangup(session) in effects
    return told(effects, session)[0]


def test_one_room_too_many_is_refused_until_another_is_empty() -> None:
    lobby = Lobby(SignalingConfig(max_rooms=2))
    assert isinstance(enter(lobby, "ana", "a"), Joined)
    assert isinstance(enter(lobby, "ben", "b"), Joined)
    assert enter(lobby, "eva", "c") == Error(
        code=ErrorCode.SERVER_FULL, text="the server holds 2 rooms and takes no more", about="join"
    )
    assert isinstance(enter(lobby, "eve", "a"), Joined)  # a room that is there
    lobby.handle("ben", Leave(), 0.0, WALL)
    assert isinstance(enter(lobby, "zoe", "c"), Joined)


def test_zero_is_no_limit() -> None:
    lobby = Lobby(SignalingConfig(max_rooms=0))
    assert all(isinstance(enter(lobby, f"u{number}", f"r{number}"), Joined) for number in range(100))


def test_nobody_is_moved_to_one_room_too_many() -> None:
    lobby = Lobby(SignalingConfig(max_rooms=1))
    enter(lobby, "ana", "a")
    with pytest.raises(Refusal, match="holds 1 rooms"):
        lobby.move("a", "ana", "b", 0.0, WALL)
