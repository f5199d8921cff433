"""The sockets of one node: whose they are, in which room, and what to say of them to whoever runs it. A core."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from signaling.cluster.copies import decode_record
from signaling.cluster.ownership import Place
from signaling.cluster.wire import Arrival, Copy, Moving, Present, Said, Sync
from signaling.messages import Ack, ClientMessage, Join, Leave
from signaling.snapshot import MemberRecord


@dataclass(slots=True)
class Socket:
    """One session whose socket is here."""

    session: str
    secret: str
    connection: str  # the session that it was opened as
    room: str | None = None  # where it is or wants to be
    record: MemberRecord | None = None  # None: it is not in yet
    join: Said | None = None  # what it said to get in, until it is
    leave: Leave | None = None  # what it said to get out, if it has


class Edge:
    """All sessions whose sockets are at this node."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._sockets: dict[str, Socket] = {}
        self._number = 0  # of the latest thing that was said here

    def __contains__(self, session: str) -> bool:
        return session in self._sockets

    def open(self, session: str, secret: str) -> None:
        """A socket has connected."""
        self._sockets[session] = Socket(session, secret, session)

    def find(self, session: str) -> Socket | None:
        """Return the socket of a session, if it is here."""
        return self._sockets.get(session)

    def close(self, session: str, places: dict[str, Place]) -> Socket | None:
        """A socket is gone or about to be."""
        socket = self._sockets.pop(session, None)
        if socket is not None and socket.room in places:
            places[socket.room].sessions.discard(session)
        return socket

    def say(self, socket: Socket, message: ClientMessage, place: Place) -> Said:
        """Return what a client says as what its room's owner is to hear, and remember what must not be lost."""
        said = Said(
            room=place.name,
            home=self._node,
            epoch=place.epoch,
            session=socket.session,
            secret=socket.secret,
            message=message,
            number=self._next_number(message),
        )
        place.sessions.add(socket.session)
        socket.room = place.name
        if isinstance(message, Leave):
            socket.leave = message
        if said.number:
            place.said.append(said)
        elif isinstance(message, Join) and socket.record is None and socket.join is None:
            socket.join = said
        return said

    def move(self, socket: Socket, moving: Moving, former: Place, place: Place) -> list[Said]:
        """Return what brings a client into another room: a join, and what its former room was not to hear any more."""
        unheard = [one for one in former.said if one.session == socket.session]
        former.said = deque(one for one in former.said if one.session != socket.session)
        former.sessions.discard(socket.session)
        wanted = Join(room=place.name, user=moving.record.user) if socket.join is None else socket.join.message
        said = self.say(socket, wanted, place)
        socket.record, socket.join = None, replace(said, arrival=Arrival(moving.record, former.name, socket.connection))
        return [socket.join, *(self.say(socket, one.message, place) for one in unheard)]

    def placed(self, record: MemberRecord, place: Place) -> None:
        """A session is in, or what is kept of it is another, as the owner says."""
        socket = self._sockets.get(record.session)
        if socket is not None:
            socket.record, socket.join, socket.room = record, None, place.name
            place.sessions.add(record.session)

    def placed_all(self, records: Mapping[str, bytes], place: Place) -> None:
        """These are in: those of them are placed that are still on their way in as far as we know."""
        for session in records.keys() & place.sessions:
            if self._sockets[session].record is None:
                self.placed(decode_record(records[session]), place)

    def take(self, connection: str, record: MemberRecord, place: Place) -> bool:
        """Let a socket be another session's from now on; says whether it is here, and was not that already."""
        socket = self._sockets.pop(connection, None)
        if socket is not None:
            place.sessions.discard(connection)
            self._sockets[record.session] = Socket(record.session, record.secret, connection)
        if self.has(record.session, connection):
            self.placed(record, place)
        return socket is not None

    def has(self, session: str, connection: str) -> bool:
        """Whether a session's socket is that one."""
        socket = self._sockets.get(session)
        return socket is not None and socket.connection == connection

    def has_members(self, place: Place) -> bool:
        """Whether anybody here was in a room, and not only on the way in."""
        return any(self._sockets[session].record is not None for session in place.sessions)

    def sync(self, place: Place, copy: Copy | None) -> Sync:
        """Say whom of a room we have, and again what nobody has answered for: who wants in first, the rest in order."""
        sockets = [self._sockets[session] for session in sorted(place.sessions)]
        present = [Present(socket.session, socket.connection, socket.record, leave=socket.leave) for socket in sockets]
        present += [
            Present(session, socket.connection, resumes=True)
            for socket in sockets
            if (session := _wanted(socket)) is not None
        ]
        joins = [socket.join for socket in sockets if socket.join is not None]
        said = [
            *(replace(join, epoch=place.epoch, is_restated=True) for join in joins),
            *(replace(one, epoch=place.epoch) for one in place.said),
        ]
        return Sync(
            room=place.name,
            home=self._node,
            epoch=place.epoch,
            seq=place.seq,
            sessions=present,
            said=said,
            copy=copy,
        )

    def repeats(self, said: Said) -> bool:
        """Whether something that a client here said is said again by `sync`."""
        return said.home == self._node and (said.number > 0 or isinstance(said.message, Join))

    def _next_number(self, message: ClientMessage) -> int:
        if isinstance(message, Join | Ack):
            return 0
        self._number += 1
        return self._number


def _wanted(socket: Socket) -> str | None:
    """Return the session that a client on its way in wants to go on with."""
    join = None if socket.join is None else socket.join.message
    return join.resume.session if isinstance(join, Join) and join.resume is not None else None
