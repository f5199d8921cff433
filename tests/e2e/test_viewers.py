"""Real browsers watch one publisher: with another codec, later than the others, and none disturbs another."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from peer import Peer, TestPattern
from tests.e2e.watching import OpenViewer, Watching, sends, viewers

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]
FPS = 25
PATTERN = TestPattern(width=480, height=270, fps=FPS)
LIMIT = 30.0  # seconds
FIRST_LIMIT = 2.0  # seconds to the first picture on a busy machine; 0.3 on one that is not
UNDER_WAY = 5  # pictures that are made and not decoded yet
FROZEN_LIMIT = 1.0  # seconds of freezes that a busy machine may make by itself


@pytest_asyncio.fixture(loop_scope="session")
async def publisher(base_url: str) -> AsyncIterator[Peer]:
    async with Peer(f"{base_url.replace('http', 'ws', 1)}/ws", room="lobby", user="kiosk") as me:
        yield me


@pytest_asyncio.fixture(loop_scope="session")
async def open_viewer(browser: Browser, base_url: str) -> AsyncIterator[OpenViewer]:
    async with viewers(browser, base_url) as opened:
        yield opened


async def assert_time_runs(viewer: Watching) -> None:
    """Most pictures bear a time code, and time goes on."""
    codes = await viewer.codes()
    readable = [code for code in codes if code is not None]
    assert len(readable) > 0.9 * len(codes)
    assert readable == sorted(readable)
    assert readable[-1] > readable[0]


async def test_who_takes_another_codec_gets_another_encoder_and_both_see_moving_pictures(
    publisher: Peer, open_viewer: OpenViewer
) -> None:
    ana, bo = await open_viewer("ana"), await open_viewer("bo", "VP8")
    await publisher.publish(PATTERN)
    for viewer in (ana, bo):
        await viewer.until_shown(2 * FPS)
        await assert_time_runs(viewer)
    assert (await ana.codec(), await bo.codec()) == ("video/H264", "video/VP8")
    assert (sends(publisher, "ana").codec, sends(publisher, "bo").codec) == ("H264", "VP8")
    implementations = {sends(publisher, user).encoder_implementation for user in ("ana", "bo")}
    assert implementations == {"libx264", "libvpx"}


async def test_a_codec_that_the_publisher_wants_is_the_codec_of_all(publisher: Peer, open_viewer: OpenViewer) -> None:
    await publisher.publish(PATTERN, codec="vp8")
    ana, bo = await open_viewer("ana"), await open_viewer("bo", "VP8")
    for viewer in (ana, bo):
        await viewer.until_shown(FPS)
        assert await viewer.codec() == "video/VP8"
    first, second = sends(publisher, "ana"), sends(publisher, "bo")
    assert first.encoder_implementation == second.encoder_implementation == "libvpx"
    assert abs(first.frames_encoded - second.frames_encoded) <= 1  # one encoder


async def test_who_comes_later_sees_at_once(publisher: Peer, open_viewer: OpenViewer) -> None:
    await publisher.publish(PATTERN)
    ana = await open_viewer("ana")
    await ana.until_shown(2 * FPS)
    before = await ana.inbound()
    late = [await open_viewer(name) for name in ("bo", "cleo")]
    took = []
    for viewer in late:
        await viewer.until_shown(FPS)
        took.append(await viewer.took())
    after = await ana.inbound()
    print("first picture after", ", ".join(f"{seconds * 1000:.0f} ms" for seconds in took))
    assert max(took) < FIRST_LIMIT
    assert after["keyFramesDecoded"] - before["keyFramesDecoded"] <= 2 * len(late)
    assert sends(publisher, "ana").key_frames_encoded <= 2 + 2 * len(late)
    assert (after["pliCount"], after["packetsLost"]) == (0, 0)


async def test_those_who_come_and_go_freeze_nobodys_picture(
    publisher: Peer, open_viewer: OpenViewer, base_url: str
) -> None:
    await publisher.publish(PATTERN)
    ana = await open_viewer("ana")
    await ana.until_shown(2 * FPS)
    before, made_before = await ana.inbound(), sends(publisher, "ana").frames_encoded
    for number in range(3):  # no pages: those that open take the processor from ana's
        async with Peer(f"{base_url.replace('http', 'ws', 1)}/ws", room="lobby", user=f"late-{number}") as late:
            async with asyncio.timeout(LIMIT):
                while "kiosk" not in late.users:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                async for _ in late.users["kiosk"].video.frames():
                    break
            await ana.until_shown(FPS // 2)
    made = sends(publisher, "ana").frames_encoded - made_before
    after = await ana.inbound()
    assert after["framesDecoded"] - before["framesDecoded"] >= made - UNDER_WAY > 0  # she waited for no key frame
    assert after["totalFreezesDuration"] - before["totalFreezesDuration"] < FROZEN_LIMIT
    assert after["keyFramesDecoded"] - before["keyFramesDecoded"] <= 6
    assert (after["pliCount"], after["packetsLost"]) == (0, 0)


async def test_pictures_arrive_at_the_rate_of_the_source(publisher: Peer, open_viewer: OpenViewer) -> None:
    await publisher.publish(PATTERN)
    ana = await open_viewer("ana")
    await ana.until_shown(FPS)
    before, made_before = await ana.inbound(), sends(publisher, "ana").frames_encoded
    await ana.until_shown(3 * FPS)
    made = sends(publisher, "ana").frames_encoded - made_before
    after = await ana.inbound()
    assert after["framesDecoded"] - before["framesDecoded"] > 0.9 * made > 2 * FPS
    assert after["framesDropped"] - before["framesDropped"] <= 2
    assert after["keyFramesDecoded"] == before["keyFramesDecoded"]
    assert (after["frameWidth"], after["frameHeight"]) == (PATTERN.width, PATTERN.height)
    stats = sends(publisher, "ana")
    assert (stats.path, stats.tier, stats.packets_dropped) == ("segments", "full", 0)


async def test_a_viewer_that_goes_and_comes_again_begins_anew(publisher: Peer, open_viewer: OpenViewer) -> None:
    await publisher.publish(PATTERN)
    ana, bo = await open_viewer("ana"), await open_viewer("bo")
    await ana.until_shown(FPS)
    await bo.tab.page.reload()
    await bo.tab.until_inside()
    await bo.until_shown(FPS)
    await assert_time_runs(bo)
    await assert_time_runs(ana)
