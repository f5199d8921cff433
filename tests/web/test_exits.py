"""However somebody leaves: the others are told, the devices are released, the page says why. Each once, in order."""

import re

import pytest
from playwright.async_api import expect

from signaling.server import SignalingServer
from tests.browser import OpenTab
from tests.cable import Cable
from tests.tab import Tab, tile

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

NASTY = "<img src=x onerror=alert(1)>"


async def meet(open_tab: OpenTab) -> tuple[Tab, Tab]:
    """Let ana watch ben, who shows himself."""
    ana = await open_tab("ana")
    await ana.until_inside()
    ben = await open_tab("ben")
    await ben.until_inside()
    await ben.publish()
    await ana.until_picture("ben")
    return ana, ben


async def assert_told_once(ana: Tab, leave: str) -> None:
    """`leave` is what ana was told of ben, after he came; his tile is gone."""
    await ana.until_event(leave)
    await expect(ana.page.locator(tile("ben"))).to_have_count(0)
    assert await ana.events() == ["enterRoom ana", "remoteUserJoin ben", leave]


async def assert_told_of_a_page_that_goes_away(ana: Tab, *then: str) -> None:
    """As `assert_told_once`; but a browser may close the socket before the farewell on it is sent.

    Then ben is unreachable until his other farewell comes (docs/interop.md).
    """
    await ana.until_event("remoteUserLeave ben left notice")
    events = await ana.events()
    between = events[2:3] if events[2] == "remoteUserUnreachable ben" else []
    told = ["enterRoom ana", "remoteUserJoin ben", *between, "remoteUserLeave ben left notice", *then]
    assert events == told


async def assert_out(ben: Tab, reason: str, title: str) -> None:
    """Ben is out, once and last; his devices are released, and open again when he comes back."""
    await ben.until_ended(title)
    assert await ben.events() == ["enterRoom ben", "remoteUserJoin ana", f"exitRoom {reason}"]
    assert await ben.devices_are_released()
    await expect(ben.page.locator("#end-devices")).to_be_visible()
    await ben.page.click("#again")
    await ben.until_inside()
    await ben.publish()
    assert (await ben.events())[3] == "enterRoom ben"


async def test_leaving_by_the_button(open_tab: OpenTab) -> None:
    ana, ben = await meet(open_tab)
    await ben.page.click("#leave")
    await assert_told_once(ana, "remoteUserLeave ben left notice")
    await assert_out(ben, "left", "You left")


async def test_leaving_many_times_at_once_is_leaving_once(open_tab: OpenTab) -> None:
    ana, ben = await meet(open_tab)
    await ben.value("Promise.all([exeunt.me.leave(), exeunt.me.leave(), exeunt.me.leave()]).then(() => {})")
    assert await ben.events() == ["enterRoom ben", "remoteUserJoin ana", "exitRoom left"]
    await assert_told_once(ana, "remoteUserLeave ben left notice")
    assert await ben.value("exeunt.me.leave()") is None
    assert await ben.events() == ["enterRoom ben", "remoteUserJoin ana", "exitRoom left"]


async def test_when_the_leaver_is_out_the_others_have_been_told(open_tab: OpenTab, server: SignalingServer) -> None:
    _, ben = await meet(open_tab)
    await ben.value("exeunt.me.leave()")
    room = server.room("lobby")
    assert room is not None
    assert [user.user for user in room.users] == ["ana"]


async def test_closing_the_page_is_leaving(open_tab: OpenTab) -> None:
    ana, ben = await meet(open_tab)
    await ben.page.close(run_before_unload=True)
    await assert_told_of_a_page_that_goes_away(ana)
    await expect(ana.page.locator(tile("ben"))).to_have_count(0)


async def test_closing_a_page_that_cannot_say_it_on_its_socket_is_leaving_all_the_same(open_tab: OpenTab) -> None:
    """Browsers may close the sockets of a page before what was said last is sent."""
    ana, ben = await meet(open_tab)
    await ben.value("{ WebSocket.prototype.send = RTCDataChannel.prototype.send = () => {}; }")
    await ben.page.close(run_before_unload=True)
    await ana.until_event("remoteUserLeave ben left notice")
    assert [event for event in await ana.events() if "Leave" in event] == ["remoteUserLeave ben left notice"]


async def test_going_to_another_page_is_leaving(open_tab: OpenTab) -> None:
    ana, ben = await meet(open_tab)
    await ben.page.goto("about:blank")
    await assert_told_of_a_page_that_goes_away(ana)
    await expect(ana.page.locator(tile("ben"))).to_have_count(0)


async def test_coming_back_to_a_page_that_was_left_is_coming_in_anew(open_tab: OpenTab, base_url: str) -> None:
    _, ben = await meet(open_tab)
    await ben.page.goto(f"{base_url}/elsewhere")
    await ben.until_inside()
    await ben.page.go_back()
    await ben.until_inside()  # loaded anew, or kept by the browser as it was


HIDE_AND_SHOW = """{
    for (const name of ["pagehide", "pageshow"]) dispatchEvent(new PageTransitionEvent(name, { persisted: true }));
}"""


async def test_a_page_that_the_browser_kept_comes_in_anew_unless_it_was_out_before(open_tab: OpenTab) -> None:
    ana, ben = await meet(open_tab)
    await ben.value(HIDE_AND_SHOW)
    await ana.until("exeunt.events.filter(({ type }) => type === 'remoteUserJoin').length === 2")
    assert "remoteUserLeave ben left notice" in await ana.events()
    assert await ben.devices_are_released()
    await ben.publish()
    await ana.until_picture("ben")
    await ben.page.click("#leave")
    await ben.until_ended("You left")
    await ben.value(HIDE_AND_SHOW)
    await expect(ben.page.locator("#end")).to_be_visible()
    assert (await ben.events())[-1] == "exitRoom left"


async def test_reloading_the_page_is_leaving_and_coming_back(open_tab: OpenTab) -> None:
    ana, ben = await meet(open_tab)
    await ben.page.reload()
    await ben.until_inside()
    await ana.until("exeunt.events.filter(({ type }) => type === 'remoteUserJoin').length === 2")
    await assert_told_of_a_page_that_goes_away(ana, "remoteUserJoin ben")
    await ben.publish()
    await ana.until_picture("ben")


async def test_being_removed_by_a_moderator_with_a_word(open_tab: OpenTab) -> None:
    ana, ben = await meet(open_tab)
    await ana.page.click(f"{tile('ben')} .menu")
    await ana.page.fill("#kick-text", NASTY)
    await ana.page.get_by_role("button", name="Remove", exact=True).click()
    await assert_told_once(ana, "remoteUserLeave ben kicked admin")
    await expect(ben.page.locator("#end-text")).to_have_text(f"“{NASTY}”")
    await expect(ana.page.locator("#journal-list li").first).to_contain_text(f"“{NASTY}”")
    await assert_out(ben, "kicked", "You were removed by a moderator")


async def test_being_removed_and_kept_out_for_some_time(open_tab: OpenTab) -> None:
    ana, ben = await meet(open_tab)
    await ana.page.click(f"{tile('ben')} .menu")
    await ana.page.select_option("#kick-ban", "after 1 hour")
    await ana.page.get_by_role("button", name="Remove", exact=True).click()
    await assert_told_once(ana, "remoteUserLeave ben kicked admin")
    await ben.until_ended("You were removed by a moderator")
    await ben.page.click("#again")
    await ben.until_ended("You were removed from this room")
    await expect(ben.page.locator("#end-text")).to_contain_text(re.compile(r"\d+ (s|more seconds)\b"))
    assert await ben.events() == ["enterRoom ben", "remoteUserJoin ana", "exitRoom kicked"]
    cleo = await open_tab("cleo")
    await cleo.until_inside()
    assert await ana.events() == [
        "enterRoom ana",
        "remoteUserJoin ben",
        "remoteUserLeave ben kicked admin",
        "remoteUserJoin cleo",
    ]


async def test_nobody_can_be_kept_out_for_a_time_that_is_none(open_tab: OpenTab) -> None:
    ana, _ = await meet(open_tab)
    for time in ("0", "-1", "Infinity", "'60'"):
        kick = f"exeunt.me.kick('ben', '', {{ banFor: {time} }})"
        error = await ana.value(f"(() => {{ try {{ {kick}; }} catch (error) {{ return error.message; }} }})()")
        assert str(error).startswith("banFor must be more than 0 and at most 31622400 seconds, not ")
    await ana.until_picture("ben")


async def test_changing_ones_mind_removes_nobody(open_tab: OpenTab) -> None:
    ana, _ = await meet(open_tab)
    await ana.page.click(f"{tile('ben')} .menu")
    await ana.page.get_by_role("button", name="Cancel").click()
    await ana.page.click(f"{tile('ben')} .menu")
    await ana.page.keyboard.press("Escape")
    await ana.until_picture("ben")
    assert await ana.events() == ["enterRoom ana", "remoteUserJoin ben"]


MIND_CHANGED_TWICE = """{
    const [menu, dialog] = [document.querySelector("%s .menu"), document.querySelector("#kick-dialog")];
    menu.click();
    dialog.close();
    menu.click();  // before the browser has told of the close
}"""


async def test_who_changes_their_mind_twice_is_asked_anew(open_tab: OpenTab) -> None:
    ana, ben = await meet(open_tab)
    await ana.value(MIND_CHANGED_TWICE % tile("ben").replace('"', "'"))
    await ana.page.get_by_role("button", name="Remove", exact=True).click()
    await assert_told_once(ana, "remoteUserLeave ben kicked admin")
    await ben.until_ended("You were removed by a moderator")


async def test_the_room_being_closed(open_tab: OpenTab) -> None:
    ana, ben = await meet(open_tab)
    await ana.page.click("#close-room")
    await ana.page.locator("#close-dialog").get_by_role("button", name="Close room").click()
    await ana.until_ended("The room was closed")
    assert await ana.events() == ["enterRoom ana", "remoteUserJoin ben", "exitRoom dismissed"]
    await assert_out(ben, "dismissed", "The room was closed")


async def test_joining_elsewhere_with_the_same_name(open_tab: OpenTab) -> None:
    ana, ben = await meet(open_tab)
    again = await open_tab("ben")
    await again.until_inside()
    await ben.until_ended("You joined elsewhere")
    assert await ben.events() == ["enterRoom ben", "remoteUserJoin ana", "exitRoom replaced"]
    assert await ben.devices_are_released()
    await again.publish()
    await ana.until_picture("ben")
    assert await ana.events() == [
        "enterRoom ana",
        "remoteUserJoin ben",
        "remoteUserLeave ben replaced admin",
        "remoteUserJoin ben",
    ]


async def test_the_server_going_down(open_tab: OpenTab, server: SignalingServer) -> None:
    _, ben = await meet(open_tab)
    await server.app.shutdown()
    await ben.until_ended("Server is going down")
    assert await ben.events() == ["enterRoom ben", "remoteUserJoin ana", "exitRoom server_shutdown"]
    assert await ben.devices_are_released()


@pytest.mark.parametrize("server_options", [{"grace": 1.0}], ids=["grace 1 s"])
async def test_being_cut_off_for_longer_than_the_grace(open_tab: OpenTab, cable: Cable) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    ben = await open_tab("ben", url=cable.url)
    await ben.until_inside()
    await ben.publish()
    await ana.until_picture("ben")
    cable.cut()
    await ben.until_ended("Connection lost")
    await ana.until("exeunt.events.at(-1).type === 'remoteUserLeave'")
    *before, leave = await ana.events()
    assert before == ["enterRoom ana", "remoteUserJoin ben", "remoteUserUnreachable ben"]
    # The server's word or ben's own, whichever came first: both measure the same grace.
    assert leave in ("remoteUserLeave ben network_lost socket_closed", "remoteUserLeave ben network_lost notice")
    assert await ben.events() == ["enterRoom ben", "remoteUserJoin ana", "connectionLost", "exitRoom network_lost"]
    assert await ben.devices_are_released()


async def test_leaving_while_cut_off_does_not_wait_for_the_server(open_tab: OpenTab, cable: Cable) -> None:
    ben = await open_tab("ben", url=cable.url)
    await ben.until_inside()
    await ben.publish()
    cable.cut()
    await ben.until_event("connectionLost")
    await ben.page.click("#leave")
    await ben.until_ended("You left")
    assert await ben.events() == ["enterRoom ben", "connectionLost", "exitRoom left"]
    assert await ben.devices_are_released()


async def test_permission_that_comes_after_the_exit_leaves_no_device_open(open_tab: OpenTab) -> None:
    ben = await open_tab("ben")
    await ben.until_inside()
    late = """navigator.mediaDevices.getUserMedia({ video: true }).then(async (stream) => {
        await exeunt.me.leave();
        const outcome = await exeunt.me.publish(stream).then(() => "published", (error) => error.message);
        return [outcome, ...stream.getTracks().map((track) => track.readyState)];
    })"""
    assert await ben.value(late) == ["we are not in the room: nothing was published", "ended"]
