"""What a Python peer receives of a browser and over a bad link: whole frames, none decoded before somebody asks."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from peer import CandidatePairStats, InboundRtpStats, Peer, RemoteUser
from peer.media.encoded import EncodedFrame
from tests.command import ROOT
from tests.devices.tools import process
from tests.e2e.far import PATTERN
from tests.e2e.watching import OpenViewer, viewers
from tests.lossy import LossyCable, reachable

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]
LIMIT = 20.0  # seconds for anything that is waited for
DELAY, LOSS = 0.03, 0.05  # seconds and share of packets, each way
BACK = 2.0  # seconds after a cut until the picture moves again, on a machine that is busy


class Tapped:
    """What comes of one user, not decoded."""

    def __init__(self, user: RemoteUser) -> None:
        self.frames: dict[str, list[EncodedFrame]] = {"video": [], "audio": []}
        self.arrived: list[float] = []  # of pictures, by time.monotonic()
        self._news = asyncio.Event()
        self._ends = [user.video.tap(self._take), user.audio.tap(self._take)]
        user.video.request_key_frame()

    def _take(self, frame: EncodedFrame) -> None:
        self.frames[frame.kind].append(frame)
        if frame.kind == "video":
            self.arrived.append(time.monotonic())
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def more(self, pictures: int) -> None:
        count = len(self.arrived) + pictures
        await self.until(lambda: len(self.arrived) >= count)

    def end(self) -> None:
        for end in self._ends:
            end()


def decoders() -> list[str]:
    return [one.name for one in threading.enumerate() if "decode" in one.name and "device" not in one.name]


def received(me: Peer, kind: str) -> InboundRtpStats:
    return next(one for one in me.stats() if isinstance(one, InboundRtpStats) and one.kind == kind)


@pytest_asyncio.fixture(loop_scope="session")
async def open_viewer(browser: Browser, base_url: str) -> AsyncIterator[OpenViewer]:
    async with viewers(browser, base_url) as opened:
        yield opened


def bot_of(base_url: str) -> Peer:
    return Peer(f"{base_url.replace('http', 'ws', 1)}/ws", room="lobby", user="bot")


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_of_a_browser_whole_frames_come_and_nothing_is_decoded_before_somebody_reads(
    open_viewer: OpenViewer, base_url: str, codec: str
) -> None:
    async with bot_of(base_url) as bot:
        ana = await open_viewer("ana", codec)
        await ana.tab.publish()
        user = await bot.user("ana", timeout=LIMIT)
        tapped = Tapped(user)
        await tapped.until(lambda: len(tapped.frames["audio"]) > 50 and len(tapped.arrived) > 20)
        await tapped.until(lambda: tapped.frames["video"][-1].is_mapped and tapped.frames["audio"][-1].is_mapped)
        assert decoders() == []
        pictures, sounds = tapped.frames["video"], tapped.frames["audio"]
        assert pictures[0].is_key
        assert {frame.codec for frame in pictures} == {codec.lower()}
        assert {frame.codec for frame in sounds} == {"opus"}
        stamps = [frame.timestamp for frame in pictures]
        assert stamps == sorted(set(stamps))
        assert abs(pictures[-1].time - sounds[-1].time) < 1.0
        async with asyncio.timeout(LIMIT):
            async for picture in user.video.frames("gray"):
                assert picture.array.ndim == 2
                assert decoders() == ["decode video"]
                break
        got = received(bot, "video")
        assert (got.codec, got.packets_lost, got.freeze_count) == (codec.lower(), 0, got.freeze_count)
        assert got.frame_width > 0
        assert 0 < got.frames_decoded <= got.frames_received
        assert got.key_frames_decoded >= 1
        (pair,) = [one for one in bot.stats() if isinstance(one, CandidatePairStats)]
        assert (pair.user, pair.local_candidate_type) == ("ana", "host")
        assert pair.current_round_trip_time is not None
        assert 0 < pair.current_round_trip_time < 1
        tapped.end()
        count = len(pictures)
        await user.video.first_frame(timeout=LIMIT)
        assert len(pictures) == count


@asynccontextmanager
async def publishing(cable: LossyCable, url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    command = cable.command(sys.executable, "-m", "tests.e2e.far", f"{url.replace('http', 'ws', 1)}/ws")
    environment: dict[str, Any] = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    async with process(*command, environment=environment, **pipes) as running:
        assert running.stdout is not None
        async with asyncio.timeout(LIMIT):
            assert json.loads(await running.stdout.readline()) == "publishes"
        yield running


async def test_over_a_bad_link_what_is_lost_comes_again_and_a_stuck_picture_goes_on(base_url: str) -> None:
    with LossyCable(delay=DELAY).laid() as cable:
        async with reachable(base_url) as url, publishing(cable, url), bot_of(url) as bot:
            frozen = asyncio.Event()
            bot.on_remote_user_frozen(lambda _: frozen.set())
            user = await bot.user("kiosk", timeout=LIMIT)
            tapped = Tapped(user)
            await tapped.more(int(PATTERN.fps))
            cable.loss = LOSS
            before, began = received(bot, "video"), time.monotonic()
            await tapped.more(int(6 * PATTERN.fps))
            after, took = received(bot, "video"), time.monotonic() - began
            froze = after.total_freezes_duration - before.total_freezes_duration
            print(f"{cable.lost} packets lost, {after.retransmitted_packets_received} came again, frozen {froze:.2f} s")
            assert cable.lost > 10
            assert after.nack_count > before.nack_count
            assert after.retransmitted_packets_received > 0
            assert (after.frames_received - before.frames_received) / took > 0.6 * PATTERN.fps
            assert after.frames_decoded == 0
            frozen.clear()
            cable.loss = 1.0
            async with asyncio.timeout(LIMIT):
                await frozen.wait()
            cable.loss, mended = 0.0, time.monotonic()
            await tapped.until(lambda: tapped.arrived[-1] > mended)
            back = tapped.arrived[-1] - mended
            print(f"after a cut the picture moved again {back:.2f} s later")
            assert back < BACK
            assert received(bot, "video").freeze_count > 0
            stamps = [frame.timestamp for frame in tapped.frames["video"]]
            assert stamps == sorted(set(stamps))
            assert all(frame.is_key for frame in tapped.frames["video"] if frame.follows_gap)
            assert decoders() == []
