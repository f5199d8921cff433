"""A page that loses the server comes back in the same session; media do not depend on it."""

import json

import aiohttp
import pytest
from playwright.async_api import WebSocketRoute, expect

from signaling.messages import ExitRoom, Leave
from signaling.server import SignalingServer
from tests.browser import OpenTab
from tests.cable import Cable
from tests.signaling.client import Client
from tests.tab import Tab, tile

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

CALL_IDENTITY = "exeunt.me.users.get('ben').stream.getTracks().map(({ id }) => id).join()"


async def watch(open_tab: OpenTab, cable: Cable) -> tuple[Tab, Tab]:
    """Let ana watch ben, whose connection to the server can be cut."""
    ana = await open_tab("ana")
    await ana.until_inside()
    ben = await open_tab("ben", url=cable.url)
    await ben.until_inside()
    await ben.publish()
    await ana.until_picture("ben")
    return ana, ben


async def test_a_cut_shorter_than_the_grace_makes_unreachable_and_back_while_media_go_on(
    open_tab: OpenTab, cable: Cable
) -> None:
    ana, ben = await watch(open_tab, cable)
    tracks = await ana.value(CALL_IDENTITY)
    cable.cut()
    await ana.until_event("remoteUserUnreachable ben")
    await ben.until_event("connectionLost")
    await expect(ana.page.locator(tile("ben"))).to_have_attribute("data-presence", "unreachable")
    await expect(ana.page.locator(f"{tile('ben')} .badge")).to_contain_text("unreachable, since")
    await ana.until_picture("ben")
    cable.mend()
    await ana.until_event("remoteUserBack ben")
    await ben.until_event("connectionBack")
    await expect(ana.page.locator(tile("ben"))).to_have_attribute("data-presence", "here")
    await ana.until_picture("ben")
    assert await ana.value(CALL_IDENTITY) == tracks
    assert await ana.events() == [
        "enterRoom ana",
        "remoteUserJoin ben",
        "remoteUserUnreachable ben",
        "remoteUserBack ben",
    ]
    assert await ben.events() == ["enterRoom ben", "remoteUserJoin ana", "connectionLost", "connectionBack"]


async def test_what_was_missed_is_told_in_order_after_coming_back(
    open_tab: OpenTab, cable: Cable, base_url: str
) -> None:
    """Cleo is no page: one that has met ben would tell him straight that it leaves."""
    ben = await open_tab("ben", url=cable.url)
    await ben.until_inside()
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{base_url}/ws") as socket:
        cleo = Client(socket)
        await cleo.join("cleo", room="lobby")
        await ben.until_event("remoteUserJoin cleo")
        cable.cut()
        await ben.until_event("connectionLost")
        await cleo.say(Leave())
        while not isinstance(await cleo.hear(), ExitRoom):
            pass
    dora = await open_tab("dora")
    await dora.until_inside()
    await dora.publish()
    cable.mend()
    await ben.until_picture("dora")
    assert await ben.events() == [
        "enterRoom ben",
        "remoteUserJoin cleo",
        "connectionLost",
        "connectionBack",
        "remoteUserLeave cleo left notice",
        "remoteUserJoin dora",
    ]


async def test_what_others_should_know_of_us_and_was_said_while_cut_off_is_said_on_coming_back(
    open_tab: OpenTab, cable: Cable
) -> None:
    ana, ben = await watch(open_tab, cable)
    cable.cut()
    await ben.until_event("connectionLost")
    await ben.value("exeunt.me.updateExtra({ mood: 'fine' })")
    cable.mend()
    await ana.until_event("remoteUserUpdate ben")
    assert await ana.value("exeunt.me.users.get('ben').extra") == {"mood": "fine"}


async def test_what_others_should_know_of_us_and_is_lost_with_the_connection_is_said_on_coming_back(
    open_tab: OpenTab, cable: Cable
) -> None:
    ana, ben = await watch(open_tab, cable)
    cable.swallow()
    await ben.value("exeunt.me.updateExtra({ mood: 'fine' })")
    cable.cut()
    await ben.until_event("connectionLost")
    cable.mend()
    await ana.until_event("remoteUserUpdate ben")
    assert await ana.value("exeunt.me.users.get('ben').extra") == {"mood": "fine"}


async def test_orders_that_cannot_be_sent_are_refused_at_once(open_tab: OpenTab, cable: Cable) -> None:
    _, ben = await watch(open_tab, cable)
    cable.cut()
    await ben.until_event("connectionLost")
    refused = "(() => { try { exeunt.me.kick('ana'); } catch (error) { return error.message; } })()"
    assert await ben.value(refused) == "There is no connection to the server at the moment."


async def test_who_is_removed_while_cut_off_learns_why_on_coming_back(
    open_tab: OpenTab, cable: Cable, server: SignalingServer
) -> None:
    ana, ben = await watch(open_tab, cable)
    cable.cut()
    await ben.until_event("connectionLost")
    assert await server.kick("lobby", "ben", text="too late")
    cable.mend()
    await ben.until_ended("You were removed by a moderator")
    await expect(ben.page.locator("#end-text")).to_have_text("“too late”")
    assert await ben.events() == ["enterRoom ben", "remoteUserJoin ana", "connectionLost", "exitRoom kicked"]
    assert await ben.devices_are_released()
    await ana.until_event("remoteUserLeave ben kicked admin")


async def test_an_offer_that_got_lost_is_replaced_by_a_new_call(open_tab: OpenTab) -> None:
    ana = await open_tab("ana")
    await ana.until_inside()
    ben = await open_tab("ben", room="elsewhere")
    await ben.until_inside()
    lost: list[str] = []

    def relay(route: WebSocketRoute) -> None:
        upstream = route.connect_to_server()

        def forward(text: str | bytes) -> None:
            if '"offer"' in str(text) and not lost:
                lost.append(str(text))
            else:
                upstream.send(text)

        route.on_message(forward)

    await ben.page.route_web_socket("**/ws", relay)
    await ben.page.clock.install()
    await ben.page.goto(ben.page.url.replace("elsewhere", "lobby"))
    await ben.until_inside()
    await ben.page.clock.run_for(1_000)
    assert await ben.value("exeunt.me.isConnected('ana')") is False
    await ben.page.clock.fast_forward(16_000)
    await ben.page.clock.fast_forward(1_000)
    await ben.page.clock.resume()
    await ben.until_connected("ana")
    assert len(lost) == 1


async def test_a_call_that_the_other_side_finds_broken_is_replaced(open_tab: OpenTab) -> None:
    ana = await open_tab("ana", room="elsewhere")
    await ana.until_inside()
    wires: list[WebSocketRoute] = []
    offers: list[dict[str, str]] = []

    def relay(route: WebSocketRoute) -> None:
        upstream = route.connect_to_server()
        wires.append(upstream)

        def forward(text: str | bytes) -> None:
            message = json.loads(text)
            offers.extend([message] if message["type"] == "offer" else [])
            route.send(text)

        upstream.on_message(forward)

    await ana.page.route_web_socket("**/ws", relay)
    await ana.page.goto(ana.page.url.replace("elsewhere", "lobby"))
    await ana.until_inside()
    ben = await open_tab("ben")
    await ben.until_inside()
    await ben.publish()
    await ana.until_picture("ben")
    tracks = await ana.value(CALL_IDENTITY)
    complaint = {"type": "needOffer", "user": "ben", "call": offers[0]["call"]}
    for _ in range(3):  # the second and third are about a call that is being replaced already
        wires[0].send(json.dumps(complaint))
    await ana.until(f"{CALL_IDENTITY} !== {tracks!r}")
    await ana.until_picture("ben")
    await ana.until_sound("ben")
    assert [offer["call"].rsplit(".", 1)[1] for offer in offers] == ["1", "2"]
