"""Whose media we are subscribed to in a VideoRoom, and what is to be asked for next. Pure.

A feed is what one session publishes, under the number that everybody can tell from the session (`janus_id`). We
subscribe to a feed when it is there, as Janus says, and belongs to somebody in the room, as our server says; what
belongs to nobody is left alone. One change at a time is asked for; a feed that Janus refuses is tried again later, by
itself, so that one that cannot be had keeps no other away.

Janus tells of feeds by a list, when asked for one, and by a word for each that begins or ends. A word may overtake the
list: Janus sends that after it has let go of the room in which feeds begin and end, and of what we read at one go the
answer to our question is taken in last. So where Janus has told of a feed since it was asked, that counts, and the list
does not. Nothing falls between the two: who comes in is put among those who are told, and has the list made, under one
lock of the room. Only a lost socket loses words; then Janus is asked again.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from signaling.janus.videoroom import Stream
from signaling.messages import janus_id

RETRY_MIN, RETRY_MAX = 0.5, 8.0  # seconds before a feed that was refused is asked for again, doubling


@dataclass(frozen=True, slots=True)
class Change:
    """Feeds to subscribe to, and feeds to subscribe to no more."""

    subscribe: tuple[int, ...] = ()
    unsubscribe: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """From now on the m-line `mid` carries this kind of a feed, which is that user's."""

    mid: str
    feed: int
    user: str
    kind: str


@dataclass(slots=True)
class _Refused:
    wait: float  # seconds, the next time
    until: float


@dataclass(slots=True)
class Feeds:
    """What one peer is subscribed to. Times are in seconds."""

    may_receive: bool = True
    receive_from: Collection[str] | None = None  # of the users; None: from everybody
    _users: dict[int, str] = field(default_factory=dict)  # by feed
    _published: set[int] = field(default_factory=set)
    _told: set[int] | None = None  # feeds that Janus has told of since it was asked for a list that has not come yet
    _subscribed: set[int] = field(default_factory=set)
    _refused: dict[int, _Refused] = field(default_factory=dict)
    _carried: dict[str, tuple[int, str]] = field(default_factory=dict)  # feed and kind, by mid

    # -- what our server says --

    def add(self, user: str, session: str) -> None:
        """Somebody is in the room. Who may send us nothing is left alone."""
        if self.receive_from is None or user in self.receive_from:
            self._users[janus_id(session)] = user

    def remove(self, user: str) -> None:
        """Somebody is not in the room any more."""
        self._users = {feed: other for feed, other in self._users.items() if other != user}

    # -- what Janus says --

    def asking(self) -> None:
        """Janus is about to be asked for a list of feeds: what it tells from now on is newer than that."""
        self._told = set()

    def listed(self, feeds: Iterable[int]) -> None:
        """These were there, and no others, at some time since Janus was asked: where it has told more, that counts."""
        present, told = set(feeds), self._told or set()
        for feed in self._published - present - told:
            self._end(feed)
        self._published |= present - told
        self._told = None

    def published(self, feeds: Iterable[int]) -> None:
        """These have begun, or are another now."""
        begun = set(feeds)
        self._published |= begun
        self._note(begun)

    def gone(self, feed: int) -> None:
        """A feed is not there any more: Janus has ended the subscription itself."""
        self._end(feed)
        self._note({feed})

    def laid_out(self, streams: Iterable[Stream]) -> list[Route]:
        """Janus' m-lines carry this now; return what is another than before."""
        carried: dict[str, tuple[int, str]] = {
            one.mid: (one.feed_id, one.type)
            for one in streams
            if one.active and one.feed_id is not None and one.type != "data"
        }
        before, self._carried = self._carried, carried
        return [
            Route(mid, feed, self._users[feed], kind)
            for mid, (feed, kind) in carried.items()
            if before.get(mid) != (feed, kind) and feed in self._users
        ]

    def carried(self) -> dict[int, list[str]]:
        """Return what we are subscribed to, and the m-lines that carry it."""
        return {
            feed: [mid for mid, (carried, _) in self._carried.items() if carried == feed] for feed in self._subscribed
        }

    # -- what is to be asked for --

    def next_change(self, now: float) -> Change | None:
        """Return what is to be asked for now; None: nothing. It is then to be `done` or `refused`."""
        wanted = self._published & self._users.keys() if self.may_receive else set()
        missing = {feed for feed in wanted - self._subscribed if self._may_ask(feed, now)}
        alone = sorted(missing & self._refused.keys())[:1]
        change = Change(tuple(alone or sorted(missing)), tuple(sorted(self._subscribed - wanted)))
        return change if change != Change() else None

    def next_deadline(self) -> float | None:
        """Return when there may be more to ask for by itself; None: never."""
        waiting = self._published & self._users.keys() - self._subscribed if self.may_receive else set()
        return min((self._refused[feed].until for feed in waiting if feed in self._refused), default=None)

    def done(self, change: Change) -> None:
        """Janus has done what was asked for."""
        self._subscribed |= set(change.subscribe) & self._published
        self._subscribed -= set(change.unsubscribe)
        for feed in change.subscribe:
            self._refused.pop(feed, None)

    def refused(self, change: Change, now: float) -> None:
        """Janus did nothing of that. What we wanted to end has ended otherwise."""
        self._subscribed -= set(change.unsubscribe)
        for feed in change.subscribe:
            before = self._refused.get(feed)
            wait = 0.0 if before is None else max(RETRY_MIN, min(2 * before.wait, RETRY_MAX))
            if len(change.subscribe) == 1:
                wait = max(wait, RETRY_MIN)
            self._refused[feed] = _Refused(wait, now + wait)

    def begin_anew(self) -> None:
        """We are subscribed to nothing: the connection is a new one."""
        self._subscribed.clear()
        self._carried.clear()
        self._refused.clear()

    def _note(self, feeds: set[int]) -> None:
        if self._told is not None:
            self._told |= feeds

    def _end(self, feed: int) -> None:
        self._published.discard(feed)
        self._subscribed.discard(feed)
        self._refused.pop(feed, None)

    def _may_ask(self, feed: int, now: float) -> bool:
        refused = self._refused.get(feed)
        return refused is None or refused.until <= now
