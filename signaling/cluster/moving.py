"""Users who are moved to another room, whoever runs it: out of the one, and as the same session into the other. A core.

    owner of A           edge                 owner of B
    Departed ── Moving ─►
                         ── Said (Join with an Arrival) ─►
                         ◄──────── Placed · Deliver ─────  Entered

In one step the member is cut out of A, and its edge told; that it comes into B is the edge's to say, and to say again
to whoever runs B then. Where it went is kept for as long as it may come back: a client that was cut off before it
knew, or whose edge has died, asks A, and is sent on with the same record.

Who is unreachable has no edge. The owner of A says it, once (`Asked`, the call `ADMIT`), to the owner of B that has
agreed and to no other: so nobody is let in who came by themselves since, and left. If it is lost, they are not heard
of in B until they come back to A, and are sent on.
"""

from collections.abc import Collection, Sequence
from hmac import compare_digest

import msgspec

from signaling.calls import Refusal
from signaling.cluster.acts import Clock
from signaling.cluster.wire import Asked, Moving, Said
from signaling.effects import Departed, Effect, Entered, Transferred, Unheard
from signaling.lobby import Lobby
from signaling.messages import ErrorCode, ExitRoom, Join
from signaling.room import Room
from signaling.snapshot import MemberRecord, member_of, member_record

ADMIT = "admit"  # the call by which somebody is let in who has no socket
MOST = 4096  # departures that one node remembers; beyond, the oldest is forgotten


class Written(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept apart from a room of who is not in it any more: a last word, or where it has gone."""

    session: str
    secret: str
    message: ExitRoom | None = None
    to: str = ""
    record: MemberRecord | None = None


class Absentee(msgspec.Struct, frozen=True):
    """Who is to be let in without a socket: as what, from where, and in which epoch that was agreed."""

    record: MemberRecord
    came_from: str
    epoch: int  # 0: when nobody was in the room


_absentees = msgspec.json.Decoder(Absentee)
_written = msgspec.json.Decoder(Written)
_records = msgspec.json.Decoder(MemberRecord)


class Departures:
    """Who has gone from a room of ours to another, and as what."""

    def __init__(self) -> None:
        self._gone: dict[tuple[str, str], Moving] = {}  # by room and session

    def note(self, effects: Sequence[Effect]) -> None:
        """Remember who departs."""
        for effect in effects:
            if isinstance(effect, Departed):
                self._add(moving_of(effect))

    def read(self, room: str, text: bytes) -> Unheard | None:
        """Take in what a former owner wrote of who was in a room; return it if it is a last word."""
        written = _written.decode(text)
        if written.record is not None:
            self._add(Moving(room=room, session=written.session, to=written.to, record=written.record))
        if written.message is None:
            return None
        return Unheard(written.session, written.secret, written.message)

    def find(self, room: str, session: str) -> Moving | None:
        """Return where a session went that was in a room, for the node that has its socket."""
        return self._gone.get((room, session))

    def since(self, room: str, record: MemberRecord | None) -> Moving | None:
        """Return where somebody went from a room as whom an edge still knows them, unless they have come back since."""
        gone = None if record is None else self.find(room, record.session)
        is_later = gone is not None and record is not None and gone.record.turn > record.turn
        return gone if is_later else None

    def before(self, room: str, session: str) -> MemberRecord | None:
        """Return as what a session was in a room, until it went."""
        gone = self.find(room, session)
        return None if gone is None else msgspec.structs.replace(gone.record, turn=gone.record.turn - 1)

    def follow(self, said: Said, lobby: Lobby, clock: Clock) -> Moving | None:
        """Return where somebody has to ask who wants to go on with a session in this room; `None`: here."""
        session, secret = _wanted(said)
        room = lobby.room_of(session)
        if room is not None and room.name == said.room:
            return None  # that it goes was never written
        gone = self.find(said.room, session) if room is None else _inside(room, session, said.room, clock)
        if gone is None or not _is_secret(secret, gone.record):
            return None
        if room is None and said.arrival is not None and said.arrival.record.turn >= gone.record.turn:
            return None  # it was moved back here
        return msgspec.structs.replace(gone, session=said.session)

    def forget(self, room: str, session: str) -> None:
        """Somebody has come in, who may have been here before."""
        self._gone.pop((room, session), None)

    def _add(self, moving: Moving) -> None:
        self._gone[moving.room, moving.session] = moving
        while len(self._gone) > MOST:
            del self._gone[next(iter(self._gone))]


def moving_of(departed: Departed) -> Moving:
    """Return what the node is told that has the socket of who departs."""
    record = _records.decode(departed.record)
    return Moving(room=departed.room, session=departed.session, to=departed.to, record=record)


def written_of(departed: Departed) -> Written:
    """Return what is written of who departs."""
    record = _records.decode(departed.record)
    return Written(departed.session, departed.secret, to=departed.to, record=record)


def check(lobby: Lobby, room: str, user: str, token: str | None, clock: Clock) -> None:
    """See whether a user of another room can come into one that is run here. Raises `Refusal` if not."""
    if lobby.bans.left(room, user, token, clock.now):
        raise Refusal(ErrorCode.BANNED, f"{user} is kept out of {room}")
    lobby.room_for(user, "", room)


def depart(lobby: Lobby, room: str, user: str, to_room: str, epoch: int, clock: Clock) -> list[Effect]:
    """Take a user out of a room, to another that has agreed in `epoch`. No effects: no such user is there."""
    found = lobby.find(room)
    member = None if found is None else found.holder(user)
    if found is None or member is None:
        return []
    member.turn += 1  # what was known of them before counts no more
    record = msgspec.json.encode(member_record(member, now=clock.now, wall=clock.wall))
    departed = Departed(member.session, member.secret, user, room, to_room, record, epoch)
    return lobby.follow(found, [*found.move_out(member, now=clock.now), departed], clock.now)


def come_in(lobby: Lobby, said: Said, clock: Clock, over: Collection[str]) -> list[Effect]:
    """Let in who was moved, if somebody was and is not in already: nothing is asked of them any more."""
    arrival = said.arrival
    if arrival is None or arrival.record.session in over or lobby.room_of(arrival.record.session) is not None:
        return []
    return _let_in(lobby, said.room, arrival.record, arrival.came_from, clock, has_socket=arrives(said))


def arrives(said: Said) -> bool:
    """Whether who was moved comes with the socket that they had."""
    return said.arrival is not None and said.arrival.record.session == said.session


def absence(departed: Departed, node: str) -> Asked | None:
    """Return what the owner of the other room is asked for who departs and has no socket; `None`: they have one."""
    record = _records.decode(departed.record)
    if record.last_seen is None:
        return None
    text = msgspec.json.encode(Absentee(record, departed.room, departed.epoch))
    return Asked(room=departed.to, home=node, id="", call=ADMIT, arguments=text)


def admit(
    lobby: Lobby, asked: Asked, epoch: int, departures: Departures, over: Collection[str], clock: Clock
) -> list[Effect]:
    """Let in who has no socket, in the epoch in which that was agreed, unless they have been here since."""
    absentee = _absentees.decode(asked.arguments)
    record, room = absentee.record, lobby.find(asked.room)
    is_agreed = absentee.epoch == epoch or (absentee.epoch == 0 and (room is None or not room.is_there))
    if not is_agreed or record.session in over or lobby.room_of(record.session) is not None:
        return []
    gone = departures.find(asked.room, record.session)
    if gone is not None and gone.record.turn > record.turn:
        return []
    departures.forget(asked.room, record.session)
    return _let_in(lobby, asked.room, record, absentee.came_from, clock, has_socket=False)


def _let_in(
    lobby: Lobby, name: str, record: MemberRecord, came_from: str, clock: Clock, *, has_socket: bool
) -> list[Effect]:
    room = lobby.room_called(name)
    member = member_of(record, room.settings, now=clock.now, wall=clock.wall)
    if has_socket:
        member.loss = None
    lobby.open(record.session, record.secret)
    told = room.move_in(member, came_from, now=clock.now, wall=clock.wall)
    came = [effect for effect in told if not isinstance(effect, Transferred)]
    return lobby.follow(room, [Entered(record.session, room.name, record.user), *came], clock.now)


def _wanted(said: Said) -> tuple[str, str]:
    """Return the session that somebody wants to go on with, if any, and the secret that shows that it is theirs."""
    if said.arrival is not None and arrives(said):
        return said.session, said.arrival.record.secret
    resume = said.message.resume if isinstance(said.message, Join) else None
    return ("", "") if resume is None else (resume.session, resume.secret)


def _inside(room: Room, session: str, came_from: str, clock: Clock) -> Moving:
    """Return where a session is that is in another room of ours."""
    record = member_record(room.member(session), now=clock.now, wall=clock.wall)
    return Moving(room=came_from, session=session, to=room.name, record=record)


def _is_secret(secret: str, record: MemberRecord) -> bool:
    return compare_digest(secret.encode(), record.secret.encode())
