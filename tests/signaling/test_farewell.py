"""Somebody else speaks for a session: its guard or its watchdog, with its ticket. And a room that is too old."""

import pytest

from signaling.config import SignalingConfig
from signaling.effects import Effect, Unheard
from signaling.lobby import Lobby
from signaling.messages import ExitRoom, Farewell, Join, Joined, RemoteUserLeave
from signaling.reasons import Detection, Reason
from signaling.talk import expel
from tests.signaling.scenes import WALL, come, drop, full_room, joined, order, told


def inside(*users: str) -> tuple[Lobby, dict[str, str]]:
    """A room with these users, and the ticket of each."""
    lobby, tickets = Lobby(SignalingConfig(grace=10.0)), {}
    for user in users:
        lobby.open(user, f"secret of {user}")
        effects = lobby.handle(user, Join(room="42", user=user), 0.0, WALL)
        (tickets[user],) = [message.ticket for message in told(effects, user) if isinstance(message, Joined)]
    return lobby, tickets


def leaves(effects: list[Effect], session: str) -> list[tuple[Reason, Detection, float]]:
    notices = [message for message in told(effects, session) if isinstance(message, RemoteUserLeave)]
    return [(notice.reason, notice.detected_by, notice.silent_for) for notice in notices]


@pytest.mark.parametrize(
    ("reason", "detected_by"),
    [("crashed", Detection.GUARD), ("left", Detection.NOTICE), ("error", Detection.NOTICE)],
)
def test_the_word_of_who_holds_the_ticket_counts(reason: str, detected_by: Detection) -> None:
    lobby, tickets = inside("ana", "ben")
    effects = lobby.farewell(Farewell(session="ana", ticket=tickets["ana"], reason=reason), 1.0)
    assert leaves(effects, "ben") == [(Reason(reason), detected_by, 0.0)]
    assert order(effects) == [("ben", "RemoteUserLeave"), ("ana", "ExitRoom"), ("ana", "hangup")]


def test_a_guard_is_heard_after_the_socket_broke_too_and_only_once() -> None:
    lobby, tickets = inside("ana", "ben")
    lobby.lost("ana", 1.0, 0.5, Detection.SOCKET_CLOSED)
    word = Farewell(session="ana", ticket=tickets["ana"], reason="crashed")
    assert leaves(lobby.farewell(word, 2.0), "ben") == [(Reason.CRASHED, Detection.GUARD, 1.5)]
    assert lobby.farewell(word, 2.0) == []
    assert lobby.next_deadline() is None


@pytest.mark.parametrize(("session", "ticket"), [("ana", "guessed"), ("ana", "\ud800"), ("nobody", "guessed")])
def test_another_ticket_opens_nothing(session: str, ticket: str) -> None:
    lobby, _ = inside("ana", "ben")
    assert lobby.farewell(Farewell(session=session, ticket=ticket, reason="crashed"), 1.0) == []


def test_a_ticket_is_for_one_session_and_does_not_tell_its_secret() -> None:
    _, tickets = inside("ana", "ben")
    assert tickets["ana"] != tickets["ben"]
    assert "secret" not in tickets["ana"]


def test_a_room_is_dismissed_when_it_is_too_old() -> None:
    room = full_room(config=SignalingConfig(max_age=60.0))
    come(room, "ana", now=5.0)
    come(room, "ben", now=50.0)
    assert room.next_deadline() == 65.0
    assert room.advance(64.0) == []
    effects = room.advance(65.0)
    assert told(effects, "ana") == [ExitRoom(reason=Reason.DISMISSED, text="the room has reached its maximum age")]
    assert order(effects) == [("ana", "ExitRoom"), ("ana", "hangup"), ("ben", "ExitRoom"), ("ben", "hangup")]
    assert room.next_deadline() is None


@pytest.mark.parametrize("max_age", [0, -1, float("nan"), float("inf")])
def test_an_age_that_cannot_be_is_refused(max_age: float) -> None:
    with pytest.raises(ValueError, match="max_age"):
        SignalingConfig(max_age=max_age)


def test_the_last_word_of_the_server_waits_for_who_may_not_have_heard_it() -> None:
    """The socket may be dead without anybody having noticed: whoever comes back is told why they are out."""
    room = full_room("ana", "ben")
    effects = expel(room, "ana", "bye", now=0.0)
    (unheard,) = [effect for effect in effects if isinstance(effect, Unheard)]
    assert unheard == Unheard("ana", "secret of ana", ExitRoom(reason=Reason.KICKED, text="bye"))
    drop(room, "ben")
    assert joined(come(room, "eva"), "eva").users[0].unreachable
