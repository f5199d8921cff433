"""The description of the admin API at `/api/docs`, in a browser, and what both pages of operators have in common."""

import pytest
from playwright.async_api import Browser, expect

from signaling.admin.api import OPERATIONS
from tests.e2e.board import ADMIN_KEY, operating, place
from tests.signaling.client import Place

__all__ = ["place"]

WITH_A_KEY = pytest.mark.parametrize("server_options", [{"admin_key": ADMIN_KEY}], ids=["with a key"])
pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

CONTRASTS = """(() => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const light = (name) => {
        canvas.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((part) => part / 255)
            .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (one, other) => {
        const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
        return (bright + 0.05) / (dark + 0.05);
    };
    const words = ["text", "quiet", "accent", "danger"];
    const pairs = words.flatMap((word) => ["ground", "surface"].map((on) => [word, on]));
    pairs.push(["quiet", "raised"], ["on-accent", "accent"]);
    pairs.push(["good", "good-ground"], ["warn", "warn-ground"], ["danger", "danger-ground"]);
    return pairs.filter((pair) => contrast(...pair) < 4.5).map((pair) => pair.join(" on "));
})()"""
NAMELESS = """[...document.querySelectorAll("button, input:not([hidden]), select, textarea, dialog")].filter(
    (element) => !(element.labels?.length
      || element.getAttribute("aria-label") || element.getAttribute("aria-labelledby")
      || (element.localName === "button" && element.textContent.trim()))).map((element) => element.outerHTML)"""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@WITH_A_KEY
async def test_every_operation_is_shown_and_can_be_tried_with_a_key(browser: Browser, base_url: str) -> None:
    async with operating(browser, base_url, "api/docs") as tab:
        await expect(tab.page.locator(".operation")).to_have_count(len(OPERATIONS) + 1)
        operation = tab.page.locator("#createRoom")
        await operation.locator("summary").click()
        await operation.get_by_label("A room's name").fill("attic")
        await operation.get_by_label("Body, as JSON").fill('{"capacity": 3}')
        await operation.get_by_role("button", name="Send").click()
        await expect(operation.locator(".status")).to_contain_text("401")
        await tab.page.get_by_label("Key or token").fill(ADMIN_KEY)
        await operation.get_by_role("button", name="Send").click()
        await expect(operation.locator(".status")).to_contain_text("201")
        await expect(operation.locator(".result")).to_contain_text('"capacity": 3')


async def test_a_stream_is_shown_as_it_comes_and_can_be_stopped(browser: Browser, base_url: str, place: Place) -> None:
    async with operating(browser, base_url, "api/docs") as tab:
        operation = tab.page.locator("#watch")
        await operation.locator("summary").click()
        await operation.get_by_role("button", name="Send").click()
        await expect(operation.locator(".result")).to_contain_text("event: rooms")
        await place.enter("ana")
        await expect(operation.locator(".result")).to_contain_text("event: room\n")
        await operation.get_by_role("button", name="Stop").click()
        await expect(operation.get_by_role("button", name="Stop")).to_be_hidden()


async def test_the_keyboard_opens_an_operation(browser: Browser, base_url: str) -> None:
    async with operating(browser, base_url, "api/docs") as tab:
        operation = tab.page.locator("#kick")
        await operation.locator("summary").focus()
        await tab.page.keyboard.press("Enter")
        await expect(operation.get_by_role("button", name="Send")).to_be_visible()


@pytest.mark.parametrize("path", ["admin", "api/docs"])
async def test_everything_has_a_name_and_fits_on_a_phone(
    browser: Browser, base_url: str, place: Place, path: str
) -> None:
    await place.enter("ana", "a-name-of-64-letters-" + "x" * 43)
    async with operating(browser, base_url, path, viewport={"width": 360, "height": 740}) as tab:
        await expect(tab.page.locator("#rooms .room, .operation").first).to_be_visible()
        assert await tab.value(NAMELESS) == []
        assert await tab.value(TOO_WIDE) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_words_can_be_read_in_light_and_dark(browser: Browser, base_url: str, scheme: str) -> None:
    async with operating(browser, base_url, color_scheme=scheme) as tab:
        assert await tab.value(CONTRASTS) == []
