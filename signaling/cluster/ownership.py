"""Who runs a room, as one node knows it, and whether this node may act at all. A core.

                 ┌── somebody else's ──► HAILING ── its word ──► ELSEWHERE
    ASKING ──────┤                          │                        │
      ▲          └── ours ──► SETTLING ─────│───► HERE ──► ENDING    │
      │                          │          │      │         │       │
      └── our lease is over ─────┴──────────│──────┴─────────┘       │
      └── owner dead, or we may have been ──┴────────────────────────┘

ASKING with the room still in our lobby is a frozen room: what is said of it waits until it is known whose it is.
HAILING: Redis says whose it is, and we have asked them to speak. What they say comes after all that former owners said,
so until then it is not known which of what our clients said has been decided on.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from signaling.cluster.acts import Beat, Commit
from signaling.cluster.wire import Copy, Input, Said, Sync
from signaling.effects import Effect

LIFE = 3.0  # seconds for which a node counts as alive after it has said so
LEASE = 2.5  # seconds of them for which it acts: less, so that nobody else acts at the same time
PERIOD = 1.0  # seconds between two times
SETTLE_LIMIT = 1.0  # seconds that a new owner waits for the other nodes to say whom they have
YOUNG = (
    2 * LIFE
)  # seconds of a Redis' use in which what it does not know may be lost: by then the rooms of the dead are claimed
CENSUS = 2.0  # seconds of a Redis' use after which all nodes that are alive have said so: two periods
HAND_OVER_LIMIT = LIFE + 1.0  # seconds for a node that ends to have its rooms written: as after Redis was emptied
MAX_WAITING = 1024  # inputs that wait for one room; more of them, and their clients have to come again


class Phase(Enum):
    """How things are with one room."""

    ASKING = "asking"
    HAILING = "hailing"
    ELSEWHERE = "elsewhere"
    SETTLING = "settling"
    HERE = "here"
    ENDING = "ending"


@dataclass(slots=True)
class Pending:
    """What a room decided and what is not to be told here before it is written."""

    effects: tuple[Effect, ...]
    commit: Commit | None  # None: nothing is to be written, but what came before is not yet
    heard: int = 0  # what a client of this node said, up to which number this answers for


@dataclass(slots=True)
class Gathering:
    """What a new owner does before it acts: it asks all nodes whom of the room they have."""

    until: float
    awaited: set[str]  # nodes that have not said so yet
    told_lost: set[str] = field(default_factory=set)  # who was unreachable for the former owner already
    has_read: bool = False  # all that former owners said to us: our own word to ourselves came after it
    not_before: float = -math.inf  # until then there may be nodes that nobody has heard of yet
    is_lost: bool = False  # nothing is written of the room because Redis was emptied: the latest copy counts
    tells_all: bool = False  # what was told to other nodes may be lost
    syncs: dict[str, Sync] = field(default_factory=dict)  # by node
    back: dict[str, int] = field(default_factory=dict)  # who of those is found, and the last event that each was told
    behind: set[str] = field(default_factory=set)  # who was not told all that is written
    kept_back: list[Pending] = field(default_factory=list)  # what we decided before, to be written once we know better

    @property
    def deadline(self) -> float:
        """When it ends, whoever has not answered; never before we know what our clients were told."""
        return self.until if self.has_read else math.inf


@dataclass(slots=True)
class Place:
    """One room, as this node knows it."""

    name: str
    phase: Phase = Phase.ASKING
    owner: str = ""
    epoch: int = 0
    claimed: int = 0  # the latest epoch of which Redis has told: of an earlier one nobody has to tell any more
    origin: str = ""  # of the Redis that said so, as in a `Beat`
    seq: int = 0  # the last room event that was told here
    number: int = 0  # of our latest commit
    sessions: set[str] = field(default_factory=set)  # whose sockets are here, of who is on the way in, too
    said: deque[Said] = field(default_factory=deque)  # what clients here said and nobody has answered for yet
    waiting: deque[Input] = field(default_factory=deque)
    heard: dict[str, int] = field(default_factory=dict)  # by node: up to which number we have decided on what was said
    pending: deque[Pending] = field(default_factory=deque)
    gathering: Gathering | None = None  # of a room that we run and of which it is not known yet who is still there
    copy: Copy | None = None  # what is written of it, of a room that is not ours
    was_ours: bool = False  # and its owner may not have heard what we know of it
    copied: set[str] = field(default_factory=set)  # other nodes that have a copy of our room
    about: bytes | None = None  # as it is written down

    @property
    def is_idle(self) -> bool:
        """Whether there is no need to know anything of it."""
        is_elsewhere = self.phase in {Phase.HAILING, Phase.ELSEWHERE}
        return is_elsewhere and not (self.sessions or self.said or self.waiting or self.was_ours)

    def answered(self, number: int) -> None:
        """What clients here said, up to that number, is decided on."""
        while self.said and self.said[0].number <= number:
            self.said.popleft()


class Lease:
    """Whether this node may act for its rooms, and whom it takes for dead."""

    def __init__(self) -> None:
        self.nodes: frozenset[str] = frozenset()  # who else is alive
        self.was_emptied = False  # Redis, a short time ago
        self._until = -math.inf
        self._trusts_from = -math.inf
        self._origin = ""
        self._hoped: frozenset[str] = frozenset()  # alive before, and not given up yet
        self._ended: frozenset[str] = frozenset()  # by their own word

    def holds(self, now: float) -> bool:
        """Whether nobody else can have taken our rooms."""
        return now < self._until

    def is_emptied(self, origin: str) -> bool:
        """Whether a Redis of that origin has lately lost what was written."""
        return self.was_emptied or origin != self._origin

    def lapse(self) -> None:
        """It is over: nothing is due until it is renewed."""
        self._until = -math.inf

    @property
    def until(self) -> float:
        """When it ends, if nothing comes."""
        return self._until

    def renew(self, beat: Beat, now: float) -> bool:
        """Take in a sign of life; says whether we were late or Redis is another: then everything is to be asked anew.

        Whoever was cut off is not the only one: others get the time to say that they are alive before they are buried.
        """
        was_emptied = self._origin not in {"", beat.origin}
        is_anew = was_emptied or not self.holds(now)
        if is_anew:
            self._trusts_from, self._hoped = now + LIFE, self.nodes
        if now >= self._trusts_from:
            self._hoped = frozenset()
        self._ended &= beat.nodes
        self._origin, self._until, self.nodes = (
            beat.origin,
            beat.asked_at + LEASE,
            (beat.nodes - self._ended) | self._hoped,
        )
        if was_emptied:
            self.was_emptied = True
        elif now >= self._trusts_from + LIFE:  # the rooms of those who died at that time are claimed until then
            self.was_emptied = False
        return is_anew

    def is_dead(self, node: str, now: float) -> bool:
        """Whether a node has not said for too long that it is alive, or has said that it ends."""
        return node not in self.nodes and (node in self._ended or now >= self._trusts_from)

    def bury(self, node: str) -> None:
        """A node has said that it is ending."""
        self.nodes -= {node}
        self._hoped -= {node}
        self._ended |= {node}
