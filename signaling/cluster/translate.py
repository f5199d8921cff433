"""What a room decided, as what is written of it and as what other nodes are told. A core."""

from collections.abc import Sequence
from functools import cached_property

import msgspec

from signaling.cluster.acts import Clock, Commit
from signaling.cluster.copies import encode_about, encode_members, encode_record
from signaling.cluster.homes import Home, Homes
from signaling.cluster.moving import moving_of, written_of
from signaling.cluster.ownership import Place
from signaling.cluster.wire import AnyFrame, Copied, Deliver, Drop, Heard, Placed, Said, Take
from signaling.effects import Adopt, Ban, Departed, Effect, Entered, Exited, Hangup, Send, Unheard
from signaling.members import Member
from signaling.messages import (
    MediaServer,
    Refreshed,
    RemoteUserBack,
    RemoteUserUnreachable,
    RemoteUserUpdate,
    ServerMessage,
    encode,
)
from signaling.room import Room
from signaling.snapshot import MemberRecord, member_record

_encoder = msgspec.json.Encoder()


def edges_of(room: Room, homes: Homes) -> set[str]:
    """Return the other nodes that have sockets of members of a room."""
    nodes = (homes.elsewhere(member.session) for member in room.members)
    return {node for node in nodes if node is not None}


def whole_copy(place: Place, room: Room, clock: Clock) -> Copied:
    """Return all that is written of a room, for a node that has no copy of it."""
    about = encode_about(room, clock)
    return Copied(room=place.name, seq=room.seq, put=encode_members(room, clock), about=about, is_whole=True)


class Translation:
    """One room's effects, on their way to other nodes. `homes` says where sessions are that are not here."""

    def __init__(self, place: Place, room: Room | None, homes: Homes, node: str, clock: Clock) -> None:
        self._place, self._homes, self._node, self._clock = place, homes, node, clock
        self._room = room
        self._frames: dict[str, list[AnyFrame]] = {}
        self._put: dict[str, bytes] = {}
        self._cut: list[str] = []
        self._bans: dict[str, float] = {}
        self._unheard: list[bytes] = []
        self._seq = place.seq if room is None else room.seq
        self._is_placed_anew = False

    def commit(
        self, effects: Sequence[Effect], *, is_last: bool, unheard_for: float, said: Said | None = None
    ) -> Commit | None:
        """Return what is to be written and sent, in the order of the effects; `None`: it concerns this node alone.

        `said`: what has led to it. Where it was said it is known by that that it need not be said again.
        """
        for effect in effects:
            self._take(effect)
        if said is not None and said.number and said.home != self._node:
            self._to(said.home, Heard(room=self._place.name, number=said.number))
        about = self._about()
        self._copy(about)
        if not (self._frames or self._put or self._cut or self._bans or self._unheard or about or is_last):
            return None
        self._place.number += 1
        return Commit(
            room=self._place.name,
            epoch=self._place.epoch,
            number=self._place.number,
            seq=self._seq,
            put=self._put,
            cut=tuple(self._cut),
            about=about,
            bans=self._bans,
            unheard=tuple(self._unheard),
            unheard_for=unheard_for,
            is_last=is_last,
            frames=self._frames,
        )

    @cached_property
    def _members(self) -> dict[str, Member]:
        """All members, by session: not looked for in what only passes through, which is nearly all that is said."""
        return {} if self._room is None else {member.session: member for member in self._room.members}

    def _take(self, effect: Effect) -> None:
        match effect:
            case Send(to, message):
                self._deliver(to, message)
                if isinstance(message, RemoteUserUpdate | RemoteUserUnreachable | RemoteUserBack):
                    self._keep(message.session)
                elif isinstance(message, Refreshed):
                    for session in to:
                        self._keep(session)
                elif isinstance(message, MediaServer):
                    self._is_placed_anew = True
            case Hangup(session):
                home = self._homes.pop(session)
                if home is not None and home.node != self._node:
                    self._to(home.node, Drop(session=session, connection=home.connection))
            case Adopt(connection, session):
                self._adopt(connection, session)
            case Entered(session=session):
                self._keep(session)
            case Exited(session=session):
                self._put.pop(session, None)
                self._cut.append(session)
            case Departed():
                self._depart(effect)
            case Ban(user=user, token=token, until=until):
                wall = until - self._clock.now + self._clock.wall
                self._bans |= {f"user {user}": wall} | ({} if token is None else {f"token {token}": wall})
            case Unheard():
                self._unheard.append(_encoder.encode(effect))
            case _:
                pass  # what the owner keeps for itself

    def _about(self) -> bytes | None:
        """Return what is to be written of the room itself, if that is another than before."""
        if self._room is None or not (self._put or self._room.is_empty or self._is_placed_anew):
            return None
        about = encode_about(self._room, self._clock)
        if about == self._place.about:
            return None
        self._place.about = about
        return about

    def _copy(self, about: bytes | None) -> None:
        """Let all nodes that have members know what is written; all of it, if they do not know that yet."""
        is_written = bool(self._put or self._cut or about)
        if self._room is None or not (is_written or self._frames.keys() - self._place.copied):
            return
        homes = edges_of(self._room, self._homes)
        for node in sorted(homes & self._place.copied) if is_written else ():
            put, cut = self._put, tuple(self._cut)
            self._to(node, Copied(room=self._place.name, seq=self._seq, put=put, cut=cut, about=about))
        if new := sorted(homes - self._place.copied):
            whole = whole_copy(self._place, self._room, self._clock)
            for node in new:
                self._to(node, whole)
        self._place.copied = homes

    def _deliver(self, to: tuple[str, ...], message: ServerMessage) -> None:
        by_home: dict[str, list[str]] = {}
        for session in to:
            if (home := self._homes.elsewhere(session)) is not None:
                by_home.setdefault(home, []).append(session)
        if not by_home:
            return
        encoded = encode(message)
        for home, sessions in by_home.items():
            self._to(home, Deliver(room=self._place.name, seq=self._seq, sessions=tuple(sessions), text=encoded))

    def _adopt(self, connection: str, session: str) -> None:
        """The socket of a session is another one, here or at any other node; hang up the one before."""
        former = self._homes.find(session)
        self._members[session].turn += 1
        home = (self._homes.pop(connection) or Home(self._node, connection)).node
        self._homes.settle(session, home, connection)
        if former is not None and former.node not in {home, self._node}:
            self._to(former.node, Drop(session=session, connection=former.connection))
        if home != self._node:
            self._to(
                home,
                Take(
                    room=self._place.name, epoch=self._place.epoch, connection=connection, record=self._record(session)
                ),
            )
        self._put[session] = encode_record(self._record(session))

    def _depart(self, departed: Departed) -> None:
        """Cut a member out and let its edge know; kept apart from the room, for who is cut off and does not hear it."""
        self._put.pop(departed.session, None)
        self._cut.append(departed.session)
        self._unheard.append(_encoder.encode(written_of(departed)))
        home = self._homes.pop(departed.session)
        if home is not None and home.node != self._node:
            self._to(home.node, moving_of(departed))

    def _keep(self, session: str) -> None:
        """Write a member down, and let its edge know what it would need to bring it to another owner."""
        if session not in self._members:
            return  # gone already by what follows
        record = self._record(session)
        self._put[session] = encode_record(record)
        if (home := self._homes.elsewhere(session)) is not None:
            self._to(home, Placed(room=self._place.name, epoch=self._place.epoch, record=record))

    def _record(self, session: str) -> MemberRecord:
        return member_record(self._members[session], now=self._clock.now, wall=self._clock.wall)

    def _to(self, node: str, frame: AnyFrame) -> None:
        self._frames.setdefault(node, []).append(frame)
