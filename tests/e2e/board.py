"""The operator's pages in a browser, as a test sees them: nothing may be asked elsewhere, nothing may pop up."""

import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Dialog, Page, Request

from tests.signaling.client import Place
from tests.tab import Tab

ADMIN_KEY = "an-admin-key-for-the-tests"
HOSTILE = (
    "<img src=x onerror=\"alert('x')\"><script>alert(1)</script>'\"`${alert(2)}javascript:alert(3)\u202e\x00&lt;b&gt;"
)


class OperatorTab(Tab):
    """One of the pages. `problems` holds requests elsewhere and dialogs of scripts, too."""

    def __init__(self, page: Page, url: str) -> None:
        super().__init__(page)
        self._site = urlsplit(url).netloc
        page.on("request", self._asked)
        page.on("dialog", self._popped_up)

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data" and parts.netloc != self._site:
            self.problems.append(f"asked {request.url}")

    async def _popped_up(self, dialog: Dialog) -> None:
        self.problems.append(f"{dialog.type}: {dialog.message}")
        await dialog.dismiss()

    async def sign_in(self, key: str = ADMIN_KEY) -> None:
        """Give a key."""
        await self.page.get_by_label("Key or token").fill(key)
        await self.page.get_by_role("button", name="Sign in").click()


@contextlib.asynccontextmanager
async def operating(
    browser: Browser, url: str, path: str = "admin", *, key: str | None = None, **options: object
) -> AsyncIterator[OperatorTab]:
    """Open a page; afterwards nothing may have been wrong."""
    context: BrowserContext = await browser.new_context(reduced_motion="reduce", **options)
    try:
        tab = OperatorTab(await context.new_page(), url)
        if key is not None:
            await tab.page.add_init_script(f"sessionStorage.setItem('exeunt.admin', '{key}')")
        await tab.page.goto(f"{url}/{path}")
        yield tab
        assert tab.problems == []
    finally:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def place(base_url: str) -> AsyncIterator[Place]:
    """Where users can come in, who are no browsers."""
    async with aiohttp.ClientSession() as http:
        yield Place(base_url, http)
