"""What another process needs to go on with a room, through JSON and back."""

import msgspec
import pytest
from msgspec.structs import replace

from signaling.calls import RoomSettings
from signaling.config import SignalingConfig
from signaling.effects import Closed, Send
from signaling.lobby import Lobby
from signaling.messages import Join, Joined, Leave, Muted, RemoteUserBack, RemoteUserLeave, Resume
from signaling.reasons import Detection, Reason
from signaling.snapshot import RoomRecord
from signaling.tokens import make

KEY = "a key of sixteen characters or more"
CONFIG = SignalingConfig(grace=10, max_age=3600, key=KEY)


def lobby_with(*users: str) -> Lobby:
    """Room 42 at the monotonic time 100 and the wall time 1000; the session of ana is s-ana. Tokens end at 1500."""
    lobby = Lobby(CONFIG)
    for user in users:
        lobby.open(f"s-{user}", f"secret of {user}")
        token = make(KEY, "42", user, expires=1500)
        lobby.handle(f"s-{user}", Join(room="42", user=user, token=token, extra={"name": user}), 100, 1000)
    return lobby


def handed_over(lobby: Lobby, *, now: float, wall: float) -> Lobby:
    """Another process, whose monotonic clock stands at 7, a second later."""
    heir = Lobby(CONFIG)
    for record in records_through_json(lobby, now=now, wall=wall):
        heir.restore(record, now=7, wall=wall + 1)
    return heir


def resume(lobby: Lobby, user: str, *, now: float, wall: float) -> list[object]:
    lobby.open("new", "another secret")
    token = make(KEY, "42", user, expires=1500)
    resume = Resume(session=f"s-{user}", secret=f"secret of {user}", seq=0)
    return list(lobby.handle("new", Join(room="42", user=user, token=token, resume=resume), now, wall))


def test_a_restored_room_has_the_same_users_and_all_of_them_are_unreachable() -> None:
    status = handed_over(lobby_with("ana", "ben"), now=200, wall=1100).room("42")
    assert status is not None
    assert [(user.user, user.session, user.extra, user.unreachable) for user in status.users] == [
        ("ana", "s-ana", {"name": "ana"}, True),
        ("ben", "s-ben", {"name": "ben"}, True),
    ]


def test_who_comes_back_to_a_restored_room_is_in_the_same_session_and_hears_what_was_missed() -> None:
    heir = handed_over(lobby_with("ana", "ben"), now=200, wall=1100)
    joined = next(e.message for e in resume(heir, "ana", now=8, wall=1102) if isinstance(e, Send))
    assert isinstance(joined, Joined)
    assert (joined.session, joined.resumed) == ("s-ana", True)
    assert [event.user for event in joined.missed] == ["ben"]


def test_the_numbers_of_events_go_on_in_a_restored_room() -> None:
    lobby = lobby_with("ana", "ben")
    seq = lobby.records(now=0, wall=0)[0].seq
    heir = handed_over(lobby, now=200, wall=1100)
    resume(heir, "ana", now=8, wall=1102)
    (back,) = [e.message for e in resume_of_ben(heir) if isinstance(e, Send) and isinstance(e.message, RemoteUserBack)]
    assert back.seq == seq + 2


def resume_of_ben(lobby: Lobby) -> list[object]:
    return resume(lobby, "ben", now=9, wall=1103)


def test_who_does_not_come_back_within_the_grace_leaves() -> None:
    heir = handed_over(lobby_with("ana", "ben"), now=200, wall=1100)
    resume(heir, "ana", now=8, wall=1102)
    assert heir.next_deadline() == 17
    (leave,) = [e.message for e in heir.advance(17) if isinstance(e, Send)]
    assert isinstance(leave, RemoteUserLeave)
    assert (leave.user, leave.reason) == ("ben", Reason.NETWORK_LOST)


def test_the_time_of_silence_counts_from_before_the_restart() -> None:
    lobby = lobby_with("ana", "ben")
    lobby.lost("s-ben", 190, 188, Detection.HEARTBEAT)
    heir = handed_over(lobby, now=200, wall=1100)  # at 201 of the first clock
    resume(heir, "ana", now=8, wall=1102)
    (leave,) = [e.message for e in heir.advance(17) if isinstance(e, Send)]
    assert isinstance(leave, RemoteUserLeave)
    assert leave.silent_for == pytest.approx(13 + 10)


def test_tokens_and_rooms_end_when_they_would_have() -> None:
    heir = handed_over(lobby_with("ana"), now=200, wall=1100)
    resume(heir, "ana", now=8, wall=1102)
    record = heir.records(now=8, wall=1102)[0]
    assert record.closes_at == pytest.approx(1000 + 3600)
    assert record.members[0].admission.expires == 1500


def test_a_room_that_never_closes_stays_so() -> None:
    lobby = Lobby(SignalingConfig())
    lobby.open("s", "secret")
    lobby.handle("s", Join(room="42", user="ana"), 0, 0)
    (record,) = lobby.records(now=0, wall=0)
    heir = Lobby(SignalingConfig())
    assert heir.restore(record, now=0, wall=0).closes_at is None


def test_a_room_that_is_forgotten_ends_without_a_word() -> None:
    lobby = lobby_with("ana")
    room = lobby.forget("42")
    assert room is not None
    assert (lobby.rooms(), lobby.next_deadline()) == ([], None)
    assert lobby.lost("s-ana", 110, 110, Detection.SOCKET_CLOSED) == []
    assert lobby.forget("42") is None


def test_who_is_alone_has_been_so_since_before_the_restart() -> None:
    lobby = Lobby(config := SignalingConfig(grace=300, solo_timeout=60))
    for user in ("ana", "ben"):
        lobby.open(f"s-{user}", "secret")
        lobby.handle(f"s-{user}", Join(room="42", user=user), 100, 1000)
    lobby.handle("s-ben", Leave(), 110, 1010)
    (record,) = records_through_json(lobby, now=120, wall=1020)
    heir = Lobby(config)
    assert heir.restore(record, now=7, wall=1021).alone_until == pytest.approx(7 + 49)
    assert heir.advance(56)[-1] == Closed("42")


def test_a_room_that_is_to_stay_when_empty_does_so_after_a_restart() -> None:
    lobby = Lobby(CONFIG)
    for name, closes in (("stays", False), ("goes", True)):
        lobby.create(replace(RoomSettings.usual(name, CONFIG), close_when_empty=closes), 100)
        lobby.open(f"s-{name}", "secret")
        token = make(KEY, name, "ana")
        lobby.handle(f"s-{name}", Join(room=name, user="ana", token=token), 100, 1000)
    heir = Lobby(CONFIG)
    for record in records_through_json(lobby, now=120, wall=1020):
        heir.restore(record, now=7, wall=1021)
    heir.advance(17)  # nobody came back
    assert [(room.name, room.users) for room in heir.rooms()] == [("stays", [])]


def test_who_was_muted_while_away_hears_it_after_a_restart() -> None:
    lobby = lobby_with("ana", "ben")
    lobby.lost("s-ben", 190, 190, Detection.SOCKET_CLOSED)
    lobby.mute("42", "ben", "audio", "echo", 191)
    heir = handed_over(lobby, now=200, wall=1100)
    said = [e.message for e in resume_of_ben(heir) if isinstance(e, Send)]
    assert said[1] == Muted(kind="audio", text="echo", seq=4, wants_ack=True)


def records_through_json(lobby: Lobby, *, now: float, wall: float) -> list[RoomRecord]:
    return msgspec.json.decode(msgspec.json.encode(lobby.records(now=now, wall=wall)), type=list[RoomRecord])
