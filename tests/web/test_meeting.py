"""Two and three pages meet: who watches sees and hears who shows themselves."""

import pytest
from playwright.async_api import expect

from tests.browser import AUTOPLAY, FAKE_DEVICES, GRANTED, Launch, OpenTab
from tests.tab import tile

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_who_watches_sees_moving_pictures_and_hears_who_joins_with_camera(open_tab: OpenTab) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    ben = await open_tab("ben")
    await ben.until_inside()
    await ben.publish()
    await ana.until_picture("ben")
    await ana.until_sound("ben")
    assert [await tab.value("asked") for tab in (ana, ben)] == [0, 1]
    assert await ana.events() == ["enterRoom ana", "remoteUserJoin ben"]
    assert await ben.events() == ["enterRoom ben", "remoteUserJoin ana"]
    tracks = "exeunt.events.filter(({ type }) => type === 'track').map(({ user, kind }) => user + ' ' + kind)"
    assert await ana.value(tracks) == ["ben audio", "ben video"]


async def test_a_watcher_is_not_asked_for_devices_and_shows_no_video(open_tab: OpenTab) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    ben = await open_tab("ben")
    await ben.until_connected("ana")
    await expect(ben.page.locator(tile("ana"))).to_have_attribute("data-picture", "off")
    await expect(ben.page.locator(tile("ana"))).to_contain_text("no video")
    assert [await tab.value("asked") for tab in (ana, ben)] == [0, 0]


async def test_three_who_show_themselves_see_each_other(open_tab: OpenTab) -> None:
    tabs = {}
    for user in ["ana", "ben", "cleo"]:
        tabs[user] = await open_tab(user)
        await tabs[user].until_inside()
        await tabs[user].publish()
    for user, tab in tabs.items():
        for other in tabs.keys() - {user}:
            await tab.until_picture(other)
    assert await tabs["ana"].events() == ["enterRoom ana", "remoteUserJoin ben", "remoteUserJoin cleo"]


async def test_who_came_before_the_camera_was_on_and_who_comes_after_both_see_it(open_tab: OpenTab) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    await ana.publish()
    ben = await open_tab("ben")
    await ben.until_picture("ana")


async def test_muting_is_seen_by_the_others_and_undone(open_tab: OpenTab) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    ben = await open_tab("ben")
    await ben.until_inside()
    await ben.publish()
    await ana.until_picture("ben")
    await ben.page.click("#mute-video")
    await ben.page.click("#mute-audio")
    await expect(ana.page.locator(tile("ben"))).to_have_attribute("data-picture", "off")
    await expect(ana.page.locator(tile("ben"))).to_contain_text("camera off")
    marks = [f"{tile('ben')} .muted-mark[data-kind={kind}]" for kind in ("audio", "video")]
    for mark in marks:
        await expect(ana.page.locator(mark)).to_be_visible()
    await expect(ana.page.locator("#journal-list li").first).to_contain_text("ben's microphone is muted")
    await expect(ben.page.locator("#mute-video")).to_have_attribute("aria-pressed", "true")
    await ben.page.click("#mute-video")
    await ana.until_picture("ben")
    await expect(ana.page.locator(marks[0])).to_be_visible()
    await expect(ana.page.locator(marks[1])).to_be_hidden()
    cleo = await open_tab("cleo")
    await cleo.until_picture("ben")
    await expect(cleo.page.locator(marks[0])).to_be_visible()


async def test_only_watching_again_releases_the_devices_and_they_open_again(open_tab: OpenTab) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    ben = await open_tab("ben")
    await ben.until_inside()
    await ben.publish()
    await ana.until_picture("ben")
    await ben.page.click("#unpublish")
    assert await ben.devices_are_released()
    await ana.until(f"document.querySelector('{tile('ben')}').dataset.picture === 'off'")
    await expect(ana.page.locator("#journal-list li").first).to_contain_text("ben's camera is off")
    await ben.publish()
    await ana.until_picture("ben")


async def test_a_camera_that_ends_is_no_longer_published_and_said_to_be_off(open_tab: OpenTab) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    ben = await open_tab("ben")
    await ben.until_inside()
    await ben.publish()
    await ana.until_picture("ben")
    await ben.value("published[0].onended()")
    await expect(ben.page.locator("#notice")).to_contain_text("it may have been unplugged")
    await expect(ben.page.locator("#mute-video")).to_be_hidden()
    await expect(ben.page.locator("#mute-audio")).to_be_visible()
    await ana.until("[...exeunt.me.users.get('ben').published].join() === 'audio'")  # a tile is dark before, at times
    await expect(ana.page.locator(tile("ben"))).to_have_attribute("data-picture", "off")
    await ben.page.click("#unpublish")
    await ana.until("exeunt.me.users.get('ben').published.size === 0")
    await expect(ben.page.locator("#publish")).to_be_visible()


async def test_the_list_of_events_says_who_left_why_and_how_it_is_known(open_tab: OpenTab) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    ben = await open_tab("ben")
    await ben.until_inside()
    await ben.page.click("#leave")
    await ana.until_event("remoteUserLeave ben left notice")
    entry = ana.page.locator("#journal-list li").first
    await expect(entry).to_contain_text("ben left")
    await expect(entry).to_contain_text("reason: left · known by: their own word")


async def test_the_list_of_events_keeps_200_entries(open_tab: OpenTab) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    ben = await open_tab("ben")
    await ben.until_inside()
    await ben.value("{ for (let n = 1; n <= 230; n += 1) exeunt.me.updateExtra({ n }); }")
    await ana.until("exeunt.me.users.get('ben').extra.n === 230")
    assert await ana.value("document.querySelectorAll('#journal-list li').length") == 200


async def test_sound_that_the_browser_refuses_is_turned_on_by_one_click_for_all(
    open_tab: OpenTab, launch: Launch
) -> None:
    refusing = await launch(GRANTED, FAKE_DEVICES, "--autoplay-policy=document-user-activation-required")
    for user in ["ana", "ben"]:
        tab = await open_tab(user)
        await tab.until_inside()
        await tab.publish()
    cleo = await open_tab("cleo", using=refusing)
    silent = "[...document.querySelectorAll('.tile audio')].map((audio) => audio.paused)"
    moving = "document.querySelectorAll('[data-picture=on]').length === 2"
    await cleo.until_unasked(f"document.querySelector('#sound:not([hidden])') && {moving}")
    assert await cleo.value(silent) == [True, True]
    await cleo.page.click("#sound")
    await expect(cleo.page.locator("#sound")).to_be_hidden()
    assert await cleo.value(silent) == [False, False]
    await cleo.until_sound("ana")


async def test_who_denies_permission_is_told_so_and_goes_on_watching(open_tab: OpenTab, launch: Launch) -> None:
    denying = await launch(f"{GRANTED}=deny", FAKE_DEVICES, AUTOPLAY)
    ana = await open_tab("ana", using=denying)
    await ana.until_inside()
    await ana.page.click("#publish")
    await expect(ana.page.locator("#notice")).to_contain_text("The browser does not let this page use your camera")
    await expect(ana.page.locator("#publish")).to_be_enabled()
    assert await ana.value("exeunt.me.isInside") is True


async def test_who_has_only_a_microphone_joins_with_it(open_tab: OpenTab, launch: Launch) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    without_camera = await launch(GRANTED, f"{FAKE_DEVICES}=device-count=0", AUTOPLAY)
    ben = await open_tab("ben", using=without_camera)
    await ben.until_inside()
    await ben.page.click("#publish")
    await expect(ben.page.locator("#mute-audio")).to_be_visible()
    await expect(ben.page.locator("#mute-video")).to_be_hidden()
    await ana.until_sound("ben")


async def test_who_has_no_device_is_told_so(open_tab: OpenTab) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    await ana.value("{ navigator.mediaDevices.enumerateDevices = async () => []; }")
    await ana.page.click("#publish")
    await expect(ana.page.locator("#notice")).to_contain_text("No camera")
