"""The whole world of the model: one server, clients, what lies between them, and a clock that nobody waits for."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count

from signaling import messages as wire
from signaling.calls import Refusal
from signaling.config import SignalingConfig
from signaling.effects import Exited
from signaling.reasons import Detection
from signaling.tokens import ALL_GRANTS, make
from tests.models.client import Client
from tests.models.promises import GRACE, Promises
from tests.models.server import WALL, FarewellReason, Server
from tests.models.wires import Channel, Connection

SILENCE = 7.5  # seconds until a heartbeat is missed
LONG = 200.0  # seconds after which nothing is under way any more
ROOM = "42"
KEY = "a key that nobody can guess, we hope"

Farewell = tuple[float, Client, FarewellReason]  # when, of whom, with which reason
Due = tuple[float, Callable[[], None]]


class World:
    """Everything there is. Rules change it; what may never be is asserted where it would happen."""

    def __init__(self, max_age: float | None = None) -> None:
        self.now = 0.0
        self.config = SignalingConfig(grace=GRACE, key=KEY, max_age=max_age)
        self.promises = Promises()
        self.clients: list[Client] = []
        self.channels: list[Channel] = []
        self.server: Server | None = None  # None: it is dead, or hangs
        self._is_hung = False
        self._connections: dict[Connection, Client] = {}
        self._farewells: list[Farewell] = []
        self._sessions = count(1)
        self.start_server()

    # -- what can happen --

    def start_server(self) -> None:
        """Let there be a server, empty, instead of what there was."""
        self.server, self._is_hung = Server(self.config, self._sessions, self._removed), False
        self.promises.serve(self.server)

    def stop_server(self, *, hangs: bool) -> None:
        """Let the server die, which its clients see at once, or answer nothing any more, which they do not."""
        self.server, self._is_hung = None, hangs
        self.promises.serve(None)
        for connection in self._connections:
            connection.up.clear()
            connection.is_heard = False
            connection.server_notices = None
            if not hangs:
                connection.say_down(None)
            connection.cut(self.now, server_notices=None, client_notices=self.now + SILENCE if hangs else None)

    def shut_down(self) -> None:
        """Let the server say goodbye to everybody and stop."""
        if self.server is not None:
            self.server.apply(self.server.lobby.shutdown(self.now))
            self.stop_server(hangs=False)

    def come(self, user: str, pace: float, life: float | None) -> Client:
        """Let a program start that wants to be in the room; `life`: seconds until its token expires."""
        expires = None if life is None else WALL + self.now + life
        token = make(KEY, user=user, grants=ALL_GRANTS, expires=expires)
        client = Client(self, wire.Join(room=ROOM, user=user, token=token), pace)
        self.clients.append(client)
        return client

    def move(self, client: Client, to_room: str) -> None:
        """Let the server move a client to another room, if it is in one and the other takes it in."""
        if self.server is None or (room := self.server.ledger.inside.get(client.session)) is None:
            return
        self.promises.moved(client.session)
        with suppress(Refusal):
            self.server.apply(self.server.lobby.move(room, client.user, to_room, self.now, WALL + self.now))

    def kill(self, client: Client, farewell: FarewellReason | None, delay: float) -> None:
        """Let a process die; its guard or watchdog may say so after a while, if it has a network."""
        client.end()
        if farewell is not None and client.session:
            self._farewells.append((self.now + delay, client, farewell))

    def freeze(self, client: Client) -> None:
        """Stop a process; the server notices the silence."""
        client.frozen_at = client.silent_from = self.now

    def cut(self, client: Client, keep: tuple[int, int], notices: tuple[float, float]) -> None:
        """Cut a client's connection.

        Of what is in flight only the first messages of each direction (up, down) arrive; server and client notice
        after so many seconds.
        """
        for connection in client.line.connections:
            server, own = (self.now + seconds for seconds in notices)
            connection.cut(self.now, keep=keep, server_notices=server, client_notices=own)

    def connect(self, client: Client) -> Connection | None:
        """Let a client reach for the server; None: it is refused at once. On a black hole nothing ever comes."""
        if self._is_hung or not client.has_network:
            connection = Connection("")
            connection.cut(self.now, server_notices=None, client_notices=None)
            return connection
        if self.server is None:
            return None
        connection = self.server.connect()
        self.promises.owners[connection.session] = client
        self._connections[connection] = client
        return connection

    def link(self, one: Client, other: Client) -> None:
        """Connect two clients who know each other by a data channel."""
        if one.knows(other) and other.knows(one) and other.user not in one.channels:
            channel = one.channels[other.user] = other.channels[one.user] = Channel((one, other))
            self.channels.append(channel)

    # -- what moves --

    def carry(self, client: Client, *, up: bool) -> None:
        """Let the next message on a client's connection arrive, in one direction."""
        for connection, owner in self._connections.items():
            if owner is client and self._move(connection, up=up):
                return

    def flow(self) -> None:
        """Let everything arrive that is on its way to and from the server."""
        is_moving = True
        while is_moving:
            is_moving = False
            for connection in self._connections:
                is_moving |= self._move(connection, up=True) | self._move(connection, up=False)
        for connection, client in list(self._connections.items()):
            if not connection.is_heard and connection not in client.line.connections:
                del self._connections[connection]

    def arrive(self, channel: Channel, index: int, *, stays: bool) -> None:
        """Let one of a data channel's messages arrive; if it `stays`, it will once more."""
        receiver, message = channel.bag[index]
        if receiver.is_running:
            if not stays:
                del channel.bag[index]
            receiver.heard_straight(channel, message)

    def advance(self, seconds: float, *, flowing: bool) -> None:
        """Let time pass, and let what is on its way arrive as soon as it is sent, or not at all."""
        end = self.now + seconds
        while True:
            if flowing:
                self.flow()
            due = min(self._due(), key=lambda due: due[0], default=None)
            if due is None or due[0] > end:
                break
            self.now = max(self.now, due[0])
            due[1]()
        self.now = end

    def settle(self) -> None:
        """Thaw everybody, mend every cable and wait until nothing is under way."""
        for client in self.clients:
            client.has_network = True
            if client.frozen_at is not None:
                client.thaw(self.now)
        for channel in self.channels:
            while channel.bag:
                self.arrive(channel, 0, stays=False)
                channel.bag = [(receiver, said) for receiver, said in channel.bag if receiver.is_running]
        self.advance(LONG, flowing=True)

    def _move(self, connection: Connection, *, up: bool) -> bool:
        if up and connection.up and self.server is not None:
            said = connection.up.popleft()
            if said is None:
                self.server.end(connection, self.now, Detection.SOCKET_CLOSED)
            else:
                self.server.hear(connection, said, self.now)
            return True
        if not up and connection.down and self._connections[connection].frozen_at is None:
            self._connections[connection].line.read(connection, connection.down.popleft())
            return True
        return False

    def _due(self) -> Iterator[Due]:
        """Yield what is due when, of each thing the first."""
        if self.server is not None and (due := self.server.lobby.next_deadline()) is not None:
            yield due, self._server_advances
        for connection, client in self._connections.items():
            if connection.server_notices is not None:
                yield connection.server_notices, partial(self._server_notices, connection)
            if connection.client_notices is not None and client.frozen_at is None:
                yield connection.client_notices, partial(self._client_notices, connection)
        for client in self.clients:
            if (due := client.next_deadline()) is not None:
                yield due, client.fire
            if client.silent_from is not None:
                yield client.silent_from + SILENCE, partial(self._falls_silent, client)
        for farewell in self._farewells:
            yield farewell[0], partial(self._farewell, farewell)

    def _server_advances(self) -> None:
        if self.server is not None:
            self.server.advance(self.now)

    def _server_notices(self, connection: Connection) -> None:
        connection.server_notices = None
        connection.up.clear()
        if self.server is not None:
            self.server.end(connection, self.now, Detection.HEARTBEAT)

    def _client_notices(self, connection: Connection) -> None:
        connection.client_notices = None
        connection.down.clear()
        self._connections[connection].line.read(connection, None)

    def _falls_silent(self, client: Client) -> None:
        since, client.silent_from = client.silent_from, None
        assert since is not None
        for connection in client.line.connections:
            connection.cut(since, server_notices=self.now, client_notices=self.now)

    def _farewell(self, farewell: Farewell) -> None:
        self._farewells.remove(farewell)
        _, client, reason = farewell
        if self.server is not None and client.has_network and client.line.joined is not None:
            self.server.farewell(client.line.joined, reason, self.now)

    def _removed(self, effect: Exited, connection: Connection) -> None:
        self.promises.removed(effect, connection, self.now)
