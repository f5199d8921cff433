"""What a server that ends leaves to the next: rooms, bans, last words, and when that is not to be believed."""

import msgspec
import pytest

from signaling.config import SignalingConfig
from signaling.effects import Send
from signaling.handover import BadEstate, go_on_with, read, write_down
from signaling.lobby import REMEMBERED, Lobby
from signaling.messages import Error, ErrorCode, ExitRoom, Join, Joined, Resume
from signaling.reasons import Detection, Reason

CONFIG = SignalingConfig(grace=10)
NOW, WALL = 100.0, 1000.0  # of the first server; the second one's clock stands at 5, two seconds later


def lobby_with(*users: str) -> Lobby:
    lobby = Lobby(CONFIG)
    for user in users:
        lobby.open(f"s-{user}", f"secret of {user}")
        lobby.handle(f"s-{user}", Join(room="42", user=user), NOW, WALL)
    return lobby


def heir_of(lobby: Lobby) -> tuple[Lobby, list[tuple[str, str, str]]]:
    estate = read(write_down(lobby, now=NOW, wall=WALL), CONFIG.grace, wall=WALL + 2)
    heir = Lobby(CONFIG)
    return heir, go_on_with(heir, estate, now=5, wall=WALL + 2)


def answer(lobby: Lobby, user: str, *, resumes: bool) -> object:
    lobby.open("new", "secret")
    resume = Resume(session=f"s-{user}", secret=f"secret of {user}") if resumes else None
    effects = lobby.handle("new", Join(room="42", user=user, resume=resume), 6, WALL + 3)
    return next(effect.message for effect in effects if isinstance(effect, Send))


def test_those_who_were_here_are_named_and_can_come_back() -> None:
    heir, restored = heir_of(lobby_with("ana", "ben"))
    assert restored == [("s-ana", "42", "ana"), ("s-ben", "42", "ben")]
    joined = answer(heir, "ana", resumes=True)
    assert isinstance(joined, Joined)
    assert joined.resumed


def test_who_was_kicked_and_kept_out_stays_out() -> None:
    lobby = lobby_with("ana", "ben")
    lobby.kick("42", "ana", None, NOW, ban_for=60)
    lobby.kick("42", "ben", None, NOW - 10, ban_for=5)  # over
    heir, _ = heir_of(lobby)
    error = answer(heir, "ana", resumes=False)
    assert isinstance(error, Error)
    assert error.code is ErrorCode.BANNED
    assert "57 more seconds" in error.text
    assert isinstance(answer(heir, "ben", resumes=False), Joined)


def test_who_was_kicked_while_away_hears_of_it_from_the_next_server() -> None:
    lobby = lobby_with("ana", "ben")
    lobby.lost("s-ana", NOW, NOW, Detection.SOCKET_CLOSED)
    lobby.kick("42", "ana", "enough", NOW)
    heir, _ = heir_of(lobby)
    assert answer(heir, "ana", resumes=True) == ExitRoom(reason=Reason.KICKED, text="enough")


def test_of_too_many_last_words_the_oldest_are_forgotten() -> None:
    lobby = lobby_with(*(f"u{number}" for number in range(64)))
    last = [lobby.kick("42", f"u{number}", None, NOW) for number in range(64)]
    assert all(last)
    assert len(lobby.unheard) == 64
    for number in range(REMEMBERED):
        lobby.remember(
            msgspec.convert({"session": f"x{number}", "secret": "", "message": _LEFT}, type(lobby.unheard[0]))
        )
    assert [each.session for each in lobby.unheard] == [f"x{number}" for number in range(REMEMBERED)]


_LEFT = {"type": "exitRoom", "reason": "left"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "damaged"),
        (b"[" * 100_000, "damaged"),
        (b'{"rooms": []}', "damaged"),
        (b'{"wall": 1000, "rooms": [], "bans": [], "unheard": [], "version": 9}', "another version"),
        (b'{"wall": 900, "rooms": [], "bans": [], "unheard": []}', "100.0 s old"),
        (b'{"wall": 1100, "rooms": [], "bans": [], "unheard": []}', "-100.0 s old"),
    ],
)
def test_what_is_damaged_foreign_or_old_is_not_gone_on_with(text: bytes, why: str) -> None:
    with pytest.raises(BadEstate, match=why):
        read(text, CONFIG.grace, wall=WALL)
