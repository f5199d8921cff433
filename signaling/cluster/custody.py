"""Whose a room is: taken over, begun anew, gone on with, given back. A core: the middle part of a station."""

from collections import deque

from signaling.bans import BanRecord
from signaling.cluster.acts import Act, Claim, Claimed, Clock, Post
from signaling.cluster.copies import copy_of, decode_room
from signaling.cluster.ownership import CENSUS, Gathering, Phase, Place
from signaling.cluster.returning import doubt, spare
from signaling.cluster.rollcall import RollCall
from signaling.cluster.wire import Asked, Input, Lost, Said, Sync
from signaling.messages import Join
from signaling.room import Room


class Custody(RollCall):
    """Rooms that become this node's, and cease to be."""

    # -- a room becomes ours, or is so still --

    def _ours(self, place: Place, claim: Claimed, clock: Clock) -> list[Act]:
        is_still = claim.epoch == place.epoch
        is_emptied = place.origin not in {"", claim.origin} or self._lease.is_emptied(claim.origin)
        is_written = bool(claim.records) or claim.about is not None
        knew_another = place.owner not in {"", self.node}
        place.owner, place.epoch, place.origin = self.node, claim.epoch, claim.origin
        self._know(claim, clock)
        room = self._lobby.find(place.name)
        if is_still and (room is not None or place.gathering is not None):
            return self._go_on(place, room, clock)
        if not is_written and (is_emptied or claim.is_lost):
            return self._look_for(place, room, claim, clock)
        self._give_up(place)  # others may have run it meanwhile: what we know of it is outdated
        return self._take_over(place, claim, clock, knew_another=knew_another)

    def _know(self, claim: Claimed, clock: Clock) -> None:
        """Take in what is written of who was removed, and of who is kept out."""
        for text in claim.unheard:
            if (word := self._departures.read(claim.room, text)) is not None:
                self._lobby.remember(word)
        for name, until in claim.bans.items():
            kind, _, which = name.partition(" ")
            ban = BanRecord(room=claim.room, kind=kind, which=which, until=until)
            self._lobby.bans.restore(ban, now=clock.now, wall=clock.wall)

    def _go_on(self, place: Place, room: Room | None, clock: Clock) -> list[Act]:
        """Nobody else has run the room meanwhile: go on, and see what became of our own sockets."""
        if room is not None:
            spare(room, clock.now)
            self._lobby.follow(room, [], clock.now)
        if place.gathering is not None:
            place.gathering.awaited = self._known_nodes()
            return self._gather(place, place.gathering, clock)
        place.phase = Phase.HERE
        return [*self._take_in(place, self._sync(place, clock), clock), *self._begin(place, clock)]

    def _take_over(self, place: Place, claim: Claimed, clock: Clock, *, knew_another: bool) -> list[Act]:
        """Go on where another node stopped, with what is written of the room, if anything is."""
        record = decode_room(place.name, claim.seq, claim.records, claim.about)
        gathering = Gathering(clock.now, set())
        place.about = claim.about
        if record.members or record.is_kept:
            self._restore(gathering, record, clock)
            gathering.awaited |= self._lease.nodes
        elif not (knew_another or self._edge.has_members(place) or _has_strangers(place, self.node)):
            return self._begin(place, clock, is_ours_anew=True)
        return self._gather(place, gathering, clock)

    def _look_for(self, place: Place, room: Room | None, claim: Claimed, clock: Clock) -> list[Act]:
        """Nothing is written of the room because Redis was emptied: ask everybody what they know of it.

        If it was ours, what it decided last is written once it is known that nobody has run it since.
        """
        pending, place.pending = list(place.pending), deque()
        if room is None and pending:
            place.phase = Phase.ENDING
            return [act for one in pending for act in self._commit_again(place, one)]
        gathering = place.gathering or Gathering(clock.now, set())
        gathering.is_lost = gathering.tells_all = True
        gathering.awaited = self._known_nodes()
        gathering.kept_back += pending
        gathering.syncs.clear()
        gathering.back.clear()
        gathering.not_before = clock.now + max(0.0, CENSUS - claim.age)
        if room is not None:
            gathering.told_lost |= doubt(room, clock.now, [one.session for one in room.members])
            for member in room.members:
                self._homes.pop(member.session)
            spare(room, clock.now)
            self._lobby.follow(room, [], clock.now)
        return self._gather(place, gathering, clock)

    def _known_nodes(self) -> set[str]:
        """Return who may have sockets: who was alive lately, and who has come since and said something already."""
        return {*self._lease.nodes, *self._homes.nodes()}

    # -- a room ceases to be ours --

    @property
    def is_written(self) -> bool:
        """Whether this node may end: what it knows of rooms that it runs, or is to run, the next owner can read."""
        return not any(self._is_owed(place) for place in self._places.values())

    def _is_owed(self, place: Place) -> bool:
        """Whether what was told of a room may be known here alone, because Redis was emptied."""
        if place.phase not in {Phase.ASKING, Phase.SETTLING}:
            return False
        return place.copy is not None or place.gathering is not None or self._lobby.find(place.name) is not None

    def _ask(self, place: Place) -> list[Act]:
        place.phase = Phase.ASKING
        return [Claim(place.name)]

    def _freeze(self) -> None:
        """We may have been taken for dead: until that is known, nothing happens in our rooms."""
        for place in self._places.values():
            if place.phase in {Phase.HERE, Phase.SETTLING, Phase.ENDING}:
                place.phase = Phase.ASKING

    def _elsewhere(self, place: Place, owner: str, epoch: int, clock: Clock, *, is_heard: bool = True) -> list[Act]:
        """Another node runs the room: forget what we know of it, and say whom we have.

        `is_heard`: another node says so, after all that former owners said. From Redis alone we know less.
        """
        if epoch < max(place.epoch, place.claimed) or owner == self.node:
            return []
        if (room := self._lobby.find(place.name)) is not None:
            place.copy, place.was_ours = copy_of(room, clock), True
        self._give_up(place)
        waiting, place.waiting = place.waiting, deque()
        place.phase = Phase.ELSEWHERE if is_heard else Phase.HAILING
        place.owner, place.epoch = owner, epoch
        asked = [frame for frame in waiting if isinstance(frame, Asked)]
        others = sorted({frame.home for frame in waiting if not isinstance(frame, Asked)} - {self.node})
        news = [Post(home, (self._owned(place),)) for home in others]
        sync = self._sync(place, clock) if is_heard else Sync(room=place.name, home=self.node, epoch=0)
        self._tidy(place.name)
        return [Post(owner, (sync, *asked)), *news]

    def _give_up(self, place: Place) -> None:
        """Forget what we know of a room, and what it decided and nobody was told."""
        self._forget(place)
        place.pending.clear()
        place.heard.clear()
        place.gathering = None

    def _ended(self, place: Place) -> list[Act]:
        """The room is nobody's. Who wants in now begins it anew."""
        place.waiting = deque(frame for frame in place.waiting if needs_an_owner(frame))
        if place.waiting or place.sessions:
            return self._ask(place)
        del self._places[place.name]
        return []

    def _tidy(self, *rooms: str) -> None:
        """Forget those of these rooms that are elsewhere and in which nobody of ours is."""
        for room in rooms:
            if (place := self._places.get(room)) is not None and place.is_idle:
                del self._places[room]


def _has_strangers(place: Place, node: str) -> bool:
    """Whether anybody elsewhere wants something of it, who is to say so again."""
    return any(not isinstance(frame, Asked) and frame.home != node for frame in place.waiting)


def needs_an_owner(frame: Input) -> bool:
    """Whether somebody has to answer although we know nothing of the room."""
    match frame:
        case Said(message=message, number=number):
            return number > 0 or isinstance(message, Join)
        case Sync(epoch=epoch, sessions=sessions, said=said):
            return epoch == 0 or bool(sessions or said)
        case Asked():
            return True
        case Lost():  # pragma: no branch - mypy checks that nothing is left
            return False
