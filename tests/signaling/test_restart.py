"""A server that ends and another that is started in its place: nobody leaves who comes back in time."""

import asyncio
import stat
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from signaling import SignalingServer
from signaling.messages import (
    Error,
    ErrorCode,
    ExitRoom,
    Join,
    Joined,
    Leave,
    NeedOffer,
    RemoteUserBack,
    RemoteUserJoin,
    RemoteUserLeave,
    Resume,
)
from signaling.reasons import Reason
from signaling.state_file import check, take, write
from tests.signaling.client import Client, Place, listening, other_tasks

RESTARTING = 1012  # the close code (RFC 6455's registry: "Service Restart")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
async def http() -> "Iterator[aiohttp.ClientSession]":
    async with aiohttp.ClientSession() as http:  # outlives the servers, as clients do
        yield http


async def enter(place: Place, http: aiohttp.ClientSession, *users: str) -> tuple[list[Client], list[Joined]]:
    clients, joined = [], []
    for user in users:
        client = Client(await http.ws_connect(f"{place.url}/ws"))
        joined.append(await client.join(user))
        for earlier in clients:
            await earlier.hear_a(RemoteUserJoin)
        clients.append(client)
    return clients, joined


async def test_who_was_here_comes_back_and_nobody_hears_of_a_leave(state: Path, http: aiohttp.ClientSession) -> None:
    before = other_tasks()
    async with listening(SignalingServer(state=state)) as place:
        (ana, ben), joined = await enter(place, http, "ana", "ben")
        hearing = [asyncio.create_task(client.hear_the_end()) for client in (ana, ben)]
    assert await asyncio.gather(*hearing) == [RESTARTING, RESTARTING]  # and no word before it
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert other_tasks() == before
    async with listening(SignalingServer(state=state)) as place:
        assert not state.exists()
        ana, ben = [Client(await http.ws_connect(f"{place.url}/ws")) for _ in range(2)]
        back = await ana.resume(joined[0])
        assert (back.resumed, back.session) == (True, joined[0].session)
        assert [(user.user, user.unreachable) for user in back.users] == [("ben", True)]
        again = await ben.resume(joined[1])
        assert [event.user for event in again.missed] == ["ana"]
        assert (await ana.hear_a(RemoteUserBack)).user == "ben"
        await ben.say(NeedOffer(user="ana"))
        assert await ana.hear() == NeedOffer(user="ben")
        await ben.say(Leave())
        assert (await ana.hear_a(RemoteUserLeave)).reason is Reason.LEFT


async def test_who_does_not_come_back_in_time_is_gone(state: Path, http: aiohttp.ClientSession) -> None:
    async with listening(SignalingServer(state=state, grace=2)) as place:
        _, joined = await enter(place, http, "ana", "ben")
    async with listening(SignalingServer(state=state, grace=2)) as place:
        ana = Client(await http.ws_connect(f"{place.url}/ws"))
        await ana.resume(joined[0])
        leave = await ana.hear_a(RemoteUserLeave)
        assert (leave.user, leave.reason) == ("ben", Reason.NETWORK_LOST)


async def test_who_is_kept_out_stays_out_over_a_restart(state: Path, http: aiohttp.ClientSession) -> None:
    first = SignalingServer(state=state)
    async with listening(first) as place:
        (_ana, ben), _ = await enter(place, http, "ana", "ben")
        kicking = asyncio.create_task(first.kick("42", "ben", ban_for=600))
        await ben.hear_a(ExitRoom)
        await kicking
    async with listening(SignalingServer(state=state)) as place:
        ben = Client(await http.ws_connect(f"{place.url}/ws"))
        await ben.say(Join(room="42", user="ben"))
        assert (await ben.hear_a(Error)).code is ErrorCode.BANNED


async def test_without_a_file_everybody_is_sent_away_and_the_next_server_knows_nobody(
    http: aiohttp.ClientSession,
) -> None:
    async with listening(SignalingServer()) as place:
        (ana,), (joined,) = await enter(place, http, "ana")
        hearing = asyncio.create_task(ana.hear_a(ExitRoom))
    assert (await hearing).reason is Reason.SERVER_SHUTDOWN
    async with listening(SignalingServer()) as place:
        ana = Client(await http.ws_connect(f"{place.url}/ws"))
        resume = Resume(session=joined.session, secret=joined.secret)
        await ana.say(Join(room="42", user="ana", resume=resume))
        assert (await ana.hear_a(Error)).code is ErrorCode.SESSION_GONE


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff" * 100])
async def test_a_file_that_is_damaged_is_taken_away_and_a_server_begins_anew(state: Path, content: bytes) -> None:
    write(state, content)
    async with listening(SignalingServer(state=state)) as place:
        await place.enter("ana")
        assert not state.exists()


async def test_what_others_could_have_written_is_not_believed(state: Path) -> None:
    write(state, b"{}")
    state.chmod(0o644)
    async with listening(SignalingServer(state=state)) as place:
        await place.enter("ana")


async def test_a_state_that_cannot_be_kept_does_not_hold_up_the_end(
    state: Path, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(SignalingServer(state=state / "not" / "there")) as place:
        (ana,), _ = await enter(place, http, "ana")
        hearing = asyncio.create_task(ana.hear_the_end())
    assert await hearing == RESTARTING
    assert "the state cannot be kept" in caplog.text


# -- the file --


def test_a_file_is_written_whole_or_not_at_all(state: Path) -> None:
    write(state, b"first")
    write(state, b"second")
    assert [path.name for path in state.parent.iterdir()] == ["state"]
    assert take(state) == b"second"
    assert take(state) is None
    state.mkdir()
    with pytest.raises(OSError, match="state"):
        write(state, b"third")
    assert [path.name for path in state.parent.iterdir()] == ["state"]


def test_a_link_to_another_file_is_not_followed(state: Path, tmp_path: Path) -> None:
    write(tmp_path / "other", b"{}")
    state.symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match=r"."):
        take(state)


def test_a_pipe_in_place_of_the_file_holds_up_nobody(state: Path) -> None:
    import os

    os.mkfifo(state, 0o600)
    assert take(state) == b""


def test_whether_a_file_can_be_written_is_known_at_the_start(state: Path) -> None:
    check(state)
    assert list(state.parent.iterdir()) == []
    with pytest.raises(OSError, match=r"."):
        check(state / "not" / "there")
    with pytest.raises(OSError, match="is a folder"):
        check(state.parent)
