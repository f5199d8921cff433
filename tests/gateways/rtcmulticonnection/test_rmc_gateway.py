"""The gateway as pages meet it: over real sockets, with clients of ours in the room."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
import socketio

from signaling import SignalingServer
from signaling.config import Duplicate
from signaling.gateways.rmc_page import IN_JANUS, NO_PASSWORDS
from signaling.gateways.rmc_wire import MESSAGE_EVENT
from signaling.messages import (
    Farewell,
    Joined,
    Kick,
    Leave,
    Offer,
    RemoteUserBack,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUnreachable,
    Said,
    Say,
)
from signaling.reasons import Detection, Reason
from tests.gateways.rtcmulticonnection.page_socket import PageSocket, page
from tests.signaling.client import Client, Place, listening

KEY = "a key that is long enough for everybody"
REQUEST = {"newParticipationRequest": True, "isDataOnly": True}
PATIENCE = 20.0  # seconds
JANUS_OPTIONS = {"topology": "janus", "janus": ("ws://127.0.0.1:9",), "janus_secret": "of nobody who is there"}


@contextlib.asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Place]:
    server = SignalingServer(rtcmulticonnection=True, **{"grace": 20.0, **options})
    async with listening(server) as place:
        place.server = server  # type: ignore[attr-defined] # for the few tests that ask it something
        yield place


async def bot_in(place: Place, room: str = "lobby", user: str = "bot", **facts: Any) -> tuple[Client, Joined]:
    client = await place.connect()
    return client, await client.join(user, room=room, extra={"is": user}, **facts)


async def heard(client: Client, kind: type) -> Any:
    """Return the next message of a kind; others before it do not matter."""
    async with asyncio.timeout(PATIENCE):
        while not isinstance(message := await client.hear(), kind):
            pass
    return message


# -- how ours leave, as a page is told --


async def leaves(_: Place, client: Client, __: Joined) -> None:
    await client.say(Leave())


async def fails(_: Place, client: Client, __: Joined) -> None:
    await client.say(Leave(failed=True))


async def is_lost(_: Place, client: Client, __: Joined) -> None:
    await client.socket.close()


async def crashes(place: Place, _: Client, joined: Joined) -> None:
    word = Farewell(session=joined.session, ticket=joined.ticket, reason="crashed")
    fields = {name: getattr(word, name) for name in word.__struct_fields__}
    async with place.http.post(f"{place.url}/ws", json=fields) as answer:
        assert answer.status == 204


async def is_kicked(place: Place, _: Client, __: Joined) -> None:
    await place.server.kick("lobby", "bot")  # type: ignore[attr-defined] # see `serving`


async def is_replaced(place: Place, _: Client, __: Joined) -> None:
    await bot_in(place)


WAYS = (leaves, fails, is_lost, crashes, is_kicked, is_replaced)
Way = Callable[[Place, Client, Joined], Awaitable[None]]


@pytest.mark.parametrize("way", WAYS)
async def test_a_page_is_told_once_of_everybody_who_leaves_however_with_the_right_extra(way: Way) -> None:
    async with serving(grace=0.2) as place, page(place.url, "ana") as ana:
        client, joined = await bot_in(place)
        assert await ana.enter("lobby") is True
        await way(place, client, joined)
        await ana.until("user-disconnected", "bot")
        told = ana.events("user-disconnected", "extra-data-updated")
        assert told == [("extra-data-updated", "bot", {"is": "bot"}), ("user-disconnected", "bot")]


async def test_a_page_is_told_of_who_leaves_because_a_token_is_over() -> None:
    async with serving(key=KEY) as place:
        soon = jwt.encode({"user": "bot", "room": "lobby", "exp": time.time() + 2}, KEY)
        client, _ = await bot_in(place, token=soon)
        async with page(place.url, "ana", token=jwt.encode({"user": "ana"}, KEY)) as ana:
            assert await ana.enter("lobby") is True
            await ana.until("user-disconnected", "bot")
        assert client is not None


# -- what the original gets wrong --


async def test_d1_who_has_left_is_no_ghost_although_the_socket_stays() -> None:
    async with serving() as place, page(place.url, "ana") as ana, page(place.url, "bo") as bo:
        await ana.enter("lobby", event="open-room")
        await bo.enter("lobby")
        await bo.speak("lobby", REQUEST)
        await ana.until_message("bo", "newParticipationRequest")
        await bo.speak("ana", {"userLeft": True})
        await ana.until("user-disconnected", "bo")
        async with page(place.url, "cy", transports=["polling"]) as cy:
            assert await cy.enter("lobby") is True
            await cy.speak("lobby", REQUEST)
            await ana.until_message("cy", "newParticipationRequest")
            assert await cy.ask("get-remote-user-extra-data", "bo") == "User ID does not exist"
        assert bo.events(MESSAGE_EVENT) == []


async def test_d2_d3_a_session_that_is_closed_ends_for_all_and_is_closed_by_its_owners_leave_if_wanted() -> None:
    async with serving() as place, page(place.url, "bo") as bo:
        async with page(place.url, "ana", autoCloseEntireSession="true") as ana:
            await ana.enter("lobby", event="open-room")
            await bo.enter("lobby")
            await ana.ask("close-entire-session")
            assert (await bo.until("closed-entire-session"))[1] == "lobby"
            await ana.enter("again", event="open-room")
            await bo.enter("again")
        await bo.until("closed-entire-session", "again")
        assert (await bo.ask("check-presence", "again"))[0] is False


async def test_d4_the_room_passes_on_when_its_owner_leaves() -> None:
    async with serving() as place, page(place.url, "ana") as ana, page(place.url, "bo") as bo:
        await ana.enter("lobby", event="open-room")
        await bo.enter("lobby")
        await ana.speak("bo", {"userLeft": True})
        await bo.until("set-isInitiator-true", "lobby")


async def test_d5_d6_nobody_forges_a_leave_and_no_word_ends_the_server() -> None:
    async with serving() as place, page(place.url, "ana") as ana, page(place.url, "eve") as eve:
        client, _ = await bot_in(place)
        await ana.enter("lobby")
        await eve.enter("lobby")
        await eve.speak("bot", {"userLeft": True}, sender="ana")
        await eve.until("logs", "eve cannot speak for ana")
        for hostile in (None, 7, [], {}, {"remoteUserId": None}):
            await eve.client.emit(MESSAGE_EVENT, hostile)
        deep = f'2["extra-data-updated",{"[" * 900}{"]" * 900}]'
        for packet in ('2["x"', "2[[]]", "2{}", "2" + "[" * 5000, deep):
            await eve.client.eio.send(packet)
        for event in ("join-room", "open-room", "check-presence", "extra-data-updated", "disconnect-with", "nonsense"):
            assert await eve.ask(event) in (None, [])
        await eve.client.emit("extra-data-updated", {"last": 1})
        await heard(client, RemoteUserJoin)
        assert (await heard(client, RemoteUserJoin)).user == "eve"
        assert ana.events("user-disconnected") == []
        assert (await place.http.get(f"{place.url}/healthz")).status == 200


async def test_d7_d8_d9_an_extra_is_the_users_own_whole_and_without_flags() -> None:
    async with serving() as place, page(place.url, "ana", extra={"name": "A & B #1"}) as ana:
        await ana.enter("lobby", event="open-room")
        client, joined = await bot_in(place)
        assert joined.users[0].extra == {"name": "A & B #1"}
        async with page(place.url, "bo", extra={"is": "bo"}) as bo:
            await bo.enter("lobby")
            await bo.speak("ana", {"type": "offer", "sdp": "v=0\r\n", "extra": {"is": "bo"}})
            await bo.until("extra-data-updated", "ana", {"name": "A & B #1"})
            assert (await ana.until_message("bo", "sdp"))["sdp"] == "v=0\r\n"
        assert client is not None


async def test_d10_a_name_that_is_taken_is_answered() -> None:
    async with serving(duplicate=Duplicate.REJECT) as place, page(place.url, "bot") as ana:
        await bot_in(place)
        assert await ana.enter("lobby") == (False, "bot is in the room already")


async def test_d11_a_page_with_a_secret_comes_back_and_nobody_else_does_in_its_name() -> None:
    async with serving() as place:
        client, _ = await bot_in(place)
        ana = PageSocket("ana")
        await ana.connect(place.url, secret="known to ana alone")
        await ana.enter("lobby")
        await heard(client, RemoteUserJoin)
        await ana.client.eio.ws.close()
        await heard(client, RemoteUserUnreachable)
        async with page(place.url, "ana", secret="guessed") as eve:
            await eve.speak("bot", {"candidate": "candidate:1"})
            await eve.until("user-disconnected", "bot")
        async with page(place.url, "ana", secret="known to ana alone") as back:
            await heard(client, RemoteUserBack)
            await client.say(Say(topic="t", data=1, to="ana"))
            await back.until("RTCMultiConnection-Custom-Message", 1)
        left = await heard(client, RemoteUserLeave)
        assert (left.user, left.reason, left.detected_by) == ("ana", Reason.LEFT, Detection.NOTICE)
        await ana.client.disconnect()


async def test_a_page_that_is_opened_twice_with_one_secret_goes_on_in_the_newer() -> None:
    async with serving() as place, page(place.url, "ana", secret="x") as ana:
        client, _ = await bot_in(place)
        await ana.enter("lobby")
        async with page(place.url, "ana", secret="x") as newer:
            await ana.until("disconnect")
            assert ana.events("user-disconnected") == [("user-disconnected", "bot")]
            await client.say(Say(topic="t", data=1, to="ana"))
            await newer.until("RTCMultiConnection-Custom-Message", 1)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_d13_pages_of_other_sites_may_come_if_they_are_allowed(transport: str) -> None:
    async with serving(allowed_origins=("https://example.org",)) as place:
        query = {"userid": "ana", "EIO": "4", "transport": transport}
        address = f"{place.url}/socket.io/"
        for origin, status in (("https://example.org", 200), ("https://evil.example", 403)):
            if transport == "polling":
                async with place.http.get(address, params=query, headers={"Origin": origin}) as answer:
                    assert answer.status == status
                    assert answer.headers.get("Access-Control-Allow-Origin") == (origin if status == 200 else None)
            elif status == 403:
                with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                    await place.http.ws_connect(address, params=query, origin=origin)
            else:
                await (await place.http.ws_connect(address, params=query, origin=origin)).close()


# -- limits --


async def test_deflate_is_declined_pings_are_quick_and_what_is_too_large_ends_the_socket() -> None:
    async with serving() as place:
        query = {"userid": "ana", "EIO": "4", "transport": "websocket"}
        socket = await place.http.ws_connect(f"{place.url}/socket.io/", params=query, compress=15)
        assert not socket.compress
        opened = json.loads((await socket.receive_str(timeout=PATIENCE))[1:])
        assert (opened["pingInterval"], opened["pingTimeout"], opened["maxPayload"]) == (2000, 2000, 65536)
        await socket.send_str("40")
        await socket.send_str("4" + "x" * 70_000)
        async with asyncio.timeout(PATIENCE):
            while not socket.closed:
                await socket.receive()


async def test_tokens_limits_and_passwords_are_clear_errors() -> None:
    async with serving(key=KEY, join_rate=1, connections_per_address=2) as place:
        viewer = jwt.encode({"user": "bo", "room": "lobby"}, KEY)
        async with page(place.url, "ana") as ana, page(place.url, "bo", token=viewer) as bo:
            assert (await ana.ask("check-presence", "lobby"))[0] is False
            assert (await ana.enter("lobby"))[1] == "this server lets nobody in without a token"
            assert (await bo.enter("lobby", event="open-room", password="x")) == (False, NO_PASSWORDS)
            assert await bo.enter("lobby", event="open-room") is True
            await bo.client.emit("close-entire-session")
            await bo.until("logs", "closing the room takes a token with the grant moderate")
            with pytest.raises(socketio.exceptions.ConnectionError):
                await PageSocket("cy").connect(place.url)
            await bo.speak("x", {"userLeft": True})
            assert "too many joins" in (await bo.enter("lobby", event="open-room"))[1]


async def test_a_page_that_says_too_much_is_heard_late_but_in_order() -> None:
    async with serving(message_rate=50.0, message_burst=3) as place, page(place.url, "ana") as ana:
        client, _ = await bot_in(place)
        await ana.enter("lobby")
        for number in range(10):
            await ana.client.emit("RTCMultiConnection-Custom-Message", number)
        assert [(await heard(client, Said)).data for _ in range(10)] == list(range(10))


async def test_moderators_of_ours_kick_a_page_which_then_is_out() -> None:
    async with serving() as place, page(place.url, "ana") as ana:
        client, _ = await bot_in(place)
        await ana.enter("lobby")
        await client.say(Kick(user="ana", text="enough"))
        await ana.until("disconnect")
        assert ana.told[-3:] == [
            ("user-disconnected", "bot"),
            ("logs", "out of the room: kicked (enough)"),
            ("disconnect", "server disconnect"),
        ]
        left = await heard(client, RemoteUserLeave)
        assert (left.user, left.reason) == ("ana", Reason.KICKED)


async def test_a_server_that_ends_lets_go_of_pages_inside_and_outside_of_rooms() -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with serving() as place:
            ana, bo = [await stack.enter_async_context(page(place.url, user)) for user in ("ana", "bo")]
            await ana.enter("lobby", event="open-room")
            await bot_in(place)
            await ana.ask("check-presence", "lobby")
        await asyncio.gather(ana.until("disconnect"), bo.until("disconnect"))
        assert ("logs", "out of the room: server_shutdown") in ana.told


async def test_a_room_in_janus_is_closed_to_pages_which_are_told_so() -> None:
    async with serving(**JANUS_OPTIONS) as place, page(place.url, "ana") as ana:
        assert await ana.enter("lobby", event="open-room") == (False, IN_JANUS)
        assert (await ana.ask("check-presence", "lobby"))[0] is False


async def test_a_server_that_hands_over_lets_go_of_pages(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with serving(state=tmp_path / "state") as place:
            ana = await stack.enter_async_context(page(place.url, "ana", secret="x"))
            await bot_in(place)
            await ana.enter("lobby")
        await ana.until("disconnect")
        assert ana.events("user-disconnected") == [("user-disconnected", "bot")]


async def test_what_no_client_may_say_is_refused_and_said_in_the_console() -> None:
    async with serving() as place, page(place.url, "ana") as ana:
        client, _ = await bot_in(place)
        await ana.enter("lobby")
        await ana.speak("lobby", REQUEST)
        await ana.until_message("bot", "newParticipationRequest")
        await ana.speak("bot", {"type": "offer", "sdp": "v=0\r\n"})
        await ana.speak("bot", {"candidate": "candidate:" + "1" * 2000, "sdpMid": "0"})
        assert "1024" in (await ana.until("logs"))[1]
        assert (await heard(client, Offer)).sdp == "v=0\r\n"


# -- what must be there --


async def test_a_page_without_a_name_or_with_one_that_does_not_fit_is_told_so() -> None:
    async with serving() as place:
        with pytest.raises(socketio.exceptions.ConnectionError, match="failed to connect"):
            await PageSocket("").connect(place.url)
        async with page(place.url, "{ana}") as ana:
            assert "no user can be called" in (await ana.enter("lobby", event="open-room"))[1]


def test_a_folder_that_is_none_and_a_package_that_is_missing_are_clear_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="must be a folder"):
        SignalingServer(rtcmulticonnection=True, rtcmulticonnection_files=tmp_path / "none")
    for name in [name for name in sys.modules if name.startswith("signaling.gateways.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "socketio", None)
    with pytest.raises(ValueError, match=r"pip install 'exeunt\[rtcmulticonnection\]'"):
        SignalingServer(rtcmulticonnection=True)
