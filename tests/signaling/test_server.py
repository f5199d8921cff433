"""The server on real sockets: listening by itself and mounted in another application that cancels its handlers."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from signaling import Duplicate, SignalingConfig, SignalingServer
from signaling.calls import Told
from signaling.messages import (
    Ack,
    Answer,
    Candidate,
    Dismiss,
    Error,
    ErrorCode,
    ExitRoom,
    Join,
    Kick,
    Leave,
    NeedOffer,
    Offer,
    RemoteUserBack,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUnreachable,
    RemoteUserUpdate,
    TokenExpiring,
    UpdateExtra,
)
from signaling.reasons import Detection, Reason
from signaling.server import Site, check_exposure
from signaling.tokens import make
from tests.signaling.client import PATIENCE, Client, Place, listening, mounted

Serve = Callable[[SignalingServer], AbstractAsyncContextManager[Place]]

KEY = "a key of thirty-two letters, sure"

both_ways = pytest.mark.parametrize("serve", [listening, mounted])


async def hear_leave(client: Client) -> RemoteUserLeave:
    return await client.hear_a(RemoteUserLeave)


@both_ways
async def test_the_whole_vocabulary(serve: Serve) -> None:
    async with serve(SignalingServer()) as place:
        ana, ben, eva = await place.enter("ana", "ben", "eva")
        for said in (
            Offer(user="ben", call="c", sdp="v=0"),
            Answer(user="ben", call="c", sdp="v=0"),
            Candidate(user="ben", call="c", candidate="candidate:1", sdp_m_line_index=0),
            NeedOffer(user="ben"),
        ):
            await ana.say(said)
            heard = await ben.hear()
            assert type(heard) is type(said)
            assert getattr(heard, "user", None) == "ana"
        await ana.say(UpdateExtra(extra={"hand": "up"}))
        assert (await ben.hear_a(RemoteUserUpdate)).extra == {"hand": "up"}
        assert (await eva.hear_a(RemoteUserUpdate)).user == "ana"
        await ana.say(Kick(user="eva", text="too loud"))
        assert (await hear_leave(ben)).reason == Reason.KICKED
        assert await eva.hear() == ExitRoom(reason=Reason.KICKED, text="too loud")
        assert await eva.hear_the_end() == 1000
        assert (await hear_leave(ana)).text == "too loud"
        await ben.say(Dismiss(text="good night"))
        for client in (ana, ben):
            assert await client.hear() == ExitRoom(reason=Reason.DISMISSED, text="good night")
            assert await client.hear_the_end() == 1000


@both_ways
async def test_others_read_the_leave_before_the_leavers_socket_closes(serve: Serve) -> None:
    journal: list[str] = []

    async def listen(client: Client, name: str) -> None:
        journal.append(f"{name}: {type(await client.hear()).__name__}")

    async with serve(SignalingServer()) as place:
        *others, leaver = await place.enter("ana", "ben", "eva")
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            for other in others:
                group.create_task(listen(other, "other"))
            await leaver.say(Leave())
            await listen(leaver, "leaver")
            await leaver.hear_the_end()
            journal.append("leaver: closed")
    assert journal.index("leaver: closed") == 3
    assert journal.count("other: RemoteUserLeave") == 2


@both_ways
async def test_a_lost_client_is_unreachable_then_gone(serve: Serve) -> None:
    async with serve(SignalingServer(grace=0.05)) as place:
        ana, ben = await place.enter("ana", "ben")
        await ben.socket.close()
        assert (await ana.hear_a(RemoteUserUnreachable)).user == "ben"
        leave = await hear_leave(ana)
        assert (leave.reason, leave.detected_by) == (Reason.NETWORK_LOST, Detection.SOCKET_CLOSED)
        assert 0.05 <= leave.silent_for < PATIENCE


@both_ways
async def test_a_silent_client_is_noticed_by_the_heartbeat(serve: Serve) -> None:
    async with serve(SignalingServer(grace=0, heartbeat=0.4)) as place:
        (ana,) = await place.enter("ana")
        coming = asyncio.create_task(ana.hear_a(RemoteUserJoin))  # who does not read answers no pings
        mute = await place.connect(autoping=False)
        await mute.join("mute")
        await coming
        leave = await hear_leave(ana)
        assert (leave.reason, leave.detected_by) == (Reason.NETWORK_LOST, Detection.HEARTBEAT)
        assert leave.silent_for >= 0.4


@both_ways
async def test_a_client_that_answers_pings_and_says_nothing_stays(serve: Serve) -> None:
    server = SignalingServer(grace=0, heartbeat=0.4)
    async with serve(server) as place:
        (idle,) = await place.enter("idle")
        coming = asyncio.create_task(idle.hear_a(RemoteUserJoin))
        mute = await place.connect(autoping=False)
        await mute.join("mute")
        await coming
        assert (await hear_leave(idle)).user == "mute"  # meanwhile the idle one was pinged as well
        assert [user.user for user in server.rooms()[0].users] == ["idle"]


@both_ways
async def test_a_session_goes_on_at_a_new_socket(serve: Serve) -> None:
    async with serve(SignalingServer()) as place:
        (ana,) = await place.enter("ana")
        ben = await place.connect()
        before = await ben.join("ben", extra={"role": "guest"})
        await ana.hear()
        await ben.socket.close()
        await ana.hear_a(RemoteUserUnreachable)
        again = await place.connect()
        joined = await again.resume(before)
        assert (joined.resumed, joined.session) == (True, before.session)
        assert (await ana.hear_a(RemoteUserBack)).user == "ben"
        await again.say(NeedOffer(user="ana"))
        assert await ana.hear() == NeedOffer(user="ben")
        await ana.say(NeedOffer(user="ben"))
        assert await again.hear() == NeedOffer(user="ana")


@both_ways
async def test_the_late_end_of_a_half_open_socket_does_not_lose_the_session(serve: Serve) -> None:
    server = SignalingServer(grace=0)
    async with serve(server) as place:
        (ana,) = await place.enter("ana")
        stale = await place.connect()
        before = await stale.join("ben")
        await ana.hear()
        fresh = await place.connect()
        assert (await fresh.resume(before)).resumed
        await stale.hear_the_end()  # no exitRoom: the session is not over
        await fresh.say(Leave())
        assert (await hear_leave(ana)).reason == Reason.LEFT
        assert await fresh.hear() == ExitRoom(reason=Reason.LEFT)


@both_ways
async def test_a_replaced_user_is_told_so_and_let_go(serve: Serve) -> None:
    async with serve(SignalingServer(grace=0)) as place:
        ana, old = await place.enter("ana", "ben")
        new = await place.connect()
        await new.join("ben")
        assert await old.hear() == ExitRoom(reason=Reason.REPLACED)
        assert await old.hear_the_end() == 1000
        assert (await hear_leave(ana)).reason == Reason.REPLACED
        await ana.hear_a(RemoteUserJoin)
        await new.say(NeedOffer(user="ana"))
        assert await ana.hear() == NeedOffer(user="ben")


async def test_a_taken_name_is_refused_where_so_configured() -> None:
    async with listening(SignalingServer(SignalingConfig(grace=1), duplicate=Duplicate.REJECT)) as place:
        _ana = await place.enter("ana")  # kept: one that nobody holds is closed, and its name is soon free
        second = await place.connect()
        await second.say(Join(room="42", user="ana"))
        assert (await second.hear_a(Error)).code == ErrorCode.USER_TAKEN
        assert await second.hear_the_end() == 1000


async def test_a_session_ends_with_its_token() -> None:
    async with listening(SignalingServer(key=KEY)) as place:
        ana = await place.connect()
        await ana.join("ana", token=make(KEY))
        ben = await place.connect()
        now = asyncio.get_running_loop().time()
        await ben.join("ben", token=make(KEY, expires=time.time() + 1.5))
        await ana.hear_a(RemoteUserJoin)
        assert (await hear_leave(ana)).reason == Reason.TOKEN_EXPIRED
        assert isinstance(await ben.hear(), TokenExpiring)
        assert await ben.hear() == ExitRoom(reason=Reason.TOKEN_EXPIRED)
        assert 0.1 < asyncio.get_running_loop().time() - now < PATIENCE


# -- from outside --


@both_ways
async def test_a_program_kicks_and_dismisses(serve: Serve) -> None:
    server = SignalingServer()
    async with serve(server) as place:
        ana, ben = await place.enter("ana", "ben")
        assert not await server.kick("42", "nobody")
        assert not await server.dismiss("attic")
        kicked = await server.kick("42", "ben", "too loud")
        assert kicked is not None
        assert kicked.unacknowledged == ["ana", "ben"]
        assert (await hear_leave(ana)).reason == Reason.KICKED
        assert await ben.hear() == ExitRoom(reason=Reason.KICKED, text="too loud", seq=3, wants_ack=True)
        assert await ben.hear_the_end() == 1000
        dismissing = asyncio.create_task(server.dismiss("42"))
        assert await ana.hear() == ExitRoom(reason=Reason.DISMISSED, seq=4, wants_ack=True)
        assert server.rooms() == []
        await ana.say(Ack(seq=4))
        assert await ana.hear_the_end() == 1000
        assert await dismissing == Told(told=["ana"], unacknowledged=[])


async def test_who_is_out_and_goes_without_acknowledging_it_is_not_waited_for(tmp_path: Path) -> None:
    server = SignalingServer(journal=tmp_path / "journal")
    async with listening(server) as place:
        (ana,) = await place.enter("ana")
        dismissing = asyncio.create_task(server.dismiss("42"))
        await ana.hear_a(ExitRoom)
        await ana.socket.close()
        assert await dismissing == Told(told=["ana"], unacknowledged=["ana"])
    assert "socketLost" not in (tmp_path / "journal").read_text(), "that it goes is no loss"


def test_an_unknown_option_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="graze"):
        SignalingServer(graze=1)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_needs_no_key(host: str) -> None:
    check_exposure(host, SignalingConfig())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org", ""])
async def test_the_network_needs_a_key(host: str) -> None:
    check_exposure(host, SignalingConfig(key=KEY))
    with pytest.raises(ValueError, match="without a key"):
        async with SignalingServer().listen(host):
            pass


def test_a_site_knows_its_addresses() -> None:
    assert Site("127.0.0.1", 8080).url == "http://127.0.0.1:8080"
    assert Site("::1", 8443, is_secure=True).ws_url == "wss://[::1]:8443/ws"


# -- what is written down --


@both_ways
async def test_one_line_for_each_who_enters_and_each_who_leaves_and_no_secrets(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "signaling")
    token = make(KEY)
    async with serve(SignalingServer(key=KEY)) as place:
        ana = await place.connect()
        joined = await ana.join("ana", token=token)
        await ana.say(Offer(user="ana", call="c", sdp="v=0 of ana"))
        await ana.hear()
        await ana.say(Leave())
        await ana.hear_a(ExitRoom)
        await ana.hear_the_end()
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
    assert len([line for line in lines if "entered" in line]) == 1
    (left,) = [line for line in lines if "left" in line]
    assert "room 42" in left
    assert "notice" in left
    for secret in (joined.secret, token, KEY, "v=0"):
        assert secret not in caplog.text
