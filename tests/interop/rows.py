"""The rows of the interop matrix: what is tried between a Python peer (ana) and a browser's page (bo).

Each returns two cells: what came of it from Python to the browser, and from the browser to Python.
"""

import asyncio
from collections.abc import Awaitable, Callable

from peer import RemoteUserUnpublished
from peer.testing import Page
from tests.interop.departures import killed, left, left_and_back, page_reloaded, tab_closed, tab_killed
from tests.interop.scene import (
    BOTH,
    LIMIT,
    Scene,
    becomes_dark,
    becomes_silent,
    both,
    hears,
    is_heard,
    is_seen,
    is_silent,
    meet,
    sees,
)
from tests.interop.table import Cells

Row = Callable[[Scene], Awaitable[Cells]]


async def offered_by(page: Page) -> str:
    """Return who has offered the call: "page" or "peer"."""
    kind = await page.evaluate("exeuntTest.calls.at(-1).currentLocalDescription.type")
    return {"offer": "page", "answer": "peer"}[str(kind)]


async def browser_offers(play: Scene) -> Cells:
    ana = await play.join("ana", publish=BOTH)
    page = await play.open()
    cells = await both(ana, page)
    assert await offered_by(page) == "page"
    return cells


async def python_offers(play: Scene) -> Cells:
    page = await play.open()
    cells = await both(await play.join("ana", publish=BOTH), page)
    assert await offered_by(page) == "peer"
    return cells


async def _with_codec(play: Scene, codec: str) -> Cells:
    probe = f"RTCRtpReceiver.getCapabilities('video').codecs.some(({{mimeType}}) => /{codec}$/i.test(mimeType))"
    page = await play.open(codec=codec, publish=False)
    if not await page.evaluate(probe):
        return (f"this browser has no {codec}",) * 2
    await page.publish()
    ana = await play.join("ana", publish=("video",), codec=codec.lower())
    cells = await sees(page), await is_seen(ana)
    assert (await page.received("ana"))["codec"] == codec
    assert {stats["codec"] for stats in await page.sent()} == {codec}
    return cells


async def vp8(play: Scene) -> Cells:
    return await _with_codec(play, "VP8")


async def h264(play: Scene) -> Cells:
    return await _with_codec(play, "H264")


async def audio_only(play: Scene) -> Cells:
    ana = await play.join("ana", publish=("audio",))
    page = await play.open(publish=False)
    await page.publish(video=False)
    cells = await hears(page), await is_heard(ana)
    assert await page.decoded_frames("ana") == ana.users["bo"].video.frame_count == 0
    return cells


async def video_only(play: Scene) -> Cells:
    ana = await play.join("ana", publish=("video",))
    page = await play.open(publish=False)
    await page.publish(audio=False)
    cells = await sees(page), await is_seen(ana)
    assert await page.sound_energy("ana") == 0
    return cells


async def data_only(play: Scene) -> Cells:
    ana = await play.join("ana")
    page = await play.open(publish=False)
    await page.until("exeunt.me.isConnected('ana')")
    heard = ana.messages("interop")
    way = await page.evaluate(
        "(async () => { let way; do { way = await exeunt.me.send([1], { to: 'ana', topic: 'interop' }); }"
        " while (way.path === 'server'); return way.path; })()"
    )
    assert way == "channel"
    async for message in heard:
        assert message.data == [1]
        break
    delivery = await ana.send([2], to="bo", topic="interop")
    assert delivery.path == "channel"
    await page.until_event("message", topic="interop", data=[2])
    return "message", "message"


async def muted(play: Scene) -> Cells:
    ana, page = await meet(play)
    for kind in BOTH:
        ana.mute(kind)
        await page.evaluate(f"exeunt.me.mute('{kind}')")
    cells = (
        f"{await becomes_dark(page)}, {await becomes_silent(page)}",
        f"{'black' if await is_seen(ana, dark=True) else ''}, {await is_silent(ana)}",
    )
    for kind in BOTH:
        ana.unmute(kind)
        await page.evaluate(f"exeunt.me.unmute('{kind}')")
    await is_seen(ana, dark=False)
    await hears(page)
    return f"{cells[0]}, back", f"{cells[1]}, back"


async def unpublished(play: Scene) -> Cells:
    """Neither takes it for a freeze: a page has no such event, and for the peer none is to come."""
    ana, page = await meet(play)
    told = ana.events()
    for publication in ana.publications:
        await ana.unpublish(publication)
    await page.evaluate("exeunt.me.unpublish()")
    for kind in BOTH:
        await page.until_event("remoteUserUnpublished", user="ana", kind=kind)
    async with asyncio.timeout(LIMIT):
        async for event in told:
            if isinstance(event, RemoteUserUnpublished) and event.kind == "video":
                break
    assert ana.users["bo"].video.ledger.flow.next_deadline() is None
    await ana.publish_devices(*BOTH)
    await page.publish()
    back = await both(ana, page)
    return f"told; {back[0]}", f"told; {back[1]}"


async def late_join(play: Scene) -> Cells:
    _, page = await meet(play)
    eve = await play.join("eve", publish=BOTH)
    return (
        f"{await sees(page, 'eve')}, {await hears(page, 'eve')}",
        f"{await is_seen(eve)}, {await is_heard(eve)}",
    )


async def other_browser(play: Scene) -> Cells:
    """Between the two browsers; the first is this one, and the cells are "from the other" and "to the other"."""
    name = "firefox" if play.name == "chromium" else "chromium"
    page = await play.open()
    other = await play.browser(name, user="eve")
    await other.publish()
    return (
        f"{await sees(page, 'eve')}, {await hears(page, 'eve')}",
        f"{await sees(other, 'bo')}, {await hears(other, 'bo')}",
    )


ROWS: dict[str, Row] = {
    "browser offers (it came later)": browser_offers,
    "Python offers (it came later)": python_offers,
    "VP8": vp8,
    "H.264": h264,
    "audio only": audio_only,
    "video only": video_only,
    "data only": data_only,
    "muted, unmuted": muted,
    "unpublished, published": unpublished,
    "late join": late_join,
    "leaves": left,
    "page reloaded": page_reloaded,
    "another page, and back": left_and_back,
    "tab closed": tab_closed,
    "tab killed": tab_killed,
    "process, browser killed": killed,
    "with the other browser": other_browser,
}
