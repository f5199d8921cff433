"""The operator's page at `/admin`, in a browser."""

import pytest
from playwright.async_api import Browser, expect

from signaling.messages import ExitRoom, Leave, Moved, Muted, RemoteUserLeave, Said
from signaling.reasons import Reason
from tests.cable import Cable
from tests.e2e.board import ADMIN_KEY, OperatorTab, operating, place
from tests.signaling.client import Client, Place

__all__ = ["place"]

WITH_A_KEY = pytest.mark.parametrize("server_options", [{"admin_key": ADMIN_KEY, "grace": 60.0}], ids=["with a key"])
pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def choose(tab: OperatorTab, name: str) -> None:
    await tab.page.get_by_role("button", name=name, exact=True).click()


async def hear_until(client: Client, kind: type) -> object:
    while not isinstance(message := await client.hear(), kind):
        pass
    return message


@WITH_A_KEY
async def test_it_takes_the_key_and_keeps_it_in_the_tab_only(browser: Browser, base_url: str) -> None:
    async with operating(browser, base_url) as tab:
        await expect(tab.page.get_by_role("heading", name="Sign in")).to_be_visible()
        await expect(tab.page.locator("#sign-in-problem")).to_be_empty()
        await tab.sign_in("another key")
        await expect(tab.page.locator("#sign-in-problem")).to_have_text("This is not the server's admin key.")
        await expect(tab.page.get_by_label("Key or token")).to_be_focused()
        await tab.sign_in()
        await expect(tab.page.get_by_text("The house is empty.")).to_be_visible()
        await expect(tab.page.locator("#line")).to_have_text("live")
        await tab.page.reload()
        await expect(tab.page.locator("#line")).to_have_text("live")
        assert await tab.value("[localStorage.length, document.cookie, location.search]") == [0, "", ""]
        await tab.page.get_by_role("button", name="Sign out").click()
        await expect(tab.page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert await tab.value("sessionStorage.length") == 0


@pytest.mark.parametrize("server_options", [{"admin_key": ADMIN_KEY, "wrong_keys": 1}], ids=["one try"])
async def test_after_too_many_wrong_keys_it_says_so_and_goes_on_trying(browser: Browser, base_url: str) -> None:
    async with operating(browser, base_url) as tab:
        await tab.sign_in("another-key-that-is-wrong")
        await expect(tab.page.locator("#sign-in-problem")).to_have_text("This is not the server's admin key.")
        await tab.sign_in()
        await expect(tab.page.locator("#line")).to_have_text("too many wrong keys from here, trying again")


async def test_on_its_own_machine_a_server_without_a_key_asks_for_none(
    browser: Browser, base_url: str, place: Place
) -> None:
    await place.enter("ana")
    async with operating(browser, base_url) as tab:
        await expect(tab.page.get_by_role("heading", name="42")).to_be_visible()


async def test_who_comes_is_lost_and_goes_is_seen(browser: Browser, base_url: str, place: Place) -> None:
    async with operating(browser, base_url) as tab:
        await expect(tab.page.get_by_text("The house is empty.")).to_be_visible()
        ana = await place.connect()
        await ana.join("ana", room="hall", extra={"role": "host"})
        row = tab.page.get_by_role("row").filter(has=tab.page.get_by_role("rowheader", name="ana"))
        await expect(row.locator(".presence")).to_have_text("here")
        await expect(row.locator(".extra")).to_have_text('{"role":"host"}')
        await ana.socket.close()
        await expect(row.locator(".presence")).to_have_text("unreachable")
        await expect(tab.page.locator(".room-count")).to_have_text("1 user, 1 unreachable")
        async with place.http.post(f"{base_url}/api/rooms/hall/dismiss", json={}) as response:
            assert response.status == 200
        await expect(tab.page.get_by_role("heading", name="hall")).to_be_hidden()


async def test_a_kick_is_confirmed_first_and_says_then_who_was_told(
    browser: Browser, base_url: str, place: Place
) -> None:
    ana, ben = await place.enter("ana", "ben")
    async with operating(browser, base_url) as tab:
        await choose(tab, "Kick ben in 42")
        dialog = tab.page.get_by_role("dialog", name="Kick ben?")
        await tab.page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await expect(tab.page.get_by_role("button", name="Kick ben in 42", exact=True)).to_be_focused()
        await tab.page.keyboard.press("Enter")
        await dialog.get_by_label("A word to them").fill("too loud")
        await dialog.get_by_label("They may come back").select_option("after 5 minutes")
        await tab.page.keyboard.press("Tab")
        await dialog.get_by_role("button", name="Kick", exact=True).press("Enter")
        leave = await hear_until(ana, RemoteUserLeave)
        assert isinstance(leave, RemoteUserLeave)
        assert (leave.user, leave.reason, leave.text) == ("ben", Reason.KICKED, "too loud")
        last = await ben.hear_a(ExitRoom)
        assert (last.reason, last.text) == (Reason.KICKED, "too loud")
        await expect(tab.page.locator("#notices")).to_contain_text("ben is out of 42")
        await expect(tab.page.locator("#notices")).to_contain_text("ana")
        await expect(tab.page.get_by_role("rowheader", name="ben")).to_be_hidden()
        await expect(tab.page.get_by_role("heading", name="42")).to_be_focused()


async def test_everything_else_can_be_done_as_well(browser: Browser, base_url: str, place: Place) -> None:
    ana, ben = await place.enter("ana", "ben")
    async with operating(browser, base_url) as tab:
        await choose(tab, "Mute ana in 42")
        await tab.page.get_by_label("What", exact=True).select_option("picture")
        await tab.page.get_by_role("dialog").get_by_role("button", name="Mute").click()
        muted = await hear_until(ana, Muted)
        assert isinstance(muted, Muted)
        assert muted.kind == "video"
        await choose(tab, "Message room 42")
        await tab.page.get_by_label("Text").fill("closing soon")
        await tab.page.get_by_role("dialog").get_by_role("button", name="Send").click()
        assert await hear_until(ben, Said) == Said(topic="notice", data="closing soon")
        await choose(tab, "Move ben in 42")
        await tab.page.get_by_role("dialog", name="Move ben").get_by_label("Room").fill("attic")
        await tab.page.keyboard.press("Enter")
        moved = await hear_until(ben, Moved)
        assert isinstance(moved, Moved)
        assert moved.room == "attic"
        await expect(tab.page.get_by_role("heading", name="attic")).to_be_visible()
        await choose(tab, "Dismiss room attic")
        await tab.page.get_by_role("dialog").get_by_role("button", name="Dismiss").click()
        last = await hear_until(ben, ExitRoom)
        assert isinstance(last, ExitRoom)
        assert last.reason == Reason.DISMISSED


async def test_a_room_is_made_and_made_again_with_other_settings_is_refused(browser: Browser, base_url: str) -> None:
    async with operating(browser, base_url) as tab:
        for capacity in ("4", "5"):
            await choose(tab, "New room")
            await tab.page.get_by_label("Name").fill("attic")
            await tab.page.get_by_label("Users at most").fill(capacity)
            await tab.page.keyboard.press("Enter")
            await expect(tab.page.get_by_role("heading", name="attic")).to_be_visible()
        await expect(tab.page.get_by_text("Nobody is in it yet.")).to_be_visible()
        await expect(tab.page.locator("#notices [data-tone=bad]")).to_contain_text("with other settings")


async def test_of_many_rooms_the_first_are_shown_and_the_others_are_found(
    browser: Browser, base_url: str, place: Place
) -> None:
    async with operating(browser, base_url) as tab:
        for number in range(120):
            async with place.http.put(f"{base_url}/api/rooms/room-{number:03}", json={}) as response:
                assert response.status == 201
        await (await place.connect()).join("somebody", room="room-119")
        await expect(tab.page.locator("#found")).to_have_text("the first 100 of 120 rooms")
        await tab.page.get_by_label("Search rooms and users").fill("SOMEB")
        await expect(tab.page.locator(".room-name")).to_have_text(["room-119"])
        await tab.page.get_by_label("Search rooms and users").fill("nowhere")
        await expect(tab.page.get_by_text("Nothing found.")).to_be_visible()


async def test_of_many_users_the_first_are_shown_until_all_are_asked_for(
    browser: Browser, base_url: str, place: Place
) -> None:
    for number in range(30):
        await (await place.connect()).join(f"user-{number:02}", room="hall")
    async with operating(browser, base_url) as tab:
        await expect(tab.page.get_by_role("rowheader")).to_have_count(25)
        await choose(tab, "Show all 30 users")
        await expect(tab.page.get_by_role("rowheader")).to_have_count(30)


async def test_when_the_server_is_away_it_says_so_and_comes_back(browser: Browser, base_url: str, cable: Cable) -> None:
    async with operating(browser, cable.url) as tab:
        await expect(tab.page.locator("#line")).to_have_text("live")
        cable.cut()
        await expect(tab.page.locator("#line")).to_have_text("not connected, trying again")
        cable.mend()
        await expect(tab.page.locator("#line")).to_have_text("live")


METRICS = """# HELP exeunt_joins_total Users who came in.
# TYPE exeunt_joins_total counter
exeunt_joins_total 1200.0
exeunt_leaves_total{detected_by="notice",reason="left"} 3.0
exeunt_leaves_total{detected_by="admin",reason="kicked"} 1.0
exeunt_notice_seconds_bucket{le="0.0005"} 40.0
exeunt_notice_seconds_bucket{le="0.001"} 98.0
exeunt_notice_seconds_bucket{le="0.1"} 100.0
exeunt_notice_seconds_bucket{le="+Inf"} 100.0
exeunt_acknowledged_seconds_bucket{le="+Inf"} 0.0
"""


async def test_the_figures_are_those_of_the_metrics(browser: Browser, base_url: str) -> None:
    async with operating(browser, base_url) as tab:
        figures = await tab.page.evaluate(
            "text => import('./-/admin-figures.js').then(({ readFigures }) => readFigures(text))", METRICS
        )
        assert figures == [
            ["Joins", "1,200"],
            ["Leaves", "4"],
            ["Notice, median", "\N{LESS-THAN OR EQUAL TO} 1 ms"],
            ["Notice, 99 %", "\N{LESS-THAN OR EQUAL TO} 100 ms"],
        ]


async def test_what_the_server_measures_is_shown(browser: Browser, base_url: str, place: Place) -> None:
    _ana, ben = await place.enter("ana", "ben")
    await ben.say(Leave())
    async with operating(browser, base_url) as tab:
        await expect(tab.page.locator("#figures")).to_contain_text("Notice, median")
        await expect(tab.page.locator("#figures")).to_contain_text("Joins2")
