"""A Python peer in a room of a real RTCMultiConnection-Server, with an unmodified page and with another of its kind."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from peer import Message, Peer, PeerConfig, Refused, ServerUnreachable, SignalingError, TestPattern, UsageError
from peer.hooks import Hook
from signaling.reasons import Detection, Reason
from tests.gateways.rtcmulticonnection.page import rmc_page
from tests.journal import Journal
from tests.peer.rtcmulticonnection.real_server import RealServer, real_server

LIMIT = 30.0  # seconds
PATTERN = TestPattern(width=320, height=180, fps=10)
MakePeer = Callable[..., Peer]


def peer(server: RealServer, user: str, journal: Journal, **options: object) -> Peer:
    made = Peer(server.peer_url, room="lobby", user=user, extra={"is": user}, **options)  # type: ignore[arg-type] # of any type
    for hook in [hook for hook in vars(made).values() if isinstance(hook, Hook)]:
        hook(lambda event, user=user: journal.add(user, event))
    return made


async def sees_and_hears(me: Peer, user: str) -> None:
    """Wait until a user's pictures and sound have arrived."""
    remote = await me.user(user, timeout=LIMIT)
    await remote.video.first_frame(timeout=LIMIT)
    async with asyncio.timeout(LIMIT):
        async for sound in remote.audio.frames():
            if abs(sound.array.astype(int)).max() > 500:
                break


@pytest.mark.parametrize("page_comes_first", [True, False])
async def test_a_page_and_a_peer_see_hear_and_read_each_other_and_part(tmp_path: Path, page_comes_first: bool) -> None:
    journal = Journal()
    async with real_server(tmp_path) as (server, _), rmc_page(server.url, "ana", tmp_path / "profile") as page:
        if page_comes_first:
            assert (await page.enter())[0] is True
        async with peer(server, "bot", journal) as me:
            await me.publish(PATTERN)
            said = me.messages()
            if not page_comes_first:
                assert (await page.enter())[0] is True
            await asyncio.gather(sees_and_hears(me, "ana"), page.until_seen("bot"))
            assert me.users["ana"].extra["fullName"] == "ANA"
            await page.until_happened("onopen", "bot")
            await page.do("connection.onmessage = ({ userid, data }) => happened.push(['said', userid, data])")
            await page.do("connection.send({ hello: 'bot' })")
            async with asyncio.timeout(LIMIT):
                assert await anext(said) == Message(user="ana", topic="message", data={"hello": "bot"})
            me.send_message("message", "hello, page")
            await me.send({"n": 1}, to="ana")
            await page.until("happened.filter(([kind]) => kind === 'said').length === 2")
            assert [data for _, _, data in await page.happened("said")] == ["hello, page", {"n": 1}]
        report = await me.leave()
        assert (report.reason, report.notice, report.total < 3) == (Reason.LEFT, "acknowledged", True)
        await page.until_happened("onleave", "bot")
        left = [extra for _, user, extra in await page.happened("onleave") if user == "bot"]
        assert [extra["is"] for extra in left] == ["bot"]
    assert journal.of("bot") == ["enterRoom", "remoteUserJoin ana", "message", "exitRoom left"]


async def test_how_a_page_leaves_is_told_as_far_as_that_server_knows(tmp_path: Path) -> None:
    journal = Journal()
    async with real_server(tmp_path) as (server, _), peer(server, "bot", journal) as me:
        await me.publish(PATTERN)
        async with rmc_page(server.url, "ana", tmp_path / "profile") as page:
            await page.enter()
            await sees_and_hears(me, "ana")
            await page.do("connection.leave()")
            await journal.until("bot", "remoteUserLeave ana left")
            assert me.users == {}
            await page.enter()
            await sees_and_hears(me, "ana")
            await page.do("connection.closeSocket()")
            await journal.until("bot", "remoteUserLeave ana network_lost")
        event = journal.last("bot")
        assert getattr(event, "detected_by", None) is Detection.SOCKET_CLOSED


async def test_two_peers_meet_there_and_what_that_server_cannot_do_is_refused(tmp_path: Path) -> None:
    journal = Journal()
    async with real_server(tmp_path) as (server, _), peer(server, "ana", journal) as ana:
        await ana.publish(PATTERN)
        async with peer(server, "bo", journal) as bo:
            await asyncio.gather(sees_and_hears(bo, "ana"), ana.user("bo", timeout=LIMIT))
            bo.update_extra({"hat": "red"})
            await journal.until("ana", "remoteUserUpdate bo")
            assert ana.users["bo"].extra == {"hat": "red"}
            for asked in (bo.kick("ana"), bo.dismiss(), bo.mute_user("ana", "audio"), bo.refresh_token("t")):
                with pytest.raises(Refused, match="RTCMultiConnection-Server knows nothing"):
                    await asked
            report = await bo.leave(wait="everyone")
            assert report.total < 3
        await journal.until("ana", "remoteUserLeave bo left")
    assert [text for text in journal.of("ana") if "Leave" in text] == ["remoteUserLeave bo left"]


async def test_two_peers_who_come_at_the_same_time_meet(tmp_path: Path) -> None:
    journal = Journal()
    async with real_server(tmp_path) as (server, _), AsyncExitStack() as stack:
        ana, bo = await asyncio.gather(
            *(stack.enter_async_context(peer(server, name, journal)) for name in ("ana", "bo"))
        )
        await asyncio.gather(ana.publish(PATTERN), bo.publish(PATTERN))
        await asyncio.gather(sees_and_hears(ana, "bo"), sees_and_hears(bo, "ana"))
        assert (journal.of("ana"), journal.of("bo")) == (
            ["enterRoom", "remoteUserJoin bo"],
            ["enterRoom", "remoteUserJoin ana"],
        )


async def test_a_server_that_comes_back_is_entered_anew_and_one_that_does_not_is_a_lost_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal()
    config = PeerConfig(retry_min=0.02, retry_max=0.1)
    async with real_server(tmp_path) as (server, stack), peer(server, "ana", journal, config=config) as ana:
        await ana.publish(PATTERN)
        async with peer(server, "bo", journal, config=config) as bo:
            await sees_and_hears(bo, "ana")
            await server.kill()
            await journal.until("bo", "connectionLost")
            await server.start(stack)
            await journal.until("bo", "connectionBack")
            await journal.until("bo", "remoteUserLeave ana network_lost")
            await journal.until_true(lambda: journal.of("bo").count("remoteUserJoin ana") == 2)
            await sees_and_hears(bo, "ana")
        monkeypatch.setattr("peer.rtcmulticonnection.client.GRACE", 0.5)
        await server.kill()
        assert (await ana.wait_exited()).reason is Reason.NETWORK_LOST


async def test_what_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    journal = Journal()
    async with real_server(tmp_path) as (server, _), peer(server, "ana", journal):
        with pytest.raises(Refused, match="somebody is called ana there already"):
            await peer(server, "ana", journal).__aenter__()
        await server.kill()
        with pytest.raises(ServerUnreachable, match=r"no socket\.io server answers"):
            await peer(server, "bo", journal).__aenter__()


@pytest.mark.parametrize("url", ["rtcmulticonnection+ws://127.0.0.1", "rtcmulticonnection+127.0.0.1:9001"])
async def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises((SignalingError, ValueError), match="is no server address: it looks like rtcmulticonnection"):
        await Peer(url, room="lobby", user="ana").__aenter__()


async def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socketio", None)
    with pytest.raises(UsageError, match="takes python-socketio: pip install"):
        await Peer("rtcmulticonnection+http://127.0.0.1:1", room="lobby", user="ana").__aenter__()
