"""A browser at the end of a bad link: what is lost comes again, and one bad link is nobody else's."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.command import ROOT
from tests.devices.tools import process
from tests.e2e.far import PATTERN
from tests.e2e.watching import OpenViewer, viewers
from tests.lossy import LossyCable, reachable

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]
LIMIT = 30.0  # seconds for anything that is waited for
DELAY, LOSS = 0.03, 0.05  # seconds and share of packets, each way
POLL = 0.25  # seconds


class Far:
    """The publisher at the other end of the cable."""

    def __init__(self, running: asyncio.subprocess.Process) -> None:
        self._running = running

    async def line(self) -> Any:
        assert self._running.stdout is not None
        async with asyncio.timeout(LIMIT):
            return json.loads(await self._running.stdout.readline())

    async def sends(self, user: str, kind: str = "video") -> dict[str, Any]:
        """Return its statistics of what it sends to a user."""
        assert self._running.stdin is not None
        self._running.stdin.write(b"\n")
        return next(stats for stats in await self.line() if (stats["user"], stats["kind"]) == (user, kind))

    async def until_tier(self, user: str, *tiers: str) -> list[dict[str, Any]]:
        """Wait until a user has one of these tiers; return what was said of the stream until then."""
        said = []
        async with asyncio.timeout(LIMIT):
            while not said or said[-1]["tier"] not in tiers:
                await asyncio.sleep(POLL)
                said.append(await self.sends(user))
        return said


@asynccontextmanager
async def publishing(cable: LossyCable, url: str) -> AsyncIterator[Far]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    command = cable.command(sys.executable, "-m", "tests.e2e.far", f"{url.replace('http', 'ws', 1)}/ws")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    async with process(*command, environment=environment, **pipes) as running:
        far = Far(running)
        assert await far.line() == "publishes"
        yield far


@pytest_asyncio.fixture(loop_scope="session")
async def lossy_cable() -> AsyncIterator[LossyCable]:
    with LossyCable(delay=DELAY).laid() as laid:
        yield laid


@pytest_asyncio.fixture(loop_scope="session")
async def far(lossy_cable: LossyCable, base_url: str) -> AsyncIterator[Far]:
    async with reachable(base_url) as url, publishing(lossy_cable, url) as publisher:
        yield publisher


@pytest_asyncio.fixture(loop_scope="session")
async def open_viewer(browser: Browser, base_url: str) -> AsyncIterator[OpenViewer]:
    async with viewers(browser, base_url) as opened:
        yield opened


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_what_a_browser_loses_comes_again_and_the_picture_goes_on(
    lossy_cable: LossyCable, far: Far, open_viewer: OpenViewer, codec: str
) -> None:
    ana = await open_viewer("ana", codec)
    await ana.until_shown(int(PATTERN.fps))
    lossy_cable.loss = LOSS
    before, began = await ana.inbound(), await far.sends("ana")
    await ana.until_shown(int(5 * PATTERN.fps))
    after, sent = await ana.inbound(), await far.sends("ana")
    codes = await ana.codes()
    readable = [code for code in codes if code is not None]
    print(
        f"{codec}: {lossy_cable.lost} packets lost, {after['retransmittedPacketsReceived']} came again,"
        f" {after['freezeCount']} freezes of {after['totalFreezesDuration']:.2f} s, {after['pliCount']} PLI,"
        f" {len(readable)} of {len(codes)} time codes read, path {sent['path']}"
    )
    assert lossy_cable.lost > 10
    assert after["nackCount"] > 0
    assert after["retransmittedPacketsReceived"] > 0
    assert sent["nack_count"] > 0
    assert sent["retransmitted_packets_sent"] >= after["retransmittedPacketsReceived"]
    assert 0 < sent["round_trip_time"] - 2 * DELAY < 1.0  # the cable's thread gets its turn late at times
    made = sent["frames_encoded"] - began["frames_encoded"]
    assert after["framesDecoded"] - before["framesDecoded"] > 0.7 * made > 0
    assert len(readable) > 0.9 * len(codes)
    assert readable == sorted(readable)
    assert sent["tier"] == "full"


async def test_one_bad_link_gets_less_and_the_other_all(
    lossy_cable: LossyCable, far: Far, open_viewer: OpenViewer
) -> None:
    ana, bo = await open_viewer("ana"), await open_viewer("bo")
    await ana.until_shown(int(PATTERN.fps))
    await bo.until_shown()
    before, began = await ana.inbound(), await far.sends("ana")
    lossy_cable.spoil(await bo.local_port(), 0.4)
    fell = await far.until_tier("bo", "half", "audio")
    bad, lost = fell[-1], max(stats["fraction_lost"] for stats in fell)
    await ana.until_shown(int(PATTERN.fps))
    good, after = await far.sends("ana"), await ana.inbound()
    print(f"bo: {bad['tier']} after a loss of {lost:.2f}; ana: {good['tier']}")
    assert bad["quality_limitation_reason"] == "bandwidth"
    assert good["quality_limitation_reason"] in {"none", "cpu"}  # of a busy machine, not of the other's link
    assert lost > 0.2
    assert good["tier"] == "full"
    assert after["packetsLost"] == before["packetsLost"] == 0
    made = good["frames_encoded"] - began["frames_encoded"]
    assert after["framesDecoded"] - before["framesDecoded"] > 0.9 * made > 0
    assert after["frameWidth"] == PATTERN.width
    await far.until_tier("bo", "audio")
