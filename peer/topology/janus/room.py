"""A VideoRoom of Janus carries the media of everybody: one connection up, one down, however many there are."""

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence

from peer.channel import ChannelMedia, ChannelMessage, decode, encode
from peer.media.aiortc_receiver import Inbound
from peer.media.fanout import Fanout
from peer.media.inbound_stats import CandidatePairStats
from peer.topology.janus.breaks import Breaks
from peer.topology.janus.feeds import Feeds
from peer.topology.janus.line import Ways
from peer.topology.janus.stay import Member, Stay, ThrownOut
from signaling.janus.failures import JanusFailure
from signaling.messages import IceServer, Janus, Relay, Said, Say

WORDS = "exeunt.channel"  # topic of what goes from peer to peer through our server, for want of a data channel
RETRY_MIN, RETRY_MAX = 0.5, 5.0  # seconds before we go to the same VideoRoom again, doubling
log = logging.getLogger(__name__)


class JanusVideoRoom:
    """Sends and receives through the VideoRoom that our server names, and through another as soon as it names that.

    Who is here is said by our server alone. Janus that is lost is gone back to, with breaks that grow; nobody leaves
    for that. What the mesh says over data channels of what we send is said through our server (grant `message`). `say`
    sends to the server; all else is as the mesh's.
    """

    has_channels = False

    def __init__(
        self,
        session: str,
        media: Janus | None,
        *,
        say: Callable[[Say], None],
        on_track: Callable[[str, Inbound], None],
        on_said: Callable[[str, str, ChannelMessage], None],
        greeting: Callable[[], ChannelMedia],
        outgoing: Mapping[str, Fanout],
        ice_servers: Sequence[IceServer],
        relay_only: bool = False,
        receive_from: Collection[str] | None = None,
        grants: frozenset[str],
    ) -> None:
        self._say, self._on_said, self._greeting = say, on_said, greeting
        self._ways = Ways(ice_servers, relay_only)
        self._grants, self._receive_from = grants, receive_from
        self._sessions: dict[str, str] = {}  # by user
        self._member = Member(session, outgoing, self._may_send, self._has_something, on_track, self._ways)
        self._feeds = self._known_feeds()
        self._stay: Stay | None = None
        self._media: Janus | None = None
        self._running: asyncio.Task[None] | None = None
        self._is_closed = False
        self.place(media)
        if greeting() != ChannelMedia():
            self._tell(None)

    def place(self, media: Janus | None) -> None:
        """Our server has placed the room there; None: nowhere, for now."""
        if self._is_closed or media == self._media:
            return
        self._media = media
        if self._running is not None:
            self._running.cancel()
        self._running = None if media is None else self._keep(self._live(media), f"janus room {media.room}")

    def add(self, user: str, session: str, *, offers: bool) -> None:
        """Somebody is here; `offers`: they were here before us, and know what we send."""
        self._sessions[user] = session
        self._feeds.add(user, session)
        self._look()
        if not offers and self._greeting() != ChannelMedia():
            self._tell(user)

    def remove(self, user: str) -> None:
        """Somebody is gone."""
        self._sessions.pop(user, None)
        self._feeds.remove(user)
        self._look()

    def unreachable(self, user: str) -> None:
        """Somebody cannot be told anything for now: their media come all the same."""

    def back(self, user: str) -> None:
        """Somebody can be told things again."""
        self._tell(user)

    def resumed(self) -> None:
        """We were cut off and can say things again."""
        self._tell(None)

    def heard(self, message: Relay) -> None:
        """Somebody negotiates with us, who takes the room for a mesh: nobody does so here."""
        log.debug("%s negotiates in a room whose media pass through Janus", message.user)

    def hears(self, said: Said) -> bool:
        """Take in what somebody says of their media; false: it is something else."""
        if said.topic != WORDS:
            return False
        message = decode(said.data) if isinstance(said.data, str) else None
        if isinstance(message, ChannelMedia) and said.user in self._sessions:
            self._on_said(said.user, self._sessions[said.user], message)
        return True

    def use(self, ice_servers: Sequence[IceServer]) -> None:
        """Make connections with these from now on; those that are there keep theirs."""
        self._ways.ice_servers = ice_servers

    def allow(self, grants: frozenset[str]) -> None:
        """Send and receive what these grants allow, from now on, and nothing else any more."""
        self._grants = grants
        self._feeds.may_receive = "subscribe" in grants
        self._look()

    def renew(self, user: str) -> None:
        """What a user may send or receive is another: they see to that themselves, with Janus."""

    def say(self, message: ChannelMessage, user: str | None = None) -> None:
        """Tell the others what we send; all else that a channel is for, our server knows already."""
        if isinstance(message, ChannelMedia):
            self._tell(user)
            self._look()

    def pairs(self) -> Sequence[CandidatePairStats]:
        """Return the ways that packets go, up and down."""
        return [] if self._stay is None else self._stay.pairs()

    async def close(self) -> None:
        """End the session with Janus and every connection. Bounded by the caller, who does not wait for what hangs."""
        self._is_closed = True
        if self._running is not None:
            self._running.cancel()
        while self._ways.tasks:
            await asyncio.wait(self._ways.tasks)

    # -- in one VideoRoom --

    async def _live(self, media: Janus) -> None:
        """Be in that VideoRoom, again and again."""
        breaks, loop = Breaks(RETRY_MIN, RETRY_MAX), asyncio.get_running_loop()
        while True:
            began = loop.time()
            self._feeds = self._known_feeds()
            self._stay = Stay(media, self._member, self._feeds)
            try:
                await self._stay.run()
            except ThrownOut as error:  # our server does so when we leave: it tells us why
                log.debug("no media through Janus at %s for now: %s", media.url, error)
            except JanusFailure as error:
                log.warning("no media through Janus at %s for now: %s", media.url, error)
            except Exception:  # media are not worth a visit: whatever it is may be over at the next time
                log.exception("media through Janus at %s failed", media.url)
            wait = breaks.after(loop.time() - began)
            await asyncio.sleep(random.uniform(wait / 2, wait))  # noqa: S311 - jitter: not all at once to a new Janus

    def _known_feeds(self) -> Feeds:
        feeds = Feeds(may_receive="subscribe" in self._grants, receive_from=self._receive_from)
        for user, session in self._sessions.items():
            feeds.add(user, session)
        return feeds

    def _may_send(self) -> bool:
        return "publish" in self._grants

    def _has_something(self) -> bool:
        return bool(self._greeting().published)

    def _look(self) -> None:
        if self._stay is not None:
            self._stay.look()

    def _tell(self, user: str | None) -> None:
        if "message" in self._grants:
            self._say(Say(topic=WORDS, data=encode(self._greeting()), to=user))

    def _keep(self, work: Coroutine[object, object, None], name: str) -> "asyncio.Task[None]":
        task = asyncio.create_task(work, name=name)
        self._ways.tasks.add(task)
        task.add_done_callback(self._ways.tasks.discard)
        return task
