"""What a server writes into its journal, in the order in which it happens."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from signaling import SignalingServer
from signaling.effects import Send
from signaling.entry import Entry
from signaling.journal import Journal
from signaling.messages import (
    Answer,
    Candidate,
    Dismiss,
    Error,
    ErrorCode,
    ExitRoom,
    Farewell,
    Join,
    Kick,
    Leave,
    Offer,
    RemoteUserBack,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUnreachable,
    UpdateExtra,
)
from signaling.reasons import Detection, Reason
from signaling.record import REFUSALS_AT_ONCE, Record
from tests.signaling.client import Client, Place, listening, mounted
from tests.signaling.test_journal import read

Serve = Callable[[SignalingServer], AbstractAsyncContextManager[Place]]


def told(path: Path) -> list[tuple[str, str | None]]:
    """The lines since the first user came, as (event, user)."""
    lines = [(line.event, line.user) for line in read(path)]
    return [line for line in lines if line[0] not in ("serverStarted", "socketOpened", "serverStopping")]


def last(path: Path, event: str) -> Entry:
    return [line for line in read(path) if line.event == event][-1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@asynccontextmanager
async def two_users(path: Path, **options: float) -> AsyncIterator[tuple[SignalingServer, Place, Client, Client]]:
    server = SignalingServer(journal=path, **options)
    async with listening(server) as place:
        ana, ben = await place.enter("ana", "ben")
        yield server, place, ana, ben


@pytest.mark.parametrize("serve", [listening, mounted])
async def test_leaves_between_the_servers_start_and_its_end(serve: Serve, path: Path) -> None:
    async with serve(SignalingServer(journal=path)) as place:
        ana, ben = await place.enter("ana", "ben")
        await ana.say(Leave(failed=True))
        await ana.hear_a(ExitRoom)
        await ben.hear_a(RemoteUserLeave)
        await ben.say(Leave())
        await ben.hear_a(ExitRoom)
    assert [(line.event, line.user) for line in read(path)] == [
        ("serverStarted", None),
        ("socketOpened", None),
        ("joined", "ana"),
        ("socketOpened", None),
        ("joined", "ben"),
        ("leave", "ana"),
        ("remoteUserLeave", "ana"),
        ("exited", "ana"),
        ("exitRoom", "ana"),
        ("leave", "ben"),
        ("exited", "ben"),
        ("exitRoom", "ben"),
        ("serverStopping", None),
    ]
    assert {line.who for line in read(path)} == {"server"}
    assert [line.failed for line in read(path) if line.event == "leave"] == [True, None]
    assert last(path, "remoteUserLeave").told == 1
    assert last(path, "exited").reason is Reason.LEFT


async def test_a_kick_names_who_asked_and_a_ban_its_end(path: Path) -> None:
    async with two_users(path) as (_, _, ana, ben):
        await ben.say(Kick(user="ana", text="too loud", ban_for=60.0))
        await ana.hear_a(ExitRoom)
    assert told(path)[2:7] == [
        ("kickAsked", "ana"),
        ("banned", "ana"),
        ("remoteUserLeave", "ana"),
        ("exited", "ana"),
        ("exitRoom", "ana"),
    ]
    asked, banned, joined = last(path, "kickAsked"), last(path, "banned"), read(path)[2]
    assert (asked.by, asked.text, asked.ban_for, asked.session) == ("ben", "too loud", 60.0, joined.session)
    assert banned.until is not None
    assert banned.until == pytest.approx(banned.wall + 60.0, abs=0.1)


async def test_what_is_asked_from_outside_the_room(path: Path) -> None:
    async with two_users(path) as (server, _, ana, ben):
        await server.kick("42", "ana")
        await ana.hear_a(ExitRoom)
        await ben.hear_a(RemoteUserLeave)
        await server.dismiss("42", "closing time")
        await ben.hear_a(ExitRoom)
    kick, dismiss = last(path, "kickAsked"), last(path, "dismissAsked")
    assert (kick.user, kick.by, kick.via) == ("ana", None, "api")
    assert (dismiss.room, dismiss.user, dismiss.via, dismiss.text) == ("42", None, "api", "closing time")


async def test_a_dismissal_from_inside_and_a_newcomer_who_is_refused(path: Path) -> None:
    async with two_users(path, capacity=2) as (_, place, ana, ben):
        eva = await place.connect()
        await eva.say(Join(room="42", user="eva"))
        await eva.hear()
        await ana.say(Dismiss())
        await ben.hear_a(ExitRoom)
    assert told(path)[2:] == [
        ("refused", None),
        ("dismissAsked", None),
        ("exited", "ana"),
        ("exitRoom", "ana"),
        ("exited", "ben"),
        ("exitRoom", "ben"),
    ]
    assert last(path, "refused").code == "room_full"
    assert last(path, "dismissAsked").by == "ana"


async def test_a_loss_with_a_return_and_one_without(path: Path) -> None:
    async with listening(SignalingServer(journal=path, grace=1.5)) as place:
        (ben,) = await place.enter("ben")
        ana = await place.connect()
        joined = await ana.join("ana")
        await ben.hear_a(RemoteUserJoin)
        ana.socket._response.connection.transport.abort()
        await ben.hear_a(RemoteUserUnreachable)
        again = await place.connect()
        await again.resume(joined)
        await ben.hear_a(RemoteUserBack)
        again.socket._response.connection.transport.abort()
        await ben.hear_a(RemoteUserUnreachable)
        await ben.hear_a(RemoteUserLeave)
    lost = [("socketLost", "ana"), ("graceBegan", "ana"), ("remoteUserUnreachable", "ana")]
    assert told(path)[2:12] == [
        *lost,
        ("resumed", "ana"),
        ("remoteUserBack", "ana"),
        *lost,
        ("remoteUserLeave", "ana"),
        ("exited", "ana"),
    ]
    began = last(path, "graceBegan")
    assert began.until is not None
    assert (began.grace, began.until) == (1.5, pytest.approx(began.wall + 1.5, abs=0.1))
    assert last(path, "socketLost").detected_by is Detection.SOCKET_CLOSED
    assert {line.session for line in read(path) if line.user == "ana"} == {joined.session}


async def test_a_farewell_by_the_guard(path: Path) -> None:
    async with listening(SignalingServer(journal=path)) as place:
        (ben,) = await place.enter("ben")
        ana = await place.connect()
        joined = await ana.join("ana")
        await ben.hear_a(RemoteUserJoin)
        word = msgspec.json.encode(Farewell(session=joined.session, ticket=joined.ticket, reason="crashed"))
        json = {"Content-Type": "application/json"}
        async with place.http.post(f"{place.url}/ws", data=word, headers=json) as answer:
            assert answer.status == 204
        await ben.hear_a(RemoteUserLeave)
    assert told(path)[2:5] == [("farewell", "ana"), ("remoteUserLeave", "ana"), ("exited", "ana")]
    assert (last(path, "farewell").by, last(path, "farewell").reason) == ("guard", Reason.CRASHED)
    assert last(path, "remoteUserLeave").detected_by is Detection.GUARD


async def test_no_secret_is_written(path: Path) -> None:
    async with two_users(path) as (_, place, ana, ben):
        eva = await place.connect()
        joined = await eva.join("eva", token="token-hush", extra={"phone": "hush"})
        await eva.say(Offer(user="ana", call="c", sdp="sdp-hush"))
        await eva.say(Answer(user="ana", call="c", sdp="sdp-hush"))
        await eva.say(Candidate(user="ana", call="c", candidate="candidate-hush"))
        await eva.say(UpdateExtra(extra={"phone": "hush again"}))
        await eva.say(Leave(wait=True))
        for _ in range(5):
            await ana.hear()
        await ben.socket.close()
    text = path.read_text()
    assert "hush" not in text
    assert joined.secret not in text
    assert joined.ticket not in text


async def test_without_a_journal_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with listening(SignalingServer()) as place:
        await place.enter("ana")
    assert list(tmp_path.iterdir()) == []


def test_a_flood_of_strangers_does_not_fill_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal.open(path, who="server") as journal:
        record = Record(journal)
        for number in range(REFUSALS_AT_ONCE + 500):
            session = f"s{number}"
            record.opened(session)
            record.heard(session, Join(room="42", user="ana"))
            record.did(Send((session,), Error(code=ErrorCode.TOKEN_INVALID, text="no", about="join")))
            record.lost(session, Detection.SOCKET_CLOSED, 0.0, 10.0)
        for number in range(500):  # who asks for nothing is worth no line
            record.opened(f"t{number}")
            record.lost(f"t{number}", Detection.SOCKET_CLOSED, 0.0, 10.0)
    lines = path.read_text().splitlines()
    refused = sum('"refused"' in line for line in lines)
    assert REFUSALS_AT_ONCE <= refused < REFUSALS_AT_ONCE + 100
    assert not any('"t1"' in line for line in lines)
    assert record._opened == set()
