"""A Python peer and a real browser meet, see and hear each other, and the browser is killed."""

import pytest

from peer.testing import Join, Journal, Network, OpenBrowser, assert_exit_contract

pytestmark = pytest.mark.asyncio  # which asyncio_mode = "auto" makes needless


async def test_they_see_and_hear_each_other_and_a_death_is_told(
    no_leaks: None, join: Join, browser: OpenBrowser, journal: Journal
) -> None:
    ana = await join("ana", publish=("audio", "video"))
    page = await browser("chromium", user="bo")
    await page.publish()

    # the browser decodes what the Python peer sends
    await page.until_frames("ana", 10)
    await page.until_sound("ana")
    picture = await page.pixels("ana")
    assert picture.shape == (180, 320, 3)
    assert picture.std() > 10  # it is no blank

    # the Python peer decodes what the browser sends
    async for frame in ana.users["bo"].video.frames(format="rgb24"):
        assert frame.array.shape[2] == 3
        break

    page.kill()
    leave = await journal.until("remoteUserLeave", who="peer lobby/ana", user="bo")
    assert leave.reason == "network_lost"

    await ana.leave()
    assert ana.camera.is_free
    await assert_exit_contract(journal)


async def test_a_cut_line_is_no_exit(network: Network, join: Join, browser: OpenBrowser, journal: Journal) -> None:
    await join("ana")
    page = await browser("chromium", user="bo")
    network.line("bo").cut()
    await page.until_event("connectionLost")
    network.line("bo").heal()
    await journal.until("remoteUserBack", who="peer lobby/ana", user="bo")
    await page.leave()
    await assert_exit_contract(journal, "bo")
