"""What a page publishes and mutes is known to Python peers, at once and to who comes later; and the other way round."""

import pytest

from peer import Peer, TestPattern
from tests.browser import OpenTab
from tests.journal import Journal

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

LIMIT = 40.0  # seconds

LISTEN = """{
    window.heard = [];
    for (const name of ["Published", "Unpublished", "Muted", "Unmuted"].map((change) => `onRemoteUser${change}`)) {
        exeunt.me.on(name, ({ type, user, kind }) => heard.push(`${type} ${user} ${kind}`));
    }
    null;  // or what `on` returned last would be called: it is a function
}"""


async def test_what_is_muted_is_told_to_who_is_there_and_to_who_comes(open_tab: OpenTab, base_url: str) -> None:
    journal = Journal()
    ana = await open_tab("ana")
    await ana.until_inside()
    async with Peer(f"{base_url.replace('http', 'ws')}/ws", room="lobby", user="bo") as bo:
        bo.on_remote_user_muted(lambda event: journal.add("bo", event))
        bo.on_remote_user_unmuted(lambda event: journal.add("bo", event))
        await ana.until_channels(1)
        await ana.value("exeunt.me.mute('audio')")
        await journal.until_media("bo", "remoteUserMuted ana")
        assert bo.users["ana"].muted == {"audio"}
        async with Peer(f"{base_url.replace('http', 'ws')}/ws", room="lobby", user="cleo") as cleo:
            cleo.on_remote_user_muted(lambda event: journal.add("cleo", event))
            await journal.until_media("cleo", "remoteUserMuted ana")
        await ana.value("exeunt.me.unmute('audio')")
        await journal.until_media("bo", "remoteUserUnmuted ana")
        assert not bo.users["ana"].muted
        await ana.value(LISTEN)
        bo.mute("video")
        await ana.until("heard.includes('remoteUserMuted bo video')")
        assert await ana.value("[...exeunt.me.users.get('bo').muted]") == ["video"]
        bo.unmute("video")
        await ana.until("heard.includes('remoteUserUnmuted bo video')")


async def test_what_is_published_and_no_longer_is_told_both_ways_and_is_no_freeze(
    open_tab: OpenTab, base_url: str
) -> None:
    journal = Journal()
    ana = await open_tab("ana")
    await ana.until_inside()
    async with Peer(f"{base_url.replace('http', 'ws')}/ws", room="lobby", user="bo") as bo:
        for hook in (bo.on_remote_user_published, bo.on_remote_user_unpublished):
            hook(lambda event: journal.add("bo", event))
        await ana.until_channels(1)
        await ana.publish()
        await journal.until_true(lambda: journal.media_of("bo").count("remoteUserPublished ana") == 2)
        await bo.users["ana"].video.first_frame(timeout=LIMIT)
        await ana.value(LISTEN)
        sent = await bo.publish(TestPattern(width=160, height=120, fps=10, tone=0))
        await ana.until("heard.includes('remoteUserPublished bo video')")
        await ana.until_picture("bo")
        await bo.unpublish(sent)
        await ana.until("heard.at(-1) === 'remoteUserUnpublished bo video'")
        await ana.page.click("#unpublish")
        await journal.until_true(lambda: journal.media_of("bo").count("remoteUserUnpublished ana") == 2)
        assert bo.users["ana"].published == frozenset()
        assert bo.users["ana"].video.ledger.flow.next_deadline() is None  # there is no freeze to come
        assert await ana.value("document.querySelector('[data-user=bo]').dataset.picture") == "off"
