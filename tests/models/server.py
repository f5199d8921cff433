"""The server of the model: the lobby with its shell's bookkeeping, without sockets. A ledger checks every word."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Literal

from signaling import messages as wire
from signaling.config import SignalingConfig
from signaling.effects import Adopt, Asked, Ban, Effect, Entered, Exited, Hangup, Send, Settled, Transferred, Unheard
from signaling.handover import go_on_with, read, write_down
from signaling.lobby import Lobby
from signaling.reasons import Detection, Reason
from tests.models.wires import Connection

WALL = 1_800_000_000.0  # seconds since 1970 at the model's time 0
FarewellReason = Literal["crashed", "left", "error"]
ALL_AT_ONCE = {Reason.DISMISSED, Reason.SERVER_SHUTDOWN}  # nobody is left to be told


class Ledger:
    """What each session was told, checked at every word against the exit contract."""

    def __init__(self) -> None:
        self.inside: dict[str, str] = {}  # session → room
        self.reasons: dict[str, Reason] = {}  # of sessions that are gone
        self.hearing: set[str] = set()  # sessions inside that can be reached, as far as the server knows
        self.known: dict[str, set[str]] = {}  # session → sessions that are here, by what it was told
        self.joined: dict[str, wire.Place] = {}  # by session
        self.let_go: set[str] = set()  # sessions that had their last word
        self.hung_up: set[str] = set()
        self.leaving: set[str] = set()  # sessions that had their last word and are to acknowledge it
        self.asked: set[str] = set()  # what programs asked for and have not been answered
        self.owed: dict[str, Reason] = {}  # sessions that are gone and were there to hear why

    def write(self, effects: list[Effect]) -> None:
        """Check one batch, in its order."""
        for effect in effects:
            match effect:
                case Send(to, message):
                    for session in to:
                        self._said(session, message)
                case Hangup(session):
                    assert session not in self.hung_up
                    self.hung_up.add(session)
                    self.leaving.discard(session)
                case Entered(session, room, _user):
                    assert session not in self.inside
                    assert session not in self.reasons, "a session that is gone came back"
                    self.inside[session] = room
                case Exited(session, _room, _user, reason, _detected_by):
                    del self.inside[session]
                    self.reasons[session] = reason
                    if session in self.hearing:
                        self.hearing.remove(session)
                        self.owed[session] = reason
                case Adopt(connection, session):
                    assert session in self.inside
                    assert connection not in self.hung_up
                case Transferred(session, _user, room, to):
                    assert self.inside[session] == room
                    self.inside[session] = to
                case Asked(about):
                    assert about not in self.asked
                    self.asked.add(about)
                case Settled(about, told, unacknowledged):
                    self.asked.discard(about)
                    assert len({*told}) == len(told)
                    assert len({*unacknowledged}) == len(unacknowledged)
                case Unheard(session):
                    assert session in self.reasons
                case Ban():
                    pass
        assert self.let_go <= self.hung_up | self.leaving, "whoever had their last word is hung up on"

    def lost(self, session: str) -> None:
        """Note that nothing reaches a session for now."""
        self.hearing.discard(session)
        self.owed.pop(session, None)

    def check(self) -> None:
        """Whoever can hear knows exactly who is here."""
        for session in self.hearing:
            room = self.inside[session]
            assert self.known[session] | {session} == {other for other, at in self.inside.items() if at == room}

    def check_settled(self) -> None:
        """Whoever was there to hear it has been told that they are out, and why."""
        assert self.owed == {}
        assert self.asked == set()
        assert self.leaving == set()

    def _said(self, session: str, message: wire.ServerMessage) -> None:
        assert session not in self.let_go, "nothing comes after exitRoom"
        assert session not in self.hung_up, "nothing comes after a hang-up"
        match message:
            case wire.Joined(users=users) | wire.Moved(users=users):
                self.joined[session] = message
                assert message.room == self.inside[session]
                self.known[session] = {user.session for user in users}
                self.hearing.add(session)
            case wire.RemoteUserJoin(session=other):
                assert other not in self.known[session]
                self.known[session].add(other)
            case wire.RemoteUserLeave(session=other):
                assert other in self.known[session], "each leave is told once"
                self.known[session].discard(other)
            case wire.ExitRoom(reason=reason, wants_ack=wants_ack):
                self._let_go(session, reason)
                if wants_ack:
                    self.leaving.add(session)
            case _:
                pass

    def _let_go(self, leaver: str, reason: Reason) -> None:
        assert leaver not in self.inside
        self.let_go.add(leaver)
        if leaver in self.owed:
            assert self.owed.pop(leaver) is reason
        if reason not in ALL_AT_ONCE:
            told_too_late = [session for session in self.hearing if leaver in self.known[session]]
            assert told_too_late == [], "the others are told before the leaver is let go"


class Server:
    """One server's process: what `signaling/server.py` does with effects, on the model's connections."""

    def __init__(
        self,
        config: SignalingConfig,
        sessions: Iterator[int] | None = None,
        removed: Callable[[Exited, Connection], None] = lambda _effect, _connection: None,
    ) -> None:
        self.config = config
        self.lobby = Lobby(config)
        self.ledger = Ledger()
        self.sockets: dict[str, Connection] = {}  # by session
        self._last: dict[str, Connection] = {}  # by session: also when it is lost
        self._sessions = sessions or count(1)
        self._removed = removed

    def connect(self) -> Connection:
        """Accept a connection."""
        connection = Connection(f"s{next(self._sessions)}")
        self.sockets[connection.session] = connection
        self.lobby.open(connection.session, f"secret of {connection.session}")
        return connection

    def hear(self, connection: Connection, message: wire.ClientMessage, now: float) -> None:
        """Take in what a client said, unless it was hung up on."""
        if connection.is_heard:
            self.apply(self.lobby.handle(connection.session, message, now, WALL + now))

    def end(self, connection: Connection, now: float, detected_by: Detection) -> None:
        """Note that a connection has ended."""
        connection.is_heard = False
        if self.sockets.get(connection.session) is connection:
            del self.sockets[connection.session]
            seen = now if connection.cut_at is None else connection.cut_at
            effects = self.lobby.lost(connection.session, now, seen, detected_by)
            self.ledger.lost(connection.session)
            self.apply(effects)

    def farewell(self, joined: wire.Place, reason: FarewellReason, now: float) -> None:
        """Take in what a guard or watchdog says of the session that joined so."""
        message = wire.Farewell(session=joined.session, ticket=joined.ticket, reason=reason)
        self.apply(self.lobby.farewell(message, now))

    def advance(self, now: float) -> None:
        """Do what is due."""
        self.apply(self.lobby.advance(now))

    def restart(self, now: float) -> None:
        """Let go of everybody without a word, and go on in a new lobby with what the old one leaves."""
        for session, connection in self.sockets.items():
            self._hang_up(connection)
            self.ledger.lost(session)
        self.sockets.clear()
        self.ledger.asked.clear()  # programs that waited for an answer of the old one have seen it end
        self.ledger.owed.clear()
        self.ledger.hung_up |= self.ledger.leaving
        self.ledger.leaving.clear()
        estate = read(write_down(self.lobby, now=now, wall=WALL + now), self.config.grace, wall=WALL + now)
        self.lobby = Lobby(self.config)
        go_on_with(self.lobby, estate, now=now, wall=WALL + now)

    def users(self) -> dict[str, str]:
        """Return who is in any room: user → session."""
        return {user.user: user.session for room in self.lobby.rooms() for user in room.users}

    def apply(self, effects: list[Effect]) -> None:
        """Carry out what the lobby decided, in order."""
        self.ledger.write(effects)
        for effect in effects:
            match effect:
                case Send(to, message):
                    for session in to:
                        if connection := self.sockets.get(session):
                            connection.say_down(message)
                case Hangup(session):
                    self._hang_up(self.sockets.pop(session, None))
                case Adopt(opened_as, session):
                    connection = self.sockets.pop(opened_as)
                    self._hang_up(self.sockets.get(session))
                    self.sockets[session] = self._last[session] = connection
                    connection.session = session
                case Entered(session):
                    self._last[session] = self.sockets[session]
                case Exited(session):
                    self._removed(effect, self._last[session])
                case Unheard() | Ban():
                    pass

    @staticmethod
    def _hang_up(connection: Connection | None) -> None:
        if connection is not None:
            connection.is_heard = False
            connection.say_down(None)
