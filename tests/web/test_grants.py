"""What a token allows in the page, and what moderators and programs do to it: seen in a browser."""

import asyncio
import time

import pytest
from playwright.async_api import expect

from peer import Message, Peer, TestPattern
from signaling.server import SignalingServer
from signaling.tokens import make
from tests.browser import OpenTab
from tests.cable import Cable
from tests.journal import Journal

KEY = "a key of thirty-two letters, sure"
WITH_KEY = [{"grace": 60.0, "key": KEY}]

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("server_options", WITH_KEY, ids=["with a key"]),
]
LIMIT = 40.0  # seconds


def token(*grants: str, lasts: float | None = None) -> str:
    return make(KEY, "lobby", grants=grants, expires=None if lasts is None else time.time() + lasts)


def bot(base_url: str, journal: Journal, *grants: str) -> Peer:
    me = Peer(f"{base_url.replace('http', 'ws', 1)}/ws", room="lobby", user="bot", token=token(*grants))
    for hook in (me.on_remote_user_join, me.on_remote_user_leave, me.on_message, me.on_muted, me.on_exit_room):
        hook(lambda event: journal.add("bot", event))
    return me


@pytest.mark.parametrize("page_comes_first", [True, False])
async def test_a_page_that_may_only_watch_sees_a_program_that_may_only_publish(
    open_tab: OpenTab, base_url: str, page_comes_first: bool
) -> None:
    journal = Journal()
    ana = await open_tab("ana", token=token("subscribe")) if page_comes_first else None
    if ana is not None:
        await ana.until_inside()
    async with bot(base_url, journal, "publish") as me:
        await me.publish(TestPattern(width=320, height=180, fps=10))
        ana = ana or await open_tab("ana", token=token("subscribe"))
        await journal.until("bot", "remoteUserJoin ana")
        await ana.until_picture("bot")
        assert await ana.page.is_hidden("#publish")
        refusal = "exeunt.me.publish(new MediaStream()).catch((error) => error.message)"
        assert await ana.value(refusal) == "The token does not let us publish."
    await ana.until_event("remoteUserLeave bot left notice")
    assert "error" not in await ana.events()


@pytest.mark.parametrize("page_comes_first", [True, False])
async def test_a_page_that_may_only_publish_is_seen_by_a_program_that_may_only_watch(
    open_tab: OpenTab, base_url: str, page_comes_first: bool
) -> None:
    journal = Journal()
    ana = await open_tab("ana", token=token("publish")) if page_comes_first else None
    if ana is not None:
        await ana.until_inside()
    async with bot(base_url, journal, "subscribe") as me:
        ana = ana or await open_tab("ana", token=token("publish"))
        await journal.until("bot", "remoteUserJoin ana")
        await ana.publish()
        async with asyncio.timeout(LIMIT):
            async for frame in me.users["ana"].video.frames():
                if frame.array.any():
                    break


async def test_two_pages_that_may_only_watch_can_still_talk_straight(open_tab: OpenTab) -> None:
    ana = await open_tab("ana", token=token("subscribe"))
    await ana.until_inside()
    ben = await open_tab("ben", token=token())
    await ana.until_channels(1)
    await ben.until_channels(1)
    assert "error" not in await ana.events()


async def test_messages_pass_between_page_and_program(
    open_tab: OpenTab, base_url: str, server: SignalingServer
) -> None:
    journal = Journal()
    ana = await open_tab("ana", token=token("message"))
    await ana.until_inside()
    async with bot(base_url, journal, "message") as me:
        await ana.until_event("remoteUserJoin bot")
        await ana.value('exeunt.me.sendMessage("chat", { text: "<b>hello</b>" })')
        await journal.until("bot", "message")
        assert journal.last("bot") == Message(user="ana", topic="chat", data={"text": "<b>hello</b>"})
        me.send_message("chat", [1, 2], to="ana")
        await ana.until_event("message bot")
        await server.broadcast("lobby", "news", None)
        await ana.until("exeunt.events.filter(({ type }) => type === 'message').length === 2")
        told = await ana.value("exeunt.events.filter(({ type }) => type === 'message')")
    assert told == [
        {"type": "message", "user": "bot", "topic": "chat", "data": [1, 2]},
        {"type": "message", "user": None, "topic": "news", "data": None},
    ]


async def test_a_page_is_muted_by_a_moderator_and_may_unmute(open_tab: OpenTab, base_url: str) -> None:
    ana = await open_tab("ana", token=token("publish", "subscribe"))
    await ana.until_inside()
    await ana.publish()
    async with bot(base_url, Journal(), "moderate") as me:
        await ana.until_event("remoteUserJoin bot")
        await me.mute_user("ana", "video")
        await ana.until("exeunt.me.muted.has('video')")
        assert await ana.page.get_attribute("#mute-video", "aria-pressed") == "true"
        assert not await ana.value("published.find(({ kind }) => kind === 'video').enabled")
        await ana.page.click("#mute-video")
        assert await ana.value("published.every(({ enabled }) => enabled)")


async def test_a_page_that_is_moved_keeps_its_camera_and_shows_the_others_of_the_new_room(
    open_tab: OpenTab, base_url: str, server: SignalingServer
) -> None:
    ana = await open_tab("ana", token=token("publish", "subscribe"))
    await ana.until_inside()
    await ana.publish()
    journal = Journal()
    async with bot(base_url, journal, "subscribe") as me:
        await journal.until("bot", "remoteUserJoin ana")
        told = await server.move("lobby", "ana", "attic")
        assert told is not None
        assert (sorted(told.told), told.unacknowledged) == (["ana", "bot"], [])
        await journal.until("bot", "remoteUserLeave ana moved")
        await ana.until("document.title.startsWith('attic')")
        assert await ana.value("[exeunt.me.room, exeunt.me.users.size]") == ["attic", 0]
        await expect(ana.page.locator(".tile:not(.own)")).to_have_count(0)
        assert await ana.value("published.every(({ readyState }) => readyState === 'live')")
        await server.move("attic", "ana", "lobby")
        await journal.until_true(lambda: journal.of("bot").count("remoteUserJoin ana") == 2)
        async with asyncio.timeout(LIMIT):
            async for frame in me.users["ana"].video.frames():
                if frame.array.any():
                    break
        assert "exitRoom" not in " ".join(await ana.events())


async def test_a_page_refreshes_its_token_and_stays(open_tab: OpenTab, server: SignalingServer) -> None:
    ana = await open_tab("ana", token=token("publish", lasts=12.0))  # 5 s before its end it expires soon
    await ana.until_event("tokenExpiring")
    newer = token("subscribe", lasts=60.0)
    await ana.value(f"exeunt.me.refreshToken('{newer}')")
    await ana.until("exeunt.me.grants.includes('subscribe')")
    room = server.room("lobby")
    assert room is not None
    assert [user.user for user in room.users] == ["ana"]
    assert await ana.value("exeunt.me.isInside")


async def test_a_newer_token_that_is_lost_with_the_connection_is_said_on_coming_back(
    open_tab: OpenTab, cable: Cable
) -> None:
    ana = await open_tab("ana", token=token("publish"), url=cable.url)
    await ana.until_inside()
    cable.swallow()
    await ana.value(f"exeunt.me.refreshToken('{token('subscribe')}')")
    cable.cut()
    await ana.until_event("connectionLost")
    cable.mend()
    await ana.until_event("connectionBack")
    await ana.until("exeunt.me.grants.join() === 'subscribe'")


@pytest.mark.parametrize("page_comes_first", [True, False])
async def test_who_may_publish_no_longer_is_not_seen_by_a_page_until_it_may_again(
    open_tab: OpenTab, base_url: str, page_comes_first: bool
) -> None:
    tracks = "(exeunt.me.users.get('bot')?.stream.getVideoTracks() ?? [])"
    picture = f"{tracks}.some(({{ muted, readyState }}) => !muted && readyState === 'live')"
    journal = Journal()
    ana = await open_tab("ana", token=token("subscribe")) if page_comes_first else None
    if ana is not None:
        await ana.until_inside()
    async with bot(base_url, journal, "publish") as me:
        await me.publish(TestPattern(width=320, height=180, fps=10))
        ana = ana or await open_tab("ana", token=token("subscribe"))
        await ana.until(picture)
        await me.refresh_token(token())
        await ana.until_event("remoteUserUpdate bot")
        await ana.until(f"!({picture})")
        await me.refresh_token(token("publish"))
        await ana.until(picture)


async def test_a_page_acknowledges_that_it_is_out(open_tab: OpenTab, server: SignalingServer) -> None:
    ana = await open_tab("ana", token=token())
    await ana.until_inside()
    told = await server.kick("lobby", "ana", "too loud")
    assert told is not None
    assert (told.told, told.unacknowledged) == (["ana"], [])
    await ana.until_event("exitRoom kicked")
