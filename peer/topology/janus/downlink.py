"""What the others send: one subscriber's handle and one connection, whose m-lines Janus offers anew at every change."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from peer.media.aiortc_receiver import Inbound
from peer.media.inbound import SenderClock
from peer.media.inbound_stats import CandidatePairStats
from peer.topology.janus.breaks import Breaks
from peer.topology.janus.doubts import SILENT_LIMIT, Doubts
from peer.topology.janus.feeds import Change, Feeds, Route
from peer.topology.janus.line import Line, LineFailure, Ways
from signaling.janus.failures import Code, JanusFailure, JanusRefused, SessionOver
from signaling.janus.protocol import Detached, Event, HandleWord, Hangup, Jsep, Trickle
from signaling.janus.session import Answer, Handle, JanusSession
from signaling.janus.videoroom import Attached, Feed, JoinAsSubscriber, Start, Update, Updated, decode

OFFER_LIMIT = 5.0  # seconds for an offer that Janus has announced; it may be lost with a socket
RETRY_MIN, RETRY_MAX = 0.5, 8.0  # seconds before we subscribe anew after a failure, doubling
log = logging.getLogger(__name__)


class Downlink:
    """Subscribes to what `feeds` says; `on_track(user, track)` gets what carries a user's media.

    `run` ends with the session only.
    """

    def __init__(
        self,
        name: str,
        session: JanusSession,
        ways: Ways,
        feeds: Feeds,
        *,
        join: Callable[[list[Feed]], JoinAsSubscriber],
        on_track: Callable[[str, Inbound], None],
    ) -> None:
        self._name, self._session, self._ways, self._feeds = name, session, ways, feeds
        self._join, self._on_track = join, on_track
        self._loop = asyncio.get_running_loop()
        self._line: Line | None = None
        self._broken: str | None = None
        self._is_joined = False
        self._offers: deque[Answer] = deque()
        self._offer_due: float | None = None
        self._clocks: dict[int, SenderClock] = {}  # by feed
        self._doubts = Doubts()
        self._changed = asyncio.Event()

    def pair(self) -> CandidatePairStats | None:
        """Return the way that packets come; None if there is no connection."""
        return None if self._line is None else self._line.pair()

    def look(self) -> None:
        """There may be more to subscribe to, or less."""
        self._changed.set()

    def doubt(self) -> None:
        """What Janus said may have been lost: see whether everything is delivered that we are subscribed to."""
        if self._line is not None:
            self._doubts.begin(self._delivered(self._line), self._loop.time())
            self._changed.set()

    async def run(self) -> None:
        """Be subscribed to what is wanted. Raises `SessionOver`."""
        breaks = Breaks(RETRY_MIN, RETRY_MAX)
        while True:
            while self._feeds.next_change(self._loop.time()) is None:
                await self._wait()
            began = self._loop.time()
            try:
                await self._subscribe()
            except SessionOver:
                raise
            except JanusFailure as error:
                log.info("%s: receives nothing for now: %s", self._name, error)
                await asyncio.sleep(breaks.after(self._loop.time() - began))

    async def _subscribe(self) -> None:
        """Follow the feeds with a handle and a connection of our own, until they fail. Raises `JanusFailure`."""
        self._broken, self._is_joined, self._offer_due = None, False, None
        self._offers.clear()
        line = self._line = Line(f"{self._name} down", self._ways, outgoing={}, on_broken=self._break)
        try:
            await self._follow_on(await self._session.attach(self._heard), line)
        finally:
            self._line = None
            line.close()
            self._feeds.begin_anew()
            self._doubts.end()
            self._clocks.clear()

    async def _follow_on(self, handle: Handle, line: Line) -> None:
        try:
            while True:
                await self._follow(handle, line)
        except JanusFailure:
            await handle.detach()
            raise

    async def _follow(self, handle: Handle, line: Line) -> None:
        """Do what is next: an offer is answered before anything else is asked for. Raises `JanusFailure`."""
        now = self._loop.time()
        if self._broken is not None:
            raise LineFailure(self._broken)
        if self._offers:
            await self._take(self._offers.popleft(), handle, line)
        elif self._offer_due is not None and now >= self._offer_due:
            raise LineFailure("Janus does not offer what it has announced")
        elif silent := self._doubts.silent(self._delivered(line), now):
            raise LineFailure(f"{len(silent)} feeds deliver nothing for {SILENT_LIMIT:g} s since a socket was lost")
        elif (change := self._feeds.next_change(now)) is not None:
            await self._ask(change, handle, line)
        else:
            await self._wait()

    async def _ask(self, change: Change, handle: Handle, line: Line) -> None:
        subscribe = [Feed(feed) for feed in change.subscribe]
        update = Update(subscribe=subscribe, unsubscribe=[Feed(feed) for feed in change.unsubscribe])
        try:
            answer = await handle.ask(update if self._is_joined else self._join(subscribe))
        except JanusRefused as refused:
            if refused.code != Code.NO_SUCH_FEED:
                raise
            self._feeds.refused(change, self._loop.time())
            return
        self._is_joined = True
        self._feeds.done(change)
        await self._take(answer, handle, line)

    async def _take(self, offered: Answer, handle: Handle, line: Line) -> None:
        """Answer an offer, and give what its m-lines carry to whom it concerns."""
        word = decode(offered.data)
        if offered.jsep is None:
            is_layout = isinstance(word, Attached | Updated)  # without an offer: nothing has changed
            self._offer_due = None if is_layout else self._loop.time() + OFFER_LIMIT
            return
        self._offer_due = None
        sdp = await line.answer(offered.jsep.sdp)
        if isinstance(word, Attached | Updated):
            for route in self._feeds.laid_out(word.streams):
                self._lead(route, line)
        await handle.ask(Start(), Jsep("answer", sdp))
        line.agreed()

    def _delivered(self, line: Line) -> dict[int, int]:
        """Return how many packets have come of each feed that we are subscribed to."""
        tracks = {feed: map(line.stream, mids) for feed, mids in self._feeds.carried().items()}
        return {feed: sum(track.packets for track in some if track is not None) for feed, some in tracks.items()}

    def _lead(self, route: Route, line: Line) -> None:
        track = line.stream(route.mid)
        if track is not None:
            track.begin_anew(self._clocks.setdefault(route.feed, SenderClock()))
            self._on_track(route.user, track)

    def _heard(self, word: HandleWord) -> None:
        match word:
            case Event(plugindata=said, jsep=Jsep() as jsep):
                self._offers.append(Answer(said.data, jsep))
                self._changed.set()
            case Trickle(candidate=candidate):
                if self._line is not None:
                    self._line.trickled(candidate)
            case Hangup(reason=reason):
                self._break(f"Janus has hung up: {reason}")
            case Detached():
                self._break("Janus has ended the handle")
            case _:
                log.debug("%s: %s", self._name, word)

    def _break(self, text: str) -> None:
        self._broken = text
        self._changed.set()

    async def _wait(self) -> None:
        """Wait for a change, or until something is due."""
        dues = (self._offer_due, self._feeds.next_deadline(), self._doubts.next_deadline())
        try:
            async with asyncio.timeout_at(min((due for due in dues if due is not None), default=None)):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()
