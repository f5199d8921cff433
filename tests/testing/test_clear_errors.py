"""What a test is told that asks for what is not there."""

import asyncio
from pathlib import Path

import pytest

from peer import UsageError
from peer.testing import BrowserError, FakeCamera, Journal, Network, OpenBrowser, assert_exit_contract

LIMIT = 20.0  # seconds


async def test_a_missing_browser_says_what_to_install(browser: OpenBrowser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXEUNT_FIREFOX", "/nowhere/firefox")
    with pytest.raises(BrowserError, match=r"apt install firefox-esr.*or set EXEUNT_FIREFOX to its program"):
        await browser("firefox")


async def test_a_browser_that_is_none_or_does_not_start_says_so(
    browser: OpenBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BrowserError, match="'netscape' is no browser known here"):
        await browser("netscape")
    with pytest.raises(UsageError, match="'THEORA' is no codec"):
        await browser("chromium", codec="THEORA")
    monkeypatch.setenv("EXEUNT_CHROMIUM", "/bin/false")
    with pytest.raises(BrowserError, match="/bin/false ended at once"):
        await browser("chromium")


async def test_a_journal_in_which_nobody_left_is_a_breach(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="nobody has left"):
        await assert_exit_contract(Journal(tmp_path / "none"), limit=0.05)


async def test_a_path_has_two_ends_and_a_device_two_ways_to_refuse(network: Network, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="from one user to another"):
        network.path("ana", "ana")
    with pytest.raises(UsageError, match="'busy' or 'denied'"):
        FakeCamera.make(tmp_path, "front").refuse("never")


async def test_what_goes_wrong_in_a_page_is_told(browser: OpenBrowser) -> None:
    page = await browser("chromium")
    with pytest.raises(BrowserError, match="at once"):
        await page.evaluate("(() => { throw new Error('at once') })()")
    with pytest.raises(BrowserError, match="shows no picture of ana"):
        await page.pixels("ana")
    await page.evaluate("void setTimeout(() => { throw new Error('later') })")
    async with asyncio.timeout(LIMIT):
        while not page.problems:  # noqa: ASYNC110 - it is told when it happens, and wakes nobody
            await asyncio.sleep(0.02)
    assert "later" in page.problems[0]
    page.problems.clear()  # else the test would fail, which is the point
