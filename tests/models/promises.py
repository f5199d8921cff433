"""What is promised to each user, checked whenever somebody is told something."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from peer.exit import ExitState
from signaling import messages as wire
from signaling.effects import Exited
from signaling.reasons import Detection, Reason
from tests.models.server import Server
from tests.models.wires import Connection

if TYPE_CHECKING:
    from tests.models.client import Client

GRACE = 10.0  # seconds
LIMIT = 10.0  # seconds that an exit may take
SLACK = 1e-6  # seconds: sums of floats


class Promises:
    """Knows what each server decided and whose session is whose."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self.owners: dict[str, Client] = {}  # by session
        self._now = 0.0
        self._reasons: dict[str, Reason] = {}  # of the sessions that a server has removed
        self._rooms: dict[str, str] = {}  # in which those were
        self._moved: set[str] = set()  # sessions that have ever been moved to another room
        self._unheard: set[str] = set()  # sessions that this server has removed, not by their own word

    def serve(self, server: Server | None) -> None:
        """Note that this is the server from now on."""
        self.server = server
        self._unheard.clear()

    def removed(self, effect: Exited, connection: Connection, now: float) -> None:
        """The server has removed a session: who only lost the network may come back until the grace is over."""
        self._reasons[effect.session], self._rooms[effect.session] = effect.reason, effect.room
        if effect.detected_by is not Detection.NOTICE:
            self._unheard.add(effect.session)
        client = self.owners[effect.session]
        assert effect.reason is not Reason.CRASHED or not client.is_alive
        if effect.reason is Reason.NETWORK_LOST and client.is_alive and not client.exit.begun:
            assert connection.cut_at is not None, "who is connected is not lost"
            assert now - connection.cut_at >= GRACE - SLACK, "who may still come back is not gone"

    def moved(self, session: str) -> None:
        """The server moves a session to another room."""
        self._moved.add(session)

    def leave_told(self, event: wire.RemoteUserLeave) -> None:
        """A user is told of another's leave: it is true, and the reason is one that the server or the leaver gave."""
        leaver = self.owners[event.session]
        is_in_room = self.server is not None and event.session in self.server.ledger.inside
        if event.reason is Reason.MOVED:
            assert event.session in self._moved
            return
        assert leaver.exit.begun or not is_in_room, "who is in the room is not told as gone"
        own = {leaver.exit.reason} if leaver.exit.begun else set()
        assert event.reason in own | {self._reasons.get(event.session)}

    def refused(self, client: "Client", code: wire.ErrorCode | None) -> None:
        """A client may not resume: if that is because it was removed, it should have been told so, and why."""
        assert code is not wire.ErrorCode.SESSION_GONE or client.session not in self._unheard

    def let_go(self, client: "Client", message: wire.ExitRoom) -> None:
        """The server lets a client go: if it waited for everyone, whoever is not named knows of it."""
        if self.server is None or client.exit.wait != "everyone" or message.reason is not client.exit.reason:
            return
        room = self._rooms.get(client.session)
        others = [self.owners[session] for session, at in self.server.ledger.inside.items() if at == room]
        named = set(message.unacknowledged)
        assert all(client.session not in other.here for other in others if other.is_alive and other.user not in named)

    @staticmethod
    def exited(took: float) -> None:
        """A client is out, after so many seconds in which it was not frozen."""
        assert took <= LIMIT + SLACK

    def settled(self, clients: Iterable["Client"]) -> None:
        """Nothing is under way: who is in knows exactly who else is, everybody else that lives was told exitRoom."""
        truth: dict[str, str] = {}  # session → room
        if self.server is not None:
            truth = self.server.ledger.inside
            self.server.ledger.check_settled()
        for client in clients:
            if client.session in truth:
                there = {session for session, room in truth.items() if room == truth[client.session]}
                others = {self.owners[session].user: session for session in there - {client.session}}
                assert client.is_inside
                assert client.room == truth[client.session]
                assert {user: known.session for user, known in client.roster.users.items()} == others
                assert client.here == set(others.values())
                assert not any(known.unreachable for known in client.roster.users.values())
            elif client.is_alive and client.session:
                assert client.exit.state is ExitState.EXITED
                assert client.is_told
        assert set(truth) <= {client.session for client in clients}, "nobody is in who does not know it"
