"""The rooms that one node runs, from input to commit. A core: the lowest part of a station.

What a room decided is told to this node's own clients only when it is written down and sent to the other nodes.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from signaling.cluster.acts import Act, Clock, Commit, Do, Post, Run
from signaling.cluster.copies import copy_of
from signaling.cluster.edge import Edge
from signaling.cluster.homes import Homes
from signaling.cluster.moving import ADMIT, Departures, admit, arrives, come_in
from signaling.cluster.ownership import Lease, Pending, Phase, Place
from signaling.cluster.returning import TOO_LATE, find, welcome
from signaling.cluster.translate import Translation, edges_of, whole_copy
from signaling.cluster.wire import AnyFrame, Asked, Drop, Input, Lost, Moving, Owned, Said, Sync
from signaling.effects import Adopt, Effect, Entered, Exited, Hangup, Send
from signaling.lobby import Lobby
from signaling.messages import ExitRoom, Join, Joined, Moved, RoomEvent
from signaling.room import Room
from signaling.snapshot import MemberRecord, member_record

REMEMBERED = 4096  # sessions that are over
UNHEARD_MARGIN = 30.0  # seconds for which a last word is kept beyond the grace of its room


class Running(ABC):
    """The rooms of the node called `node`, and what it knows of sessions in them whose sockets are elsewhere."""

    def __init__(self, node: str, lobby: Lobby) -> None:
        self.node = node
        self._lobby = lobby
        self._lease = Lease()
        self._edge = Edge(node)
        self._places: dict[str, Place] = {}
        self._gathering: dict[str, None] = {}  # rooms that have begun to gather and may be at it still
        self._homes = Homes(node)
        self._departures = Departures()
        self._over: dict[str, None] = {}  # the latest sessions that have left our rooms
        lobby.counts_from = self._counts_from

    def _place(self, room: str) -> Place:
        return self._places.setdefault(room, Place(room))

    def _owned(self, place: Place) -> Owned:
        return Owned(room=place.name, owner=place.owner, epoch=place.epoch)

    def _counts_from(self, room: str) -> int:
        """Events of all owners of a room are in one order, even if Redis was emptied in between."""
        return self._places[room].epoch if room in self._places else 0

    def _sync(self, place: Place, clock: Clock) -> Sync:
        room = self._lobby.find(place.name)
        return self._edge.sync(place, place.copy if room is None else copy_of(room, clock))

    def _run(self, place: Place, frame: Input, clock: Clock) -> list[Act]:
        """Answer an input to a room of ours. What of another epoch still counts its edge knows, and is asked."""
        if not isinstance(frame, Asked) and frame.home != self.node and frame.epoch != place.epoch:
            return [Post(frame.home, (self._owned(place),))]
        match frame:
            case Said() if (moving := self._departures.follow(frame, self._lobby, clock)) is not None:
                return self._redirect(place, frame.home, moving)
            case Said() if self._is_outdated(frame):
                return self._tell(place, frame.home, [Drop(session=frame.session, connection=frame.session)])
            case Said():
                return self._carry(place, self._hear(place, frame, clock), clock, frame)
            case Lost():
                return self._carry(place, self._lose(frame, clock), clock)
            case Sync():
                return self._synced(place, frame, clock)
            case Asked(call=call) if call == ADMIT:
                effects = admit(self._lobby, frame, place.epoch, self._departures, self._over, clock)
                return self._carry(place, effects, clock)
            case Asked():  # pragma: no branch - mypy checks that nothing is left
                return [Run(frame)]

    @abstractmethod
    def _synced(self, place: Place, sync: Sync, clock: Clock) -> list[Act]:
        """A node has said whom of a room of ours it has."""

    def _hear(self, place: Place, said: Said, clock: Clock) -> list[Effect]:
        if said.number:
            if said.number <= place.heard.get(said.home, 0):
                return []  # done already: that we heard it was lost, because Redis was emptied
            place.heard[said.home] = said.number
        if isinstance(said.message, Join):
            return self._let_in(said, said.message, clock)
        return self._lobby.handle(said.session, said.message, clock.now, clock.wall)

    def _let_in(self, said: Said, join: Join, clock: Clock) -> list[Effect]:
        connection = said.session if said.arrival is None else said.arrival.connection
        entered = come_in(self._lobby, said, clock, self._over)
        if entered and said.arrival is not None:
            self._departures.forget(said.room, said.arrival.record.session)
        room = self._lobby.room_of(said.session)
        if entered and room is not None:  # by the socket that it had
            self._homes.settle(said.session, said.home, connection)
            return entered
        if room is not None and arrives(said):  # let in without its socket, which was there all the time
            self._homes.settle(said.session, said.home, connection)
        if room is not None and (said.is_restated or arrives(said)):
            member = find(room, said.session)  # the former owner let it in, and could not say so
            return [] if member is None else welcome(room, member, room.seq, now=clock.now, wall=clock.wall)
        if said.session in self._over:
            self._homes.settle(said.session, said.home, connection)
            return [Send((said.session,), self._last_word(said.session)), Hangup(said.session)]
        if not self._lobby.knows(said.session):
            if join.resume is None and join.room != said.room:
                return []  # said before it heard that this room refuses it; the other room is not ours to open
            self._lobby.open(said.session, said.secret)
            self._homes.settle(said.session, said.home, said.session)
        return [*entered, *self._lobby.handle(said.session, join, clock.now, clock.wall)]

    def _is_outdated(self, said: Said) -> bool:
        """Whether who comes in by the socket that they had is here already, by a later one."""
        if said.arrival is None or not arrives(said):
            return False
        room = self._lobby.room_of(said.session)
        if room is None or room.name != said.room:
            return False
        return room.member(said.session).turn > said.arrival.record.turn

    def _redirect(self, place: Place, home: str, moving: Moving) -> list[Act]:
        """Tell an edge that a client of its is to come into another room."""
        return self._tell(place, home, [moving])

    def _tell(self, place: Place, home: str, frames: list[AnyFrame]) -> list[Act]:
        """Say something to a node, this one or another; unless the room is not ours any more."""
        place.number += 1
        room = self._lobby.find(place.name)
        seq = place.seq if room is None else room.seq
        commit = Commit(room=place.name, epoch=place.epoch, number=place.number, seq=seq, frames={home: frames})
        place.pending.append(Pending((), commit))
        return [commit]

    def _last_word(self, session: str) -> ExitRoom:
        """Return what a session is to be told that is out and may not have heard why."""
        words = (one.message for one in self._lobby.unheard if one.session == session)
        return next(words, TOO_LATE)

    def _lose(self, lost: Lost, clock: Clock) -> list[Effect]:
        session = self._homes.session_of(lost.connection)
        if session is None:
            return []  # whose socket it was has gone on with another
        self._homes.pop(session)
        return self._lobby.lost(session, clock.now, clock.now - lost.silent_for, lost.detected_by)

    def _carry(self, place: Place, effects: list[Effect], clock: Clock, said: Said | None = None) -> list[Act]:
        """Write down and send what a room decided; do our own part when that has happened."""
        self._remember(effects)
        self._departures.note(effects)
        room = self._lobby.find(place.name)
        is_last = room is None and place.phase is Phase.HERE
        if is_last:
            place.phase = Phase.ENDING
        translation = Translation(place, room, self._homes, self.node, clock)
        grace = self._lobby.grace_of("") if room is None else room.settings.grace
        commit = translation.commit(effects, is_last=is_last, unheard_for=grace + UNHEARD_MARGIN, said=said)
        heard = said.number if said is not None and said.home == self.node else 0
        pending = Pending(tuple(effects), commit, heard)
        if commit is None and not place.pending:
            return self._done(pending, place, clock)
        place.pending.append(pending)
        return [] if commit is None else [commit]

    def _carry_some(self, place: Place, effects: list[Effect], clock: Clock) -> list[Act]:
        return self._carry(place, effects, clock) if effects else []

    def _remember(self, effects: Sequence[Effect]) -> None:
        self._over |= {effect.session: None for effect in effects if isinstance(effect, Exited)}
        while len(self._over) > REMEMBERED:
            del self._over[next(iter(self._over))]

    def _done(self, pending: Pending, place: Place, clock: Clock) -> list[Act]:
        """Do what is written down: first keep our own books."""
        place.answered(pending.heard)
        for effect in pending.effects:
            match effect:
                case Entered(session=session):
                    if (record := self._record(place, session, clock)) is not None:
                        self._edge.placed(record, place)
                case Adopt(connection=connection, session=session):
                    record = self._record(place, session, clock)
                    if record is None or not self._edge.take(connection, record, place):
                        self._edge.close(session, self._places)
                case Hangup(session=session):
                    self._edge.close(session, self._places)
                case Send(message=message) if isinstance(message, RoomEvent | Joined | Moved):
                    place.seq = max(place.seq, message.seq)
                case _:
                    pass  # nothing of where anybody is
        return [Do(pending.effects)] if pending.effects else []

    def _record(self, place: Place, session: str, clock: Clock) -> MemberRecord | None:
        room = self._lobby.find(place.name)
        member = None if room is None else find(room, session)
        if member is None:
            return self._departures.before(place.name, session)  # what lets it go is still to be written
        return member_record(member, now=clock.now, wall=clock.wall)

    def _write_all(self, place: Place, room: Room, clock: Clock) -> list[Act]:
        """Write down all that we know of a room."""
        place.number += 1
        whole = whole_copy(place, room, clock)
        place.about, place.copied = whole.about, edges_of(room, self._homes)
        commit = Commit(
            room=place.name,
            epoch=place.epoch,
            number=place.number,
            seq=room.seq,
            put=whole.put,
            about=whole.about,
            frames={node: [whole] for node in sorted({*place.copied, self.node})},
        )
        place.pending.append(Pending((), commit))
        return [commit]
