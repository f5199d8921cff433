"""The modules of the page that decide and do nothing, called in a browser."""

import json

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


async def test_who_says_goodbye_is_gone_once_and_stays_gone_but_may_come_anew(open_tab: OpenTab) -> None:
    tab = await open_tab("ana")
    goodbye = """
        const before = roster.depart("ana", "0", { reason: "left", text: null });
        const told = roster.depart("cleo", "3", { reason: "error", text: "sorry" });
        const again = roster.depart("cleo", "3", { reason: "left", text: null });
        const session = { user: "cleo", session: "3" };
        const changes = ["Leave", "Back", "Update", "Unreachable", "Join"];
        const later = changes.map((change) => roster.apply(`remoteUser${change}`, session));
        const anew = roster.apply("remoteUserJoin", { user: "cleo", session: "4" });
        const late = roster.depart("cleo", "3", { reason: "left", text: null });
        return { before, told, again, later, anew, late, here: [...roster.users.keys()] };
    """
    assert await tab.value(ROSTER % goodbye) == {
        "before": None,
        "told": {
            "user": "cleo",
            "session": "3",
            "reason": "error",
            "text": "sorry",
            "detectedBy": "notice",
            "silentFor": 0,
            "extra": {"a": 1},
        },
        "again": None,
        "later": [False] * 5,
        "anew": True,
        "late": None,
        "here": ["ana", "ben", "cleo"],
    }


async def test_a_roster_does_not_bring_back_who_said_goodbye(open_tab: OpenTab) -> None:
    tab = await open_tab("ana")
    goodbye = 'roster.depart("ana", "1", { reason: "left", text: null });'
    same = "[{user: 'ana', session: '1'}, {user: 'ben', session: '2'}, {user: 'cleo', session: '3', extra: {a: 1}}]"
    assert await tab.value(ROSTER % (goodbye + CORRECTED % same)) == []


async def test_the_memory_of_goodbyes_is_bounded(open_tab: OpenTab) -> None:
    tab = await open_tab("ana")
    many = """
        for (let n = 0; n < 257; n += 1) {
            roster.add({ user: "dora", session: `d${n}` });
            roster.depart("dora", `d${n}`, { reason: "left", text: null });
        }
        return ["d256", "d1", "d0"].map((session) => roster.apply("remoteUserJoin", { user: "dora", session }));
    """
    assert await tab.value(ROSTER % many) == [False, False, True]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"type": "ack", "more": 1}', {"type": "ack"}),
        ('{"type": "leave"}', {"type": "leave", "reason": "left", "text": None, "wantsAck": False}),
        (
            '{"type": "leave", "reason": "error", "text": "oh", "wantsAck": true}',
            {"type": "leave", "reason": "error", "text": "oh", "wantsAck": True},
        ),
        ('{"type": "media"}', {"type": "media", "published": [], "muted": []}),
        (
            '{"type": "media", "published": ["audio", "video"], "muted": ["video"]}',
            {"type": "media", "published": ["audio", "video"], "muted": ["video"]},
        ),
        ('{"type": "media", "muted": ["smell"]}', None),
        ('{"type": "media", "published": "audio"}', None),
        ('{"type": "leave", "reason": "kicked"}', None),
        ('{"type": "leave", "reason": null}', None),
        ('{"type": "leave", "text": 1}', None),
        ('{"type": "leave", "wantsAck": "yes"}', None),
        ('{"type": "leave", "text": "%s"}' % ("x" * 1001), None),
        ('{"type": "ack", "more": "%s"}' % ("x" * 8192), None),
        ('{"type": "hello"}', None),
        ("null", None),
        ("leave", None),
    ],
)
async def test_of_what_comes_over_the_channel_only_our_own_words_count(
    open_tab: OpenTab, text: str, read: object
) -> None:
    tab = await open_tab("ana")
    assert await tab.value(f'import("./-/channel.js").then((m) => m.readMessage({json.dumps(text)}))') == read


RMC = """Promise.all([import("./-/rmc.js"), import("./-/letter.js")]).then(([{ Texts, isPage }, { contentOf }]) => {
    const [ours, theirs] = [new Texts(), new Texts()];
    const hear = (said) => said.map((piece) => theirs.hear(piece)).filter(Boolean).map(({ data }) => data);
    const say = (data) => {
        const { form, content } = contentOf("chat", data, 2 ** 20);
        return ours.pieces({ head: { topic: "chat", form }, content });
    };
    %s
})"""


async def test_what_is_said_to_a_page_of_rtcmulticonnection_can_be_put_together_again(open_tab: OpenTab) -> None:
    tab = await open_tab("ana")
    story = """
        const long = "🎺".repeat(20_001);
        const said = ["", "as it is", "x" + long, { n: [1, null, "ü"] }, null, new Uint8Array([0, 255])];
        const [first, ...rest] = say("x" + long);
        const between = hear([first, ...say("between"), ...rest]).map((text) => text.length);
        const again = said.map((data) => hear(say(data)).map((heard) => heard === "x" + long || heard));
        return [isPage("rmc~1"), isPage("x"), between, again];
    """
    said = [[""], ["as it is"], [True], [{"n": [1, None, "ü"]}], [None], ["AP8="]]
    assert await tab.value(RMC % story) == [True, False, [7, 40_003], said]


async def test_of_what_comes_over_the_channel_of_such_a_page_only_texts_count_and_few_are_kept(
    open_tab: OpenTab,
) -> None:
    tab = await open_tab("ana")
    story = """
        const piece = (uuid, message, last) => JSON.stringify({ type: "text", uuid, message, last });
        const none = ["no json", "null", "7", new ArrayBuffer(4), '{"type":"text","message":7,"last":true}',
            '{"type":"file","message":"a","last":true}', piece("1", "a".repeat(262_145), true),
            '{"type":"text","message":"{","last":true,"isobject":true}'];
        const begun = Array.from({ length: 9 }, (_, uuid) => piece(uuid, "a", false));
        return [hear(none), hear(begun), hear([piece(0, "b", true), piece(1, "b", true)])];
    """
    assert await tab.value(RMC % story) == [[], [], ["b", "ab"]]


WINDOW = """import("./-/window.js").then(({ Outgoing }) => {
    const outgoing = new Outgoing();
    const add = (text) => {
        const head = { topic: "chat", number: outgoing.nextNumber, form: "json" };
        outgoing.add({ head, content: new TextEncoder().encode(JSON.stringify(text)) });
    };
    const post = (which) => outgoing.envelope(which)?.head.number;
    const hand = () => outgoing.handOver()?.head.number;
    for (const text of ["a", "b", "c"]) add(text);
    const story = [hand(), post(), hand(), post({ isAgain: true })];
    outgoing.again();
    story.push(post({ isAgain: true }));
    outgoing.hear({ number: 1 });
    story.push(hand());
    add("d");
    outgoing.hear({ number: 1 }); // late
    story.push(post());
    outgoing.hear({ number: 2 });
    return [story.map((number) => number ?? null), outgoing.isEmpty, hand() ?? null];
})"""


async def test_what_the_server_was_given_is_not_handed_over_and_the_server_counts_without_what_was(
    open_tab: OpenTab,
) -> None:
    tab = await open_tab("ana")
    assert await tab.value(WINDOW) == [[1, 1, None, None, 1, 3, 2], True, None]


NOTICE = """import("./-/notice.js").then(async ({ Notice }) => {
    const notice = new Notice();
    let isOver = false;
    notice.over.then(() => { isOver = true; });
    %s
    await null;
    return [isOver, ...notice.unacknowledged];
})"""


@pytest.mark.parametrize(
    ("story", "end"),
    [
        ("notice.begin('server', ['bo'])", [False]),
        ("notice.begin('server', ['bo']); notice.acknowledge('bo')", [False]),
        ("notice.begin('server', ['bo']); notice.confirm()", [True]),
        ("notice.begin('server', ['bo']); notice.loseServer()", [True]),
        ("notice.begin(null, ['bo'])", [True]),
        ("notice.begin('everyone', [])", [False]),
        ("notice.begin('everyone', []); notice.loseServer()", [True]),
        ("notice.begin('everyone', ['cy', 'bo'])", [False, "bo", "cy"]),
        ("notice.begin('everyone', ['bo']); notice.loseServer()", [False, "bo"]),
        ("notice.begin('everyone', ['bo', 'cy']); notice.acknowledge('bo')", [False, "cy"]),
        ("notice.begin('everyone', ['bo']); notice.acknowledge('bo')", [True]),
        (
            "notice.begin('everyone', ['bo', 'cy']); notice.acknowledge('bo'); notice.confirm(['bo', 'cy'])",
            [True, "cy"],
        ),
        ("notice.acknowledge('bo'); notice.begin('everyone', ['bo']); notice.confirm(['bo'])", [True, "bo"]),
        ("notice.begin('everyone', ['bo']); notice.confirm()", [True]),
    ],
)
async def test_a_leave_is_over_when_whom_it_waits_for_has_answered(open_tab: OpenTab, story: str, end: object) -> None:
    tab = await open_tab("ana")
    assert await tab.value(NOTICE % f"{story};") == end


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
