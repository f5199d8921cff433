"""The modules of the page that decide and do nothing, called in a browser."""

import pytest

from tests.browser import OpenTab
from tests.tab import Tab

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

ROSTER = """import("./-/roster.js").then(({ Roster }) => {
    const roster = new Roster();
    roster.add({ user: "ana", session: "1" });
    roster.add({ user: "ben", session: "2" });
    roster.add({ user: "cleo", session: "3", extra: { a: 1 } });
    %s
})"""
CORRECTED = """
    const told = roster.corrections(%s).filter(({ type, ...event }) => roster.apply(type, event));
    return told.map(({ type, user, session, reason }) => [type, user, session, reason].filter(Boolean).join(" "));
"""
LAYOUT = 'import("./-/layout.js").then(({ largestTiles }) => largestTiles(%d, { width: %d, height: %d, gap: 12 }))'


async def corrected(tab: Tab, roster: str) -> object:
    return await tab.value(ROSTER % (CORRECTED % roster))


async def test_a_roster_that_says_what_we_know_changes_nothing(open_tab: OpenTab) -> None:
    tab = await open_tab("ana")
    same = "[{user: 'ana', session: '1'}, {user: 'ben', session: '2'}, {user: 'cleo', session: '3', extra: {a: 1}}]"
    assert await corrected(tab, same) == []


async def test_a_roster_tells_of_whom_nobody_told(open_tab: OpenTab) -> None:
    tab = await open_tab("ana")
    other = """[{user: 'ben', session: '9'}, {user: 'cleo', session: '3', extra: {a: 2}, unreachable: true},
        {user: 'dora', session: '4', unreachable: true}]"""
    assert await corrected(tab, other) == [
        "remoteUserLeave ana 1 network_lost",
        "remoteUserLeave ben 2 network_lost",
        "remoteUserJoin ben 9",
        "remoteUserUpdate cleo 3",
        "remoteUserUnreachable cleo 3",
        "remoteUserJoin dora 4",
        "remoteUserUnreachable dora 4",
    ]


async def test_the_late_leave_of_an_old_session_does_not_take_away_the_new_one(open_tab: OpenTab) -> None:
    tab = await open_tab("ana")
    late = "return [roster.apply('remoteUserLeave', { user: 'ana', session: '0' }), roster.users.has('ana')]"
    assert await tab.value(ROSTER % late) == [False, True]


@pytest.mark.parametrize(("count", "width", "height"), [(1, 1520, 900), (2, 390, 660), (5, 1520, 900), (9, 1280, 600)])
async def test_tiles_fit_on_the_stage(open_tab: OpenTab, count: int, width: int, height: int) -> None:
    tab = await open_tab("ana")
    size = await tab.value(LAYOUT % (count, width, height))
    assert isinstance(size, dict)
    columns = (width + 12) // (size["width"] + 12)
    rows = -(-count // columns)
    assert rows * size["height"] + (rows - 1) * 12 <= height
    assert size["width"] >= 150


async def test_more_tiles_than_fit_stay_large_enough_to_be_seen(open_tab: OpenTab) -> None:
    tab = await open_tab("ana")
    size = await tab.value(LAYOUT % (60, 390, 660))
    assert isinstance(size, dict)
    assert size["width"] >= 150
