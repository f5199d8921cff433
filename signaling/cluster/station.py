"""One node among others: its clients, the rooms that it runs, and whom to ask of the rest.

A core: clients, frames, claims and time come in; acts go out, to be carried out in their order. What the shell has to
see to: claims and commits are answered in the order in which they were asked for (see docs/scaling.md for why).
"""

import math
from collections.abc import Iterable

from signaling.cluster.acts import Act, Beat, Claim, Claimed, Clock, Do, HangUp, Hear, Post, Say, TakeSocket
from signaling.cluster.copies import copied
from signaling.cluster.custody import Custody, needs_an_owner
from signaling.cluster.moving import absence, depart, moving_of
from signaling.cluster.ownership import MAX_WAITING, Gathering, Pending, Phase, Place
from signaling.cluster.wire import (
    Answer,
    AnyFrame,
    Asked,
    Begun,
    Bye,
    Copied,
    Deliver,
    Drop,
    Heard,
    Input,
    Lost,
    Moving,
    Owned,
    Placed,
    Present,
    Said,
    Sync,
    Take,
)
from signaling.effects import Departed, Effect, Hangup
from signaling.lobby import is_room_name
from signaling.messages import ClientMessage, Join
from signaling.reasons import Detection


class Station(Custody):
    """Everything that one node knows and decides. `node` is its unguessable name, new with every start."""

    @property
    def others(self) -> frozenset[str]:
        """The other nodes that are alive."""
        return self._lease.nodes

    def runs(self, room: str) -> bool:
        """Whether this node answers for a room now."""
        place = self._places.get(room)
        return place is not None and place.phase is Phase.HERE

    def may_act(self, now: float) -> bool:
        """Whether this node is known to be alive: if not, what its clients say waits."""
        return self._lease.holds(now)

    # -- what comes from this node's clients, and from programs --

    def open(self, session: str, secret: str) -> None:
        """A socket has connected, with an unguessable session id and secret."""
        self._edge.open(session, secret)

    def heard(self, session: str, message: ClientMessage, clock: Clock) -> list[Act]:
        """A client has said something."""
        socket = self._edge.find(session)
        if socket is None:
            return []
        room = message.room if socket.room is None and isinstance(message, Join) else socket.room
        if room is None or not is_room_name(room):
            return self._outside(session, socket.secret, message, clock)
        place = self._place(room)
        said = self._edge.say(socket, message, place)
        return self._let_go(place.said.pop()) if len(place.said) > MAX_WAITING else self._route(place, said, clock)

    def lost(self, session: str, clock: Clock, last_seen: float, detected_by: Detection) -> list[Act]:
        """A client's socket has ended, by whatever cause."""
        socket = self._edge.close(session, self._places)
        if socket is None or socket.room is None:
            return []
        silent_for = clock.now - last_seen
        place = self._place(socket.room)
        lost = Lost(
            room=socket.room,
            home=self.node,
            epoch=place.epoch,
            connection=socket.connection,
            silent_for=silent_for,
            detected_by=detected_by,
        )
        return self._route(place, lost, clock)

    def asked(self, asked: Asked, owner: str | None, clock: Clock) -> list[Act]:
        """A program asks something of a room that `owner` runs, as Redis says; `None`: have us run it."""
        if owner is not None and owner != self.node:
            return [Post(owner, (asked,))]
        return self._route(self._place(asked.room), asked, clock)

    def decided(self, room: str, effects: list[Effect], clock: Clock) -> list[Act]:
        """Pass on what our lobby decided of a room of ours because a program asked for it."""
        return self._carry(self._place(room), effects, clock)

    def depart(self, room: str, user: str, to_room: str, epoch: int, clock: Clock) -> list[Effect]:
        """Take a user out of a room of ours, to come into another. No effects: no such user is there.

        `epoch`: the other room's, as its owner said when it agreed. The effects are for `decided`.
        """
        return depart(self._lobby, room, user, to_room, epoch, clock)

    def agreed_in(self, room: str) -> int:
        """Return the epoch of a room of ours, 0 if nobody is in it: by then another node may run it."""
        return 0 if self._lobby.find(room) is None else self._place(room).epoch

    def _outside(self, session: str, secret: str, message: ClientMessage, clock: Clock) -> list[Act]:
        """Have our own lobby say what is wrong."""
        self._lobby.open(session, secret)
        effects = self._lobby.handle(session, message, clock.now, clock.wall)
        self._lobby.lost(session, clock.now, clock.now, Detection.SOCKET_CLOSED)
        if any(isinstance(effect, Hangup) for effect in effects):
            self._edge.close(session, self._places)
        return [Do(tuple(effects))]

    # -- what comes from other nodes --

    def received(self, sender: str, frames: Iterable[AnyFrame], clock: Clock) -> list[Act]:
        """Another node has said something."""
        return [act for frame in frames for act in self._receive(sender, frame, clock)]

    def _receive(self, sender: str, frame: AnyFrame, clock: Clock) -> list[Act]:
        match frame:
            case Said() | Lost() | Sync() | Asked():
                return self._from_edge(frame, clock)
            case Deliver():
                return self._deliver(frame)
            case Placed():
                place = self._place(frame.room)
                self._edge.placed(frame.record, place)
                news = self._told(frame, sender, clock)
                return [*news, *self._disown(frame, sender, frame.record.session)]
            case Take():
                place = self._place(frame.room)
                is_here = self._edge.take(frame.connection, frame.record, place)
                taken = [TakeSocket(frame.connection, frame.record.session)] if is_here else []
                return [*taken, *self._told(frame, sender, clock), *self._disown(frame, sender, frame.connection)]
            case Drop():
                socket = self._edge.find(frame.session)
                dropped = self._drop([Present(frame.session, frame.connection)])
                if socket is not None and socket.room is not None:
                    self._tidy(socket.room)
                return dropped
            case Moving():
                return self._move_on(frame, clock)
            case Heard():
                if (heard_of := self._places.get(frame.room)) is not None:
                    heard_of.answered(frame.number)
                    self._tidy(frame.room)
                return []
            case Owned():
                return self._told_of_owner(frame, clock)
            case Copied():
                return self._copied(frame)
            case Begun():
                if (begun := self._places.get(frame.room)) is not None:
                    begun.was_ours = False
                    self._tidy(frame.room)
                return []
            case Answer():
                return [Hear(frame.id, frame.body)]
            case Bye():  # pragma: no branch - mypy checks that nothing is left
                self._lease.bury(sender)
                return self._mourn(clock)

    def _deliver(self, frame: Deliver) -> list[Act]:
        place = self._places.get(frame.room)
        if place is not None:
            place.seq = max(place.seq, frame.seq)
        return [Say(frame.sessions, frame.text)]

    def _copied(self, frame: Copied) -> list[Act]:
        place = self._places.get(frame.room)
        if place is not None and place.owner != self.node:
            copied(place, frame)
        if place is not None and frame.is_whole:
            self._edge.placed_all(frame.put, place)  # of who was let in by a word that was lost
        return []

    def _move_on(self, moving: Moving, clock: Clock) -> list[Act]:
        """Bring a client of ours into another room, unless it is there already or gone."""
        socket, former = self._edge.find(moving.session), self._places.get(moving.room)
        if socket is None or former is None or socket.room != moving.room:
            return []
        if socket.record is not None and socket.record.turn >= moving.record.turn:
            return []  # it has come back since
        place = self._place(moving.to)
        said = self._edge.move(socket, moving, former, place)
        self._tidy(former.name)
        return [act for one in said for act in self._route(place, one, clock)]

    def _done(self, pending: Pending, place: Place, clock: Clock) -> list[Act]:
        """Do what is written down; who departs is brought on from here if their socket is here, or nowhere."""
        acts = super()._done(pending, place, clock)
        for departed in (effect for effect in pending.effects if isinstance(effect, Departed)):
            acts += self._move_on(moving_of(departed), clock)
            if (asked := absence(departed, self.node)) is not None:
                acts += self._route(self._place(departed.to), asked, clock)
        return acts

    def _disown(self, frame: Placed | Take, owner: str, connection: str) -> list[Act]:
        """Let an owner know that a socket that it believes to be here is gone: it was so before it was let in."""
        self._tidy(frame.room)
        if frame.record.session in self._edge:
            return []
        lost = Lost(
            room=frame.room,
            home=self.node,
            epoch=frame.epoch,
            connection=connection,
            silent_for=0,
            detected_by=Detection.SOCKET_CLOSED,
        )
        return [Post(owner, (lost,))]

    def _told(self, frame: Placed | Take, owner: str, clock: Clock) -> list[Act]:
        """Note who runs a room, which may be another than we took for it."""
        place = self._place(frame.room)
        is_news = frame.epoch > place.epoch or (frame.epoch == place.epoch and place.phase is Phase.HAILING)
        return self._elsewhere(place, owner, frame.epoch, clock) if is_news else []

    def _told_of_owner(self, owned: Owned, clock: Clock) -> list[Act]:
        if owned.owner != self.node:
            return self._elsewhere(self._place(owned.room), owned.owner, owned.epoch, clock)
        place = self._places.get(owned.room)
        is_asked = place is not None and place.phase is Phase.SETTLING and owned.epoch == place.epoch  # by ourselves
        return self._synced(place, self._sync(place, clock), clock) if place is not None and is_asked else []

    def _from_edge(self, frame: Input, clock: Clock) -> list[Act]:
        place = self._places.get(frame.room)
        if place is not None and place.phase is not Phase.ELSEWHERE:
            return self._route(place, frame, clock)
        if place is not None and not isinstance(frame, Asked):
            return [Post(frame.home, (self._owned(place),))]
        if not needs_an_owner(frame):
            return []  # there is no such room any more
        place = self._place(frame.room)
        place.waiting.append(frame)
        return self._ask(place)  # they took us for the owner: who is right is known to Redis alone

    # -- what comes from Redis --

    def beat(self, beat: Beat, clock: Clock) -> list[Act]:
        """This node was seen alive."""
        is_anew = self._lease.renew(beat, clock.now)
        self._tidy(*self._places)
        asked = [act for place in self._places.values() for act in self._doubt(place)] if is_anew else []
        return [*asked, *self._mourn(clock)]

    def _doubt(self, place: Place) -> list[Act]:
        """We were late, or Redis is another: ask whose a room is, and of one elsewhere whether we are known there."""
        is_elsewhere = place.phase in {Phase.HAILING, Phase.ELSEWHERE}
        if is_elsewhere and self._lease.was_emptied:  # its owner is to claim it first; if it is dead, it is mourned
            return [Post(place.owner, (Sync(room=place.name, home=self.node, epoch=0),))]
        return self._ask(place)

    def claimed(self, claim: Claimed, clock: Clock) -> list[Act]:
        """It is known who runs a room."""
        place = self._place(claim.room)
        if claim.epoch < place.epoch or (claim.epoch == place.epoch and place.phase is not Phase.ASKING):
            return []
        place.claimed = max(place.claimed, claim.epoch)
        if claim.owner != self.node:
            place.origin = claim.origin
            return self._elsewhere(place, claim.owner, claim.epoch, clock, is_heard=False)
        return self._ours(place, claim, clock) if self.may_act(clock.now) else []  # the next beat asks again

    def committed(self, room: str, epoch: int, number: int, is_done: bool, clock: Clock) -> list[Act]:
        """A commit is written and sent; or it is not, because the room is not ours any more."""
        place = self._places.get(room)
        if place is None or place.epoch != epoch or not place.pending:
            return []
        if not is_done:
            return self._ask(place)
        acts: list[Act] = []
        while place.pending and (place.pending[0].commit is None or place.pending[0].commit.number <= number):
            acts += self._done(place.pending.popleft(), place, clock)
        if place.phase is Phase.ENDING and not place.pending:
            acts += self._ended(place)
        return acts

    # -- time --

    def next_deadline(self) -> float | None:
        """Return when to call `advance`; `None`: not before something else happens."""
        settles = [gathering.deadline for _, gathering in self._gatherings()]
        next_of_lobby = self._lobby.next_deadline()
        due = min([math.inf if next_of_lobby is None else next_of_lobby, *settles])
        return due if due < self._lease.until else None

    def advance(self, clock: Clock) -> list[Act]:
        """Do what is due, if it is for us to do."""
        if not self.may_act(clock.now):
            self._lease.lapse()
            self._freeze()
            return []
        acts: list[Act] = []
        for place, gathering in self._gatherings():
            if gathering.deadline <= clock.now:
                acts += self._settle(place, gathering, clock)
        still = {Phase.ASKING, Phase.SETTLING}
        frozen = {place.name for place in self._places.values() if place.phase in still}
        for room, effects in self._lobby.advance_each(clock.now, frozen):
            acts += self._carry_some(self._place(room), effects, clock)
        return acts

    def freeze(self) -> None:
        """Decide nothing any more: the node ends, and its rooms go on elsewhere."""
        self._freeze()

    # -- inside --

    def _gatherings(self) -> list[tuple[Place, Gathering]]:
        """Return the rooms that are settling. Asked after every message: it must not take all rooms to know them."""
        known = (self._places.get(room) for room in self._gathering)
        found = [(place, place.gathering) for place in known if place is not None and place.gathering is not None]
        self._gathering = {place.name: None for place, _ in found}
        return [(place, gathering) for place, gathering in found if place.phase is Phase.SETTLING]

    def _route(self, place: Place, frame: Input, clock: Clock) -> list[Act]:
        """Answer an input, pass it on, or let it wait until it is known which."""
        if place.phase is Phase.ELSEWHERE or (place.phase is Phase.HAILING and isinstance(frame, Asked)):
            self._tidy(place.name)
            return [Post(place.owner, (frame,))]
        if place.phase is Phase.HAILING:
            if frame.home != self.node and len(place.waiting) < MAX_WAITING:
                place.waiting.append(frame)  # who took us for the owner is told who is
            self._tidy(place.name)
            return []  # it is said, as far as it still counts, once the owner has spoken
        if not self.may_act(clock.now):
            self._freeze()
        if place.phase is Phase.HERE or (place.phase is Phase.SETTLING and isinstance(frame, Sync)):
            return self._run(place, frame, clock)
        is_new = place.phase is Phase.ASKING and not place.waiting and self._lobby.find(place.name) is None
        place.waiting.append(frame)
        if len(place.waiting) > MAX_WAITING:
            return self._let_go(place.waiting.pop())
        return [Claim(place.name)] if is_new else []

    def _let_go(self, frame: Input) -> list[Act]:
        """Too much waits: let go of the client who said the last of it. It comes back and begins anew."""
        if not isinstance(frame, Said):
            return []
        if frame.home != self.node:
            return [Post(frame.home, (Drop(session=frame.session, connection=frame.session),))]
        return [] if self._edge.close(frame.session, self._places) is None else [HangUp(frame.session)]

    def _mourn(self, clock: Clock) -> list[Act]:
        """Go on without those who are dead: their rooms are free, their clients unreachable."""
        acts: list[Act] = []
        for place in list(self._places.values()):
            is_elsewhere = place.phase in {Phase.HAILING, Phase.ELSEWHERE}
            if is_elsewhere and self._lease.is_dead(place.owner, clock.now):
                acts += self._ask(place)
        for place, gathering in self._gatherings():
            gathering.awaited -= {
                node for node in gathering.awaited - {self.node} if self._lease.is_dead(node, clock.now)
            }
            acts += self._settle_if_known(place, gathering, clock)
        dead = {node for node in self._homes.nodes() - {self.node} if self._lease.is_dead(node, clock.now)}
        return [*acts, *(act for session in self._homes.at_any(dead) for act in self._bereave(session, clock))]

    def _bereave(self, session: str, clock: Clock) -> list[Act]:
        """Note that a node is gone, and with it a session's socket."""
        room = self._lobby.room_of(session) or self._lobby.room_left(session)
        if room is None:  # it is out, and waits until the others have acknowledged that
            self._homes.pop(session)
            return []
        place = self._place(room.name)
        if place.phase is not Phase.HERE:
            return []  # with the next beat
        self._homes.pop(session)
        return self._carry(place, self._lobby.lost(session, clock.now, clock.now, Detection.HEARTBEAT), clock)
