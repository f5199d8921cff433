"""Which event is posted to a webhook's receiver when. A core: `webhooks.py` carries it out.

    waiting ──its turn in its room, and a place is free──► under way ──delivered──► gone
       ▲                                                       │ failed
       └───────────── after a delay that doubles ──────────────┴── too often ─► given up

A room's events arrive in their order: one is under way, those behind it wait. Rooms do not wait for each other, but for
one of the places: so many events are under way at once. What does not fit into the queue is given up at once.
"""

from collections import deque
from dataclasses import dataclass, field

from signaling.deadlines import Deadlines

FIRST_DELAY = 0.5  # seconds before an event is posted again; doubles with every failure of it
LONGEST_DELAY = 60.0  # seconds
ATTEMPTS = 10  # of one event: two to four minutes
PLACES = 8  # events under way at once
ROOM_LIMIT = 1_000  # events of one room that are not delivered yet
LIMIT = 10_000  # events that are not delivered yet in all


@dataclass(frozen=True, slots=True)
class Event:
    """What is to be posted. `id` names it for ever: a receiver that knows the id has heard of the event before."""

    id: str
    room: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Post:
    """Post this now; then say `delivered` or `failed`."""

    event: Event
    attempt: int  # 1: the first


@dataclass(frozen=True, slots=True)
class GiveUp:
    """This will not be delivered."""

    event: Event
    why: str


Step = Post | GiveUp


@dataclass(slots=True)
class _Room:
    events: deque[Event] = field(default_factory=deque)  # the first of them may be under way
    attempt: int = 0  # of the first; 0: none yet


class WebhookQueue:
    """All events for one receiver. Every method that changes something returns what is to be done."""

    def __init__(
        self, *, places: int = PLACES, attempts: int = ATTEMPTS, room_limit: int = ROOM_LIMIT, limit: int = LIMIT
    ) -> None:
        self._places, self._attempts, self._room_limit, self._limit = places, attempts, room_limit, limit
        self._rooms: dict[str, _Room] = {}
        self._ready: dict[str, None] = {}  # rooms whose first event may be posted, longest ready first
        self._later = Deadlines()  # of rooms whose first event has failed
        self._under_way = 0
        self._size = 0

    def __len__(self) -> int:
        """How many events are not delivered yet."""
        return self._size

    def put(self, event: Event) -> list[Step]:
        """Add an event; it is posted after all that were added before it for the same room."""
        room = self._rooms.get(event.room)
        if self._size >= self._limit or (room is not None and len(room.events) >= self._room_limit):
            return [GiveUp(event, "too many events wait")]
        self._size += 1
        if room is not None:
            room.events.append(event)
            return []
        self._rooms[event.room] = _Room(deque([event]))
        self._ready[event.room] = None
        return self._fill()

    def delivered(self, room: str) -> list[Step]:
        """Note that the event of this room that was under way has arrived."""
        self._under_way -= 1
        self._end(room)
        return self._fill()

    def failed(self, room: str, now: float, chance: float) -> list[Step]:
        """Note that it has not arrived. `chance`, from 0 to 1, spreads the attempts of many rooms."""
        self._under_way -= 1
        attempt = self._rooms[room].attempt
        if attempt >= self._attempts:
            return [GiveUp(self._end(room), f"it failed {attempt} times"), *self._fill()]
        longest = min(FIRST_DELAY * 2.0 ** (attempt - 1), LONGEST_DELAY)
        self._later.set(room, now + longest * (0.5 + chance / 2))
        return self._fill()

    def advance(self, now: float) -> list[Step]:
        """Post again what is due."""
        self._ready |= dict.fromkeys(self._later.take(now))
        return self._fill()

    def next_deadline(self) -> float | None:
        """Return when `advance` has something to do, `None` if it never has."""
        return self._later.next()

    def abandon(self) -> list[Step]:
        """Give up all that is not delivered yet; nothing more is posted, and what is under way counts no more."""
        events = [event for room in self._rooms.values() for event in room.events]
        self._rooms, self._ready, self._later = {}, {}, Deadlines()
        self._under_way = self._size = 0
        return [GiveUp(event, "the server has ended") for event in events]

    def _fill(self) -> list[Step]:
        """Give the places that are free to the rooms that have been ready for longest."""
        posts: list[Step] = []
        while self._ready and self._under_way < self._places:
            name = next(iter(self._ready))
            del self._ready[name]
            room = self._rooms[name]
            room.attempt += 1
            self._under_way += 1
            posts.append(Post(room.events[0], room.attempt))
        return posts

    def _end(self, name: str) -> Event:
        """Take out the first event of a room; the next gets in line behind the other rooms."""
        room = self._rooms[name]
        event = room.events.popleft()
        self._size -= 1
        room.attempt = 0
        if room.events:
            self._ready[name] = None
        else:
            del self._rooms[name]
        return event
