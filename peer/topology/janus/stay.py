"""Our stay in one VideoRoom: one session with its Janus, a handle to publish by and one to subscribe by."""

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from peer.media.aiortc_receiver import Inbound
from peer.media.fanout import Fanout
from peer.media.inbound_stats import CandidatePairStats
from peer.topology.janus.breaks import Breaks
from peer.topology.janus.downlink import Downlink
from peer.topology.janus.feeds import Feeds
from peer.topology.janus.line import Ways
from peer.topology.janus.uplink import Uplink
from signaling.janus.asking import ask
from signaling.janus.failures import Code, JanusFailure, JanusRefused, SessionOver
from signaling.janus.protocol import Detached, Event, HandleWord, Hangup, SlowLink, Trickle
from signaling.janus.session import Handle, JanusSession, State
from signaling.janus.videoroom import (
    Destroyed,
    Happened,
    JoinAsSubscriber,
    Joined,
    ListParticipants,
    Participants,
    RoomWord,
    come_in,
    decode,
)
from signaling.messages import Janus, janus_id

JOIN_LIMIT = 10.0  # seconds in which we ask to be let in: our server may be about to make the room, or to allow us
JOIN_EVERY = 0.3  # seconds
LIST_MIN, LIST_MAX = 0.5, 8.0  # seconds before we ask again who publishes, when that was not answered; doubling
NOT_YET = (Code.NO_SUCH_ROOM, Code.UNAUTHORIZED, Code.ID_EXISTS)  # the last: our session before has not ended yet
STAYS = itertools.count(time.time_ns() // 1_000_000)  # numbers of ours: our server takes each for one stay alone
log = logging.getLogger(__name__)


class ThrownOut(JanusFailure):
    """Somebody has put us out of the VideoRoom, or has ended it."""


@dataclass(frozen=True, slots=True)
class Member:
    """What a stay has from its peer: who we are, what we may send if there is something, and who gets what comes."""

    session: str
    outgoing: Mapping[str, Fanout]
    may_send: Callable[[], bool]
    has_something: Callable[[], bool]
    on_track: Callable[[str, Inbound], None]
    ways: Ways


class Stay:
    """In the VideoRoom for as long as `run` runs. Whatever Janus says is a hint: who is here, our server says."""

    def __init__(self, media: Janus, member: Member, feeds: Feeds) -> None:
        self._media, self._member, self._feeds = media, member, feeds
        self._name = f"janus room {media.room}"
        self._uplink: Uplink | None = None
        self._downlink: Downlink | None = None
        self._missed = asyncio.Event()  # what Janus said may have been lost
        self._was_lost = False
        self._thrown_out = asyncio.Event()

    def look(self) -> None:
        """What is to be sent or received may be another."""
        for link in (self._uplink, self._downlink):
            if link is not None:
                link.look()

    def pairs(self) -> Sequence[CandidatePairStats]:
        """Return the ways that packets go: of what we send, and of what comes."""
        found = [link.pair() for link in (self._uplink, self._downlink) if link is not None]
        return [pair for pair in found if pair is not None]

    async def run(self) -> None:
        """Send and receive until that cannot go on. Raises `JanusFailure`; cancelled, it ends the session."""
        session = JanusSession(self._media.url, on_state=self._turned)
        try:
            await session.open()
            handle = await session.attach(self._heard)
            joined = await self._join(handle)
            await self._first_to_end(session, handle, joined.private_id)
        finally:
            await session.close()

    async def _first_to_end(self, session: JanusSession, handle: Handle, private_id: int) -> None:
        """Run all parts until one of them ends. Raises what it raises."""
        member = self._member
        room, pin = self._media.room, self._media.pin
        self._uplink = Uplink(
            self._name,
            handle,
            member.ways,
            member.outgoing,
            may_send=member.may_send,
            has_something=member.has_something,
        )
        self._downlink = Downlink(
            self._name,
            session,
            member.ways,
            self._feeds,
            join=lambda feeds: JoinAsSubscriber(room=room, pin=pin, private_id=private_id, streams=feeds),
            on_track=member.on_track,
        )
        works = (self._uplink.run(), self._downlink.run(), self._catch_up(handle), self._watch(session))
        tasks = [asyncio.create_task(work, name=self._name) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in done:
            task.result()

    async def _join(self, handle: Handle) -> Joined:
        """Come in as one who may publish; as often as it takes, within a limit. Raises `JanusFailure`."""
        request = come_in(self._media, self._member.session, next(STAYS))
        until = asyncio.get_running_loop().time() + JOIN_LIMIT
        while True:
            self._feeds.asking()
            try:
                word = decode((await handle.ask(request)).data)
            except JanusRefused as refused:
                if refused.code not in NOT_YET or asyncio.get_running_loop().time() > until:
                    raise
                await asyncio.sleep(JOIN_EVERY)
            else:
                if not isinstance(word, Joined):
                    raise JanusFailure(f"Janus did not say that we are in: {word}")
                self._feeds.listed(one.id for one in word.publishers)
                return word

    async def _watch(self, session: JanusSession) -> None:
        """Raise `JanusFailure` when the session is over, or we are out of the VideoRoom."""
        waits = [asyncio.create_task(session.wait_over()), asyncio.create_task(self._thrown_out.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.wait(waits)
        if self._thrown_out.is_set():
            raise ThrownOut("we are out of its VideoRoom, or it is over")
        raise SessionOver("it has lost our session")

    async def _catch_up(self, handle: Handle) -> None:
        """Ask who publishes whenever Janus may have said so in vain, until it answers. Raises `SessionOver`."""
        breaks = Breaks(LIST_MIN, LIST_MAX)
        while True:
            await self._missed.wait()
            self._missed.clear()
            try:
                await self._list(handle)
            except (SessionOver, ThrownOut):
                raise
            except JanusFailure as error:
                log.debug("%s: who publishes: %s", self._name, error)
                self._missed.set()
                await asyncio.sleep(breaks.after(0))
            else:
                breaks = Breaks(LIST_MIN, LIST_MAX)

    async def _list(self, handle: Handle) -> None:
        """Take in who is in and publishes. Raises `JanusFailure`: `ThrownOut` if we are not among them."""
        self._feeds.asking()
        try:
            present = (await ask(handle, ListParticipants(room=self._media.room), Participants)).participants
        except JanusRefused as refused:
            raise (ThrownOut("its VideoRoom is over") if refused.code == Code.NO_SUCH_ROOM else refused) from None
        if all(one.id != janus_id(self._member.session) for one in present):
            raise ThrownOut("we are out of its VideoRoom")
        self._feeds.listed(one.id for one in present if one.publisher)
        if self._downlink is not None:
            self._downlink.doubt()
        self.look()

    def _turned(self, state: State) -> None:
        if state is State.CLAIMING:
            self._was_lost = True
        elif state is State.OPEN and self._was_lost:
            self._was_lost = False
            self._missed.set()

    def _heard(self, word: HandleWord) -> None:
        match word:
            case Event(plugindata=said):
                self._happened(decode(said.data))
            case Trickle(candidate=candidate) if self._uplink is not None:
                self._uplink.trickled(candidate)
            case Hangup(reason=reason) if self._uplink is not None and not self._thrown_out.is_set():
                self._uplink.hung_up(reason)
            case Detached():
                self._thrown_out.set()
            case SlowLink(uplink=is_ours, lost=lost):
                log.debug("%s: %d packets lost on the way %s Janus", self._name, lost, "to" if is_ours else "from")
            case _:
                pass

    def _happened(self, word: RoomWord | None) -> None:
        match word:
            case Destroyed():
                self._thrown_out.set()
            case Happened(is_ours=True):
                self._thrown_out.set()
            case Happened(publishers=publishers, gone=gone):
                self._feeds.published(one.id for one in publishers)
                if gone is not None:
                    self._feeds.gone(gone)
                self.look()
            case _:
                pass
