"""Who comes into a VideoRoom as another, or publishes without the right to, is removed; strangers stay outside."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec.structs import replace

from signaling import SignalingServer
from signaling.janus import hosting
from signaling.janus.carer import Carer
from signaling.janus.failures import Code, JanusRefused
from signaling.janus.hosting import VideoRoom, told
from signaling.janus.placing import Server
from signaling.janus.videoroom import Ask, Feed, JoinAsPublisher, JoinAsSubscriber, come_in
from signaling.messages import Janus, Joined, janus_id
from signaling.tokens import make
from tests.devices.janus import janus_server
from tests.signaling.client import listening
from tests.signaling.janus.guests import PATIENCE, STAYS, Guest, guest

KEY = "a key of thirty-two letters, sure"
SECRET = "one that Janus and we share"
GRANTS = {"ana": ["publish", "subscribe"], "ben": ["publish", "subscribe"], "cleo": ["subscribe"]}


@asynccontextmanager
async def rooms() -> AsyncIterator[dict[str, Joined]]:
    """Have ana, ben and cleo, who may not publish, in a room that a real Janus carries; yield what they were told.

    They stay for as long as that takes: who has left is removed, whatever they did there.
    """
    async with janus_server(admin_key=SECRET) as janus:
        # Without pings: these clients do not read.
        server = SignalingServer(topology="janus", janus=(janus.url,), janus_secret=SECRET, key=KEY, heartbeat=0)
        async with listening(server) as place:
            clients = {user: await place.connect() for user in GRANTS}  # one that nobody holds is closed
            yield {
                user: await clients[user].join(user, token=make(KEY, "42", user, grants=grants))
                for user, grants in GRANTS.items()
            }


def media_of(joined: Joined) -> Janus:
    assert joined.media is not None
    return joined.media


def as_another(joined: Joined, session: str) -> JoinAsPublisher:
    """Return what comes in by the right of who joined, under the id of another session."""
    return replace(come_in(media_of(joined), joined.session, next(STAYS)), id=janus_id(session))


async def is_removed(intruder: Guest) -> None:
    async with asyncio.timeout(PATIENCE):
        await intruder.is_out.wait()


async def test_who_publishes_as_another_or_without_the_right_to_is_removed_and_nobody_else_is() -> None:
    async with rooms() as here, guest(here["ana"].media) as ana, guest(here["ben"].media) as ben:
        await ben.come_in(here["ben"].session)  # who is let in is known to be: from here on nobody is too early
        for thief, session in (("ben", here["ana"].session), ("cleo", here["ana"].session), ("cleo", "nobody's")):
            async with guest(here[thief].media) as intruder:
                await intruder.insist(as_another(here[thief], session))
                await is_removed(intruder)
        await ana.come_in(here["ana"].session)
        publishing = [asyncio.create_task(one.publish(), name="publishes") for one in (ana, ben)]
        try:
            async with guest(here["cleo"].media) as intruder:
                await intruder.come_in(here["cleo"].session)
                await intruder.publish()
            assert not ana.is_out.is_set()
            assert not ben.is_out.is_set()
        finally:
            for one in publishing:
                one.cancel()
            await asyncio.wait(publishing)


async def test_the_name_that_another_had_there_can_be_read_and_is_good_for_nothing() -> None:
    async with rooms() as here, guest(here["ben"].media) as ben:
        await ben.come_in(here["ben"].session)
        await ben.until_watched(here["ben"].session)  # of a stay that was over before, nobody would know
        async with guest(here["ana"].media) as ana:
            await ana.come_in(here["ana"].session)
            name = await ben.name_of(here["ana"].session)
        async with guest(here["ben"].media) as intruder:
            await intruder.insist(replace(as_another(here["ben"], here["ana"].session), display=name))
            await is_removed(intruder)
        async with guest(here["ana"].media) as ana:
            await ana.come_in(here["ana"].session)
            assert await ben.name_of(here["ana"].session) != name


async def test_who_came_in_as_another_while_our_server_was_away_is_removed_when_it_is_back() -> None:
    async with janus_server(admin_key=SECRET) as janus:
        place = VideoRoom(janus.url, 5)
        async with guest(told(place, "ana", SECRET)) as ana, guest(told(place, "ben", SECRET)) as ben:
            async with cared_for(place, is_new=True):
                await ben.come_in("ben")
            async with guest(told(place, "ben", SECRET)) as intruder:
                await intruder.insist(replace(come_in(intruder.media, "ben", next(STAYS)), id=janus_id("ana")))
                async with cared_for(place, is_new=False):
                    await is_removed(intruder)
                    await ana.come_in("ana")
                    await ben.name_of("ana")
                    assert not ana.is_out.is_set()
                    assert not ben.is_out.is_set()


@asynccontextmanager
async def cared_for(place: VideoRoom, *, is_new: bool) -> AsyncIterator[None]:
    """See to a VideoRoom of ana's and ben's, as a server does while it runs."""
    there = Server(place.url)
    there.care.begin(place.number, ["ana", "ben"], places=2, is_new=is_new)
    carer = Carer(there, SECRET, changed=lambda: None, lost=lambda *_: None)
    carer.start()
    try:
        yield
    finally:
        await carer.close()


async def test_a_stranger_who_knows_the_number_of_a_videoroom_gets_nothing_there() -> None:
    async with rooms() as here, guest(here["ben"].media) as ben:
        await ben.come_in(here["ben"].session)
        room, pin, feed = media_of(here["ana"]).room, media_of(here["ana"]).pin, Feed(janus_id(here["ben"].session))
        coming = come_in(Janus(url="", room=room, token="mine", pin="mine"), "stranger", 1)
        watching = JoinAsSubscriber(room=room, private_id=1, pin="mine", streams=[feed])
        publishing = asyncio.create_task(ben.publish(), name="ben publishes")
        try:
            await ben.until_published(here["ben"].session)
            for request in (coming, watching, replace(coming, pin=pin), replace(watching, pin=pin)):
                assert await code_of(here["ana"], request) == Code.UNAUTHORIZED
            for change in (hosting.kick(room, feed.feed, "mine"), hosting.destroy(room, "mine")):
                assert await code_of(here["ana"], change) == Code.UNAUTHORIZED
            assert not ben.is_out.is_set()
        finally:
            publishing.cancel()
            await asyncio.wait({publishing})


async def code_of(joined: Joined, request: Ask) -> int:
    """Return the code by which a stranger is refused what they ask of that Janus; 0: they are not."""
    async with guest(joined.media) as stranger:
        try:
            await stranger.say(request)
        except JanusRefused as error:
            return error.code
    return 0
