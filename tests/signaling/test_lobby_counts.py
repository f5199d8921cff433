"""What the lobby says of its rooms to those who keep count: when one is over, and how many there are."""

from signaling.calls import RoomSettings
from signaling.config import SignalingConfig
from signaling.effects import Asked, Closed, Created, Effect, Entered, Exited, Settled, Transferred
from signaling.lobby import Lobby
from signaling.messages import Join, Leave
from signaling.reasons import Detection
from tests.signaling.scenes import order

WALL = 1_800_000_000.0


def lobby_with(*users: str) -> Lobby:
    lobby = Lobby(SignalingConfig(grace=10))
    for user in users:
        come(lobby, user)
    return lobby


def come(lobby: Lobby, user: str, room: str = "42") -> list[Effect]:
    lobby.open(user, "x")
    return lobby.handle(user, Join(room=room, user=user), 0.0, WALL)


def marks(effects: list[Effect]) -> list[str]:
    kept = (Closed, Created, Entered, Exited, Transferred)
    return [type(effect).__name__ for effect in effects if isinstance(effect, kept)]


def test_a_room_is_over_when_the_last_has_left_it() -> None:
    lobby = lobby_with("ana", "ben")
    assert marks(lobby.handle("ana", Leave(), 1.0, WALL)) == ["Exited"]
    effects = lobby.handle("ben", Leave(), 1.0, WALL)
    assert marks(effects) == ["Exited", "Closed"]
    assert effects[-1] == Closed("42")


def test_a_room_that_nobody_was_let_into_has_never_been_there() -> None:
    lobby = Lobby(SignalingConfig())
    lobby.open("ana", "x")
    assert marks(lobby.handle("ana", Join(room="42", user="not a name"), 0.0, WALL)) == []


def test_a_room_is_over_when_its_last_user_was_moved_and_not_before() -> None:
    lobby = lobby_with("ana")
    effects = lobby.move("42", "ana", "attic", 1.0, WALL)
    assert marks(effects) == ["Transferred", "Closed"]


def test_who_is_unreachable_is_moved_and_known_as_that_in_the_other_room() -> None:
    lobby = lobby_with("ana", "ben")
    come(lobby, "eva", "attic")
    lobby.lost("ben", 1.0, 1.0, Detection.SOCKET_CLOSED)
    effects = lobby.move("42", "ben", "attic", 2.0, WALL)
    assert order(effects) == [("ana", "RemoteUserLeave"), ("eva", "RemoteUserJoin"), ("eva", "RemoteUserUnreachable")]


def test_a_room_that_was_created_and_dismissed_is_over() -> None:
    lobby = Lobby(SignalingConfig())
    settings = RoomSettings.usual("42", SignalingConfig())
    assert marks(lobby.create(settings, 0.0)) == ["Created"]
    assert Closed("42") in lobby.dismiss("42", None, 1.0)


def test_how_many_there_are() -> None:
    lobby = lobby_with("ana", "ben")
    come(lobby, "eva", "attic")
    lobby.lost("ben", 1.0, 1.0, Detection.SOCKET_CLOSED)
    assert (lobby.size, lobby.count()) == (2, (2, 1))


def test_a_leave_says_how_long_somebody_was_silent_and_in_which_words() -> None:
    lobby = lobby_with("ana", "ben")
    lobby.lost("ana", 3.0, 1.0, Detection.HEARTBEAT)
    (gone,) = [effect for effect in lobby.advance(13.0) if isinstance(effect, Exited)]
    assert (gone.silent_for, gone.text) == (12.0, None)
    (kicked,) = [effect for effect in lobby.kick("42", "ben", "enough", 14.0) if isinstance(effect, Exited)]
    assert (kicked.silent_for, kicked.text) == (0.0, "enough")


def test_who_moves_the_last_two_users_of_a_room_at_the_same_time_is_answered_for_each() -> None:
    lobby = lobby_with("ana", "ben")
    (first,) = [one for one in lobby.move("42", "ana", "43", 1.0, WALL) if isinstance(one, Asked)]
    settled = [one.about for one in lobby.move("42", "ben", "43", 1.0, WALL) if isinstance(one, Settled)]
    assert sorted(settled) == [first.about, "42/4 at once"]
