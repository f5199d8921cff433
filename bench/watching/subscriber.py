"""How a viewer gets a publisher's streams from a VideoRoom: it comes in, waits for the feed, and answers the offer."""

import asyncio
from collections.abc import Iterable

from bench.publishing.viewer import Viewer
from signaling.janus.protocol import Event, HandleWord, JanusRefused, Jsep
from signaling.janus.session import JanusSession
from signaling.janus.videoroom import (
    Attached,
    Feed,
    Happened,
    JoinAsSubscriber,
    Joined,
    Start,
    come_in,
    decode,
)
from signaling.messages import Janus, janus_id

RETRY = 0.2  # seconds: the VideoRoom may not be there yet, nor let us in
MISSING, NOT_ALLOWED = 426, 433  # error codes of the plugin
LIMIT = 30.0  # seconds for each answer
TURNS = asyncio.Semaphore(8)  # of all viewers, which come at once, so many subscribe at one time


class Subscriber:
    """One viewer's session with Janus."""

    def __init__(self, media: Janus, session: str) -> None:
        self._media = media
        self._session = session
        self._feeds: set[int] = set()
        self._is_news = asyncio.Event()
        self._private = 0  # what our subscriptions are known by
        self._janus = JanusSession(media.url)

    async def watch(self, publisher: str, viewer: Viewer) -> None:
        """Have all that the publisher's session publishes come to the viewer. Raises `JanusFailure`."""
        feed = janus_id(publisher)
        while feed not in self._feeds:
            self._is_news.clear()
            await self._is_news.wait()
        handle = await self._janus.attach(lambda _: None)
        media = self._media
        wanted = JoinAsSubscriber(room=media.room, private_id=self._private, pin=media.pin, streams=[Feed(feed=feed)])
        async with TURNS:
            answer = await handle.ask(wanted, limit=LIMIT)
            assert isinstance(decode(answer.data), Attached), answer
            assert answer.jsep is not None
            await handle.ask(Start(), Jsep("answer", await viewer.answer(answer.jsep.sdp)), limit=LIMIT)

    async def close(self) -> None:
        """End the session."""
        await self._janus.close()

    async def come_in(self) -> None:
        """Be in the VideoRoom, as soon as we are let in. Raises `JanusFailure`."""
        await self._janus.open()
        join = come_in(self._media, self._session, stay=1)
        handle = await self._janus.attach(self._heard)
        while True:
            try:
                joined = decode((await handle.ask(join, limit=LIMIT)).data)
            except JanusRefused as error:
                if error.code not in (MISSING, NOT_ALLOWED):
                    raise
                await asyncio.sleep(RETRY)
                continue
            assert isinstance(joined, Joined), joined
            self._publish(one.id for one in joined.publishers)
            self._private = joined.private_id
            return

    def _heard(self, word: HandleWord) -> None:
        said = decode(word.plugindata.data) if isinstance(word, Event) else None
        if isinstance(said, Happened):
            self._publish(one.id for one in said.publishers)

    def _publish(self, ids: Iterable[int]) -> None:
        self._feeds |= set(ids)
        self._is_news.set()
