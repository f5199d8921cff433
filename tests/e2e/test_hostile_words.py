"""Nothing that a user says becomes part of a page: it is text, whatever it looks like."""

import json

import msgspec
import pytest
from playwright.async_api import Browser, Error, Route, expect

from signaling.pages import OPERATOR_POLICY
from tests.e2e.board import HOSTILE, operating, place
from tests.signaling.client import Place

__all__ = ["place"]

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

EXTRA = {HOSTILE: HOSTILE, "__proto__": {"polluted": True}, "constructor": HOSTILE}


async def test_what_users_say_of_themselves_is_shown_as_it_is(browser: Browser, base_url: str, place: Place) -> None:
    await (await place.connect()).join("ana", room="hall", extra=EXTRA)
    async with operating(browser, base_url) as tab:
        cell = tab.page.locator(".extra")
        await expect(cell).to_be_visible()
        assert json.loads(await cell.text_content() or "") == EXTRA
        assert await tab.value("document.querySelectorAll('.extra *:not(span), script:not([src]), img').length") == 0
        assert await tab.value("({}).polluted === undefined")


async def test_names_that_no_server_allows_would_be_text_as_well(browser: Browser, base_url: str) -> None:
    """A server that was taken over, or a defect in it, must not take over whoever looks at it."""
    user = {"user": HOSTILE, "session": HOSTILE, "extra": {"x": HOSTILE}, "unreachable": False, "since": 1.0}
    rooms = msgspec.json.encode({"rooms": [{"name": HOSTILE, "users": [user]}]})

    async def answer(route: Route) -> None:
        if route.request.url.endswith("/api/events"):
            body = b"event: rooms\ndata: %s\n\n" % rooms
            await route.fulfill(status=200, content_type="text/event-stream", body=body)
        else:
            problem = msgspec.json.encode({"code": HOSTILE, "text": HOSTILE})
            await route.fulfill(status=409, content_type="application/json", body=problem)

    async with operating(browser, base_url, "api/docs") as tab:
        await tab.page.route("**/api/events", answer)
        await tab.page.route("**/api/rooms/**", answer)
        await tab.page.goto(f"{base_url}/admin")
        assert await tab.page.locator(".room-name").text_content() == HOSTILE
        assert await tab.page.locator("th.user").text_content() == HOSTILE
        await tab.page.locator("button.kick").click()
        assert HOSTILE in (await tab.page.locator("#kick-title").text_content() or "")
        await tab.page.get_by_role("dialog").get_by_role("button", name="Kick", exact=True).click()
        await expect(tab.page.locator("#notices li")).to_have_count(1)
        assert await tab.page.locator("#notices li").text_content() == HOSTILE
        assert await tab.value("document.querySelectorAll('img, script:not([src]), b').length") == 0


async def test_what_is_answered_to_a_try_is_text(browser: Browser, base_url: str, place: Place) -> None:
    await (await place.connect()).join("ana", room="hall", extra=EXTRA)
    async with operating(browser, base_url, "api/docs") as tab:
        operation = tab.page.locator("#listRooms")
        await operation.locator("summary").click()
        await operation.get_by_role("button", name="Send").click()
        await expect(operation.locator(".status")).to_contain_text("200 OK")
        await expect(operation.locator(".stop")).to_be_hidden()  # all of the answer has come: its head is shown before
        shown = json.loads(await operation.locator(".result").text_content() or "")
        assert shown["rooms"][0]["users"][0]["extra"] == EXTRA
        assert await operation.locator(".result *").count() == 0


async def test_what_is_said_in_a_room_is_text_on_its_page(browser: Browser, base_url: str, place: Place) -> None:
    async with operating(browser, base_url, "lobby?user=ana") as tab:
        await tab.until_inside()
        ben = await place.connect()
        await ben.join("ben", room="lobby", extra=EXTRA)
        await tab.until_event("remoteUserJoin ben")
        for user in ("ben", "ana"):
            words = {"user": user, "text": HOSTILE}
            async with place.http.post(f"{base_url}/api/rooms/lobby/kick", json=words) as response:
                assert response.status == 200
        await expect(tab.page.locator("#end")).to_be_visible()
        assert HOSTILE in (await tab.page.locator("body").text_content() or "")
        assert await tab.value("document.querySelectorAll('img, script:not([src]), b').length") == 0
        assert await tab.value("({}).polluted === undefined")


async def test_the_policy_of_the_pages_lets_no_text_become_a_script(browser: Browser, base_url: str) -> None:
    for path in ("admin", "api/docs"):
        async with operating(browser, base_url, path) as tab:
            response = await tab.page.goto(f"{base_url}/{path}")
            assert response is not None
            assert (await response.all_headers())["content-security-policy"] == OPERATOR_POLICY
            for attempt in (
                "document.body.innerHTML = '<img src=x onerror=alert(1)>'",
                "document.createElement('script').text = 'alert(1)'",
                "setTimeout('alert(1)', 0)",
            ):
                with pytest.raises(Error, match=r"Trusted|eval"):
                    await tab.value(attempt)
            tab.problems.clear()  # the browser complains of what we tried
