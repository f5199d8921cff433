"""The rows of the interop matrix in which somebody goes: the page (bo), the Python peer, or one of their processes."""

from peer.testing import Guest, Page, assert_exit_contract
from signaling.entry import Entry
from tests.interop.scene import Scene, both, is_seen, meet, sees
from tests.interop.table import NOTHING, Cells


async def page_reloaded(play: Scene) -> Cells:
    ana, page = await meet(play)
    await page.reload()
    return await _comes_again(play, ana, page)


async def left_and_back(play: Scene) -> Cells:
    """Back by the browser's button: the page may be as it was, kept by the browser, and must come in anew."""
    ana, page = await meet(play)
    await page.go_away()
    await play.journal.until("remoteUserLeave", who="peer lobby/ana", user="bo")
    await page.come_back()
    return await _comes_again(play, ana, page)


async def tab_closed(play: Scene) -> Cells:
    _, page = await meet(play)
    await page.close_tab()
    return NOTHING, await _gone(play, "ana")


async def tab_killed(play: Scene) -> Cells:
    _, page = await meet(play)
    page.kill_tab()
    return NOTHING, await _gone(play, "ana")


async def killed(play: Scene) -> Cells:
    """The Python process first, and the page is told; then the browser."""
    eve = await play.join("eve")
    page = await play.open()
    ana = await play.spawn("ana")
    await sees(page)
    ana.kill()
    told = await play.journal.until("remoteUserLeave", who="page lobby/bo", user="ana")
    await is_seen(eve)
    page.kill()
    return _how(told), await _gone(play, "eve")


async def left(play: Scene) -> Cells:
    """The Python peer first, and the page is told; then the page, with another peer there."""
    ana, page = await meet(play)
    await play.join("eve")
    await ana.leave()
    told = await play.journal.until("remoteUserLeave", who="page lobby/bo", user="ana")
    await page.leave()
    return _how(told), await _gone(play, "eve")


async def _comes_again(play: Scene, ana: Guest, page: Page) -> Cells:
    told = await play.journal.until("remoteUserLeave", who="peer lobby/ana", user="bo")
    await page.publish()
    back = await both(ana, page)
    await assert_exit_contract(play.journal, "bo")
    return back[0], f"{_how(told)}; {back[1]}"


async def _gone(play: Scene, witness: str) -> str:
    """Wait until a peer is told that the page is gone, by the contract; say how."""
    told = await play.journal.until("remoteUserLeave", who=f"peer lobby/{witness}", user="bo")
    await assert_exit_contract(play.journal, "bo")
    return _how(told)


def _how(told: Entry) -> str:
    return f"`{told.reason}` by {told.detected_by}"
