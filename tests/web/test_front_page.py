"""The page of all rooms, addresses, and being refused."""

import jwt
import pytest
from aiohttp import web
from playwright.async_api import Browser, expect

from signaling.server import SignalingServer
from tests.browser import OpenTab
from tests.tab import Tab

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

KEY = "a key for the tests of the pages"


async def test_a_room_is_entered_by_its_name(open_tab: OpenTab) -> None:
    tab = await open_tab("ana", room="")
    await tab.page.fill("#lobby-room", "front-door")
    await tab.page.fill("#lobby-user", "bea")
    await tab.page.get_by_role("button", name="Enter").click()
    await tab.until_inside()
    assert await tab.value("[exeunt.me.room, exeunt.me.user]") == ["front-door", "bea"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [("", "Please write a name."), ("-x", "A name is 1 to 64 letters"), ("api", "“api” is an address of the server")],
)
async def test_a_name_that_no_room_can_have_is_explained(open_tab: OpenTab, name: str, problem: str) -> None:
    tab = await open_tab(room="")
    await tab.page.fill("#lobby-room", name)
    await tab.page.get_by_role("button", name="Enter").click()
    await expect(tab.page.locator("#lobby-problem")).to_contain_text(problem)


async def test_rooms_with_people_are_listed_and_lead_there(open_tab: OpenTab) -> None:
    ana = await open_tab("ana", room="stage")
    await ana.until_inside()
    tab = await open_tab("ben", room="")
    await expect(tab.page.get_by_role("link", name="stage 1 person")).to_be_visible()
    await tab.page.get_by_role("link", name="stage").click()
    await tab.until_inside()
    assert await tab.value("[exeunt.me.room, exeunt.me.user]") == ["stage", "ben"]


async def test_who_has_no_name_gets_one_and_keeps_it(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.until_inside()
    name = await tab.value("/^guest-[a-z]{4}$/.exec(exeunt.me.user)?.[0] ?? null")
    assert name is not None
    await tab.page.reload()
    await tab.until_inside()
    assert await tab.value("exeunt.me.user") == name


async def test_a_name_that_no_user_can_have_is_explained(open_tab: OpenTab) -> None:
    tab = await open_tab("no spaces please")
    await tab.until_ended("This name cannot be used")


@pytest.mark.parametrize("server_options", [{"key": KEY}], ids=["with a key"])
async def test_a_room_that_needs_a_token_says_so_and_lets_in_who_has_one(open_tab: OpenTab) -> None:
    tab = await open_tab("ana")
    await tab.until_ended("This room needs an invitation")
    assert await tab.events() == []
    await tab.page.goto(f"{tab.page.url}&token=nonsense")
    await tab.until_ended("This invitation is not valid")
    token = jwt.encode({"room": "lobby", "user": "ana"}, KEY, algorithm="HS256")
    await tab.page.goto(tab.page.url.replace("nonsense", token))
    await tab.until_inside()
    await expect(tab.page.locator("#close-room")).to_be_hidden()


@pytest.mark.parametrize("server_options", [{"key": KEY}], ids=["with a key"])
async def test_rooms_that_may_not_be_listed_do_not_disturb_the_front_page(open_tab: OpenTab) -> None:
    tab = await open_tab(room="")
    await expect(tab.page.get_by_role("button", name="Enter")).to_be_visible()
    await expect(tab.page.locator("#lobby-rooms")).to_be_hidden()


async def test_everything_works_below_another_address(browser: Browser) -> None:
    parent = web.Application()
    parent.add_subapp("/meet", SignalingServer().app)
    runner = web.AppRunner(parent)
    await runner.setup()
    context = await browser.new_context()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        tab = Tab(await context.new_page())
        await tab.page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/meet/")
        await tab.page.fill("#lobby-room", "lobby")
        await tab.page.get_by_role("button", name="Enter").click()
        await tab.until_inside()
        assert tab.problems == []
    finally:
        await context.close()
        await runner.cleanup()
