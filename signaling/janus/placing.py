"""Which Janus carries a room: the one with the fewest users that is alive; another, when that one dies. A core.

A room is placed when somebody comes into it while nobody is in, and stays where it is until nobody is. A VideoRoom
gets a number that no other had before, so that what is left of an old one is never taken for it.

    DOUBTFUL ── connected ──► ALIVE ── connection lost ──► DOUBTFUL ── not back in time ──► DEAD ── connected ──► ALIVE
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from signaling.calls import Refusal
from signaling.effects import Departed, Effect, Entered, Exited, Send, Transferred
from signaling.janus.care import Care
from signaling.janus.checking import check_topology
from signaling.janus.hosting import VideoRoom, words
from signaling.janus.survey import Survey
from signaling.janus_words import MediaServer, Topology, janus_number
from signaling.messages import ErrorCode
from signaling.room import Room
from signaling.tokens import Grant

COUNT_BITS, SALT_BITS = 24, 29  # of a VideoRoom's number: how many were placed before it, and by whom; 53 in all
MOST_LEFT = 4096  # VideoRooms of our own that we know to have let go of; beyond, the oldest is forgotten


class Health(IntEnum):
    """Whether a Janus can carry rooms; the smaller, the better."""

    ALIVE = 0
    DOUBTFUL = 1  # not connected yet, or not any more for a short time
    DEAD = 2


@dataclass(slots=True)
class Server:
    """One Janus."""

    url: str
    health: Health = Health.DOUBTFUL
    care: Care = field(default_factory=Care)
    survey: Survey = field(default_factory=Survey)

    @property
    def load(self) -> int:
        """How many users it carries, of other nodes as well."""
        return self.care.users + self.survey.users


class Placing:
    """Where the rooms of one node are. `salt` is unguessable, and new with every start of a node."""

    def __init__(self, urls: Iterable[str], secret: str, salt: str = "") -> None:
        self.servers = {url: Server(url) for url in urls}
        self.replaced = 0  # rooms whose Janus was lost
        self._secret = secret
        self._origin: int = janus_number(salt) % 2**SALT_BITS
        self._count = 0
        self._seen: dict[str, VideoRoom] = {}  # by the name of the room: the VideoRooms that we see to
        self._lost: set[int] = set()  # numbers of those of them that Janus has forgotten
        self._left: dict[int, None] = {}  # numbers of those that we have placed and let go of: they may be there

    def check(self, topology: Topology) -> None:
        """Raise `Refusal` if there can be no rooms of this topology."""
        try:
            check_topology(topology, tuple(self.servers))
        except ValueError as error:
            raise Refusal(ErrorCode.WRONG_STATE, str(error)) from None

    def place(self, room: Room) -> Room:
        """Have a room placed for whoever comes in, if it is to be and nobody is in yet; return it."""
        if room.is_empty:
            room.video_room = self._choose(room.name) if room.settings.topology == "janus" else None
        return room

    def follow(self, effects: Sequence[Effect], find: Callable[[str], Room | None]) -> None:
        """See to the VideoRooms of rooms into and out of which somebody has gone; `find` returns a room of ours."""
        for effect in effects:
            match effect:
                case Entered(session=session, room=name):
                    self._enter(find(name), session)
                case Exited(session=session, room=name) | Departed(session=session, room=name):
                    self._leave(name, session)
                case Transferred(session=session, room=name, to=to):
                    self._leave(name, session)
                    self._enter(find(to), session)
                case _:
                    pass  # nobody came or went
        for name in {effect.room for effect in effects if isinstance(effect, Exited | Departed | Transferred)}:
            self._end_if_over(name, find(name))

    def review(self, rooms: Iterable[Room]) -> list[tuple[str, list[Effect]]]:
        """See to exactly these rooms; return what those in them are to be told, room by room.

        Rooms without a Janus that may be alive are placed anew. Rooms that are ours no more are let go of as they are.
        """
        ours = {room.name: room for room in rooms if room.settings.topology == "janus" and not room.is_empty}
        for name in [name for name in self._seen if name not in ours]:
            self._let_go(name)
        told = [(name, self._see_to(room)) for name, room in ours.items()]
        return [(name, effects) for name, effects in told if effects]

    def lose(self, url: str, number: int) -> None:
        """Note that a Janus has forgotten a VideoRoom; `review` places its room anew."""
        self.servers[url].care.let_go(number)
        if VideoRoom(url, number) in self._seen.values():
            self._lost.add(number)

    # -- inside --

    def _choose(self, name: str) -> VideoRoom | None:
        usable = [server for server in self.servers.values() if server.health is not Health.DEAD]
        if not usable:
            return None
        best = min(usable, key=lambda one: (one.health, one.load, one.care.rooms, janus_number(name, one.url)))
        self._count = (self._count + 1) % 2**COUNT_BITS
        return VideoRoom(best.url, (self._origin << COUNT_BITS | self._count) or 1)

    def _enter(self, room: Room | None, session: str) -> None:
        if room is None or room.video_room is None:
            return
        if self._seen.get(room.name) != room.video_room:
            self._end(room.name)
            self._begin(room, room.video_room)
        elif room.video_room.number not in self._lost:
            care = self.servers[room.video_room.url].care
            care.enter(room.video_room.number, session)
            care.silence(room.video_room.number, _silent(room))

    def _leave(self, name: str, session: str) -> None:
        if (seen := self._seen.get(name)) is not None and seen.number not in self._lost:
            self.servers[seen.url].care.leave(seen.number, session)

    def _end_if_over(self, name: str, room: Room | None) -> None:
        if room is None or room.is_empty:
            self._end(name)

    def _see_to(self, room: Room) -> list[Effect]:
        """Place a room anew if it has to be."""
        place, seen = room.video_room, self._seen.get(room.name)
        server = None if place is None else self.servers.get(place.url)
        is_lost = seen is not None and seen == place and seen.number in self._lost
        if place is not None and server is not None and server.health is not Health.DEAD and not is_lost:
            if seen != place:
                self._end(room.name)
                self._begin(room, place)
            server.care.silence(place.number, _silent(room))  # a newer token may allow more, or less
            return []
        return self._replace(room, place)

    def _replace(self, room: Room, former: VideoRoom | None) -> list[Effect]:
        self._end(room.name)
        room.video_room = new = self._choose(room.name)
        if new is not None:
            self._begin(room, new)
        if new is former:
            return []  # there was none, and is none
        self.replaced += former is not None
        here = [member.session for member in room.members if member.is_here]
        return [Send((session,), MediaServer(media=words(new, session, self._secret))) for session in here]

    def _begin(self, room: Room, place: VideoRoom) -> None:
        """See to the VideoRoom of a room: one that we have just placed is not there yet."""
        if place.url not in self.servers:
            return  # the next review
        self._seen[room.name] = place
        sessions = [member.session for member in room.members]
        is_new = self._is_of_ours(place) and place.number not in self._left
        self._left.pop(place.number, None)
        care = self.servers[place.url].care
        care.begin(place.number, sessions, places=room.settings.capacity, is_new=is_new)
        care.silence(place.number, _silent(room))

    def _end(self, name: str) -> None:
        """Have the VideoRoom of a room destroyed, now or when its Janus is back."""
        if (seen := self._seen.pop(name, None)) is None:
            return
        if seen.number not in self._lost:
            self.servers[seen.url].care.end(seen.number)
        self._lost.discard(seen.number)

    def _let_go(self, name: str) -> None:
        """See to the VideoRoom of a room no more, which another node does now, or we again if nobody has taken it."""
        seen = self._seen.pop(name)
        self.servers[seen.url].care.let_go(seen.number)
        self._lost.discard(seen.number)
        if self._is_of_ours(seen):
            self._left[seen.number] = None
        if len(self._left) > MOST_LEFT:
            del self._left[next(iter(self._left))]

    def _is_of_ours(self, place: VideoRoom) -> bool:
        """Whether it was this node that placed it."""
        return place.number >> COUNT_BITS == self._origin


def _silent(room: Room) -> frozenset[str]:
    """Return the sessions that may not publish."""
    return frozenset(one.session for one in room.members if Grant.PUBLISH not in one.admission.grants)
