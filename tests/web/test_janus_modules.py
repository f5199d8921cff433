"""The modules of the page for rooms of Janus that decide and do nothing, called in a browser."""

import json

import pytest

from signaling.janus_words import janus_id, stay_name
from tests.browser import OpenTab

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

SESSIONS = ["abc", "", "x" * 45, "x" * 46, "x" * 200, "Zoë~1"]
# `ana` and `bo` are the numbers of their feeds; `asked` tells, and does, what is to be asked for next.
FEEDS = """Promise.all([import("./-/janus-feeds.js"), import("./-/janus-id.js")]).then(([{ Feeds }, { janusId }]) => {
    const feeds = new Feeds({ mayReceive: true });
    const names = { [janusId("1")]: "ana", [janusId("2")]: "bo" };
    const [ana, bo] = [janusId("1"), janusId("2")];
    feeds.add("ana", "1");
    feeds.add("bo", "2");
    const namesOf = (some) => some.map((feed) => names[feed]);
    const named = (change) => change && [namesOf(change.subscribe), namesOf(change.unsubscribe)];
    const asked = (now = 0) => {
        const change = feeds.nextChange(now);
        if (change) feeds.done(change);
        return named(change);
    };
    const refused = (now) => {
        const change = feeds.nextChange(now);
        if (change) feeds.refused(change, now);
        return named(change);
    };
    %s
})"""
BREAKS = """import("./-/janus-breaks.js").then(({ Breaks }) => {
    const breaks = new Breaks(500, 8000);
    return [0, 0, 0, 0, 0, 0, 7999, 8000].map((heldFor) => breaks.after(heldFor));
})"""
DOUBTS = """import("./-/janus-doubts.js").then(({ Doubts }) => {
    const doubts = new Doubts();
    const counts = (...numbers) => new Map(numbers.map((number, index) => [index + 1, number]));
    const found = [];
    doubts.begin(counts(40, 7, 0), 1000);
    found.push(doubts.silent(counts(40, 7, 0), 5999));
    found.push(doubts.silent(counts(40, 8, 0), doubts.nextDeadline()));
    found.push(doubts.nextDeadline() === Infinity ? null : "in doubt");
    doubts.end();
    doubts.begin(counts(5, 5, 0), 10000);
    found.push(doubts.silent(counts(6, 6, 0), 15000));
    doubts.begin(counts(6, 6, 3), 20000);
    found.push(doubts.silent(counts(7, 7, 3), 25000));
    return found;
})"""


async def test_a_page_knows_whose_a_feed_is_as_the_server_does(open_tab: OpenTab) -> None:
    tab = await open_tab("ana")
    ids = f'import("./-/janus-id.js").then(({{ janusId }}) => {json.dumps(SESSIONS)}.map(janusId))'
    assert await tab.value(ids) == [janus_id(session) for session in SESSIONS]


STORIES: dict[str, tuple[str, object]] = {
    "what is nobody's is left alone": (
        "feeds.published([ana, 7]); feeds.published([bo]); return [asked(), asked()]",
        [[["ana", "bo"], []], None],
    ),
    "who has left is subscribed to no more, what has ended has ended": (
        "feeds.published([ana, bo]); asked(); feeds.remove('bo'); feeds.gone(ana); return [asked(), asked()]",
        [[[], ["bo"]], None],
    ),
    "without the grant nothing is received": (
        """
        feeds.published([ana]);
        asked();
        feeds.mayReceive = false;
        return [asked(), feeds.nextDeadline() === Infinity];
        """,
        [[[], ["ana"]], True],
    ),
    "a word counts more than the list that was asked for before": (
        "feeds.asking(); feeds.gone(ana); feeds.published([bo]); feeds.listed([ana]); return asked()",
        [["bo"], []],
    ),
    "the list says what has ended": (
        """
        feeds.published([ana]);
        asked();
        feeds.asking();
        feeds.listed([bo]);
        return [asked(), feeds.has("1"), feeds.has("2")];
        """,
        [[["bo"], []], False, True],
    ),
    "what is refused together is asked for one by one, and later": (
        """
        feeds.published([ana, bo]);
        return [refused(0), refused(0), refused(0), refused(0), feeds.nextDeadline(), refused(500)];
        """,
        [[["ana", "bo"], []], [["ana"], []], [["bo"], []], None, 500, [["ana"], []]],
    ),
    "an m-line is told again when it carries another": (
        """
        const line = (feed, active = true) => [
            { mid: "0", type: "video", feed_id: feed, active },
            { mid: "1", type: "data", feed_id: feed },
            { mid: "2", type: "audio" },
        ];
        const users = (streams) => feeds.laidOut(streams).map(({ mid, user, kind }) => `${mid} ${user} ${kind}`);
        return [line(ana), line(ana), line(ana, false), line(bo), line(7)].map(users);
        """,
        [["0 ana video"], [], [], ["0 bo video"], []],
    ),
    "what we are subscribed to is carried by its m-lines": (
        """
        feeds.published([ana, bo]);
        asked();
        feeds.laidOut([{ mid: "0", type: "audio", feed_id: ana }, { mid: "1", type: "video", feed_id: ana }]);
        return [...feeds.carried()].map(([feed, mids]) => [names[feed], mids]);
        """,
        [["ana", ["0", "1"]], ["bo", []]],
    ),
    "a new connection carries nothing": (
        "feeds.published([ana]); asked(); feeds.beginAnew(); return asked()",
        [["ana"], []],
    ),
}


async def test_a_page_proves_who_it_is_as_the_server_has_it(open_tab: OpenTab) -> None:
    tab = await open_tab("ana")
    name = 'import("./-/janus-id.js").then(({ stayName }) => stayName(1800000000000, "0123456789abcdef"))'
    assert await tab.value(name) == stay_name(1_800_000_000_000, "0123456789abcdef")


async def test_a_page_notices_which_feeds_deliver_nothing_since_words_may_have_been_lost(open_tab: OpenTab) -> None:
    tab = await open_tab("ana")
    assert await tab.value(DOUBTS) == [[], [1, 3], None, [], [3]]


async def test_a_page_asks_janus_for_the_feeds_of_those_who_are_here(open_tab: OpenTab) -> None:
    tab = await open_tab("ana")
    ends = {name: await tab.value(FEEDS % story) for name, (story, _) in STORIES.items()}
    assert ends == {name: end for name, (_, end) in STORIES.items()}


async def test_breaks_double_and_begin_anew_after_what_has_held(open_tab: OpenTab) -> None:
    tab = await open_tab("ana")
    assert await tab.value(BREAKS) == [500, 1000, 2000, 4000, 8000, 8000, 8000, 500]
