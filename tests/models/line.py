"""One peer's connection to the server in the model: what `peer/client.py` does, without sockets.

Messages are handed to the connection at once: what it loses is lost. Deadlines have names, and somebody fires them.
"""

from collections.abc import Callable

from msgspec.structs import replace

from signaling import messages as wire
from signaling.reasons import Reason
from tests.models.wires import Connection

CONNECT_LIMIT = 10.0  # seconds
RETRY_MIN, RETRY_MAX = 0.1, 2.0  # seconds between attempts to resume
REFUSALS = {
    wire.ErrorCode.TOKEN_EXPIRED: Reason.TOKEN_EXPIRED,
    wire.ErrorCode.SERVER_SHUTDOWN: Reason.SERVER_SHUTDOWN,
}


class Line:
    """One session with a server: comes in, and comes back when it is cut off, until the grace is over."""

    def __init__(
        self,
        join: wire.Join,
        now: Callable[[], float],
        *,
        connect: Callable[[], Connection | None],
        on_message: Callable[[wire.ServerMessage], None],
        on_gone: Callable[[Reason, wire.ErrorCode | None], None],
    ) -> None:
        self.joined: wire.Joined | None = None
        self.deadlines = {"connect": now() + CONNECT_LIMIT}
        self.seq = 0  # the last room event that was seen
        self._join, self._now, self._connect = join, now, connect
        self._on_message, self._on_gone = on_message, on_gone
        self._connection: Connection | None = None  # on which we are in
        self._attempt: Connection | None = None  # on which our join is not answered yet
        self._outbox: list[wire.ClientMessage] = []
        self._attempts = 0
        self._try(join)

    @property
    def is_connected(self) -> bool:
        """Whether what we say reaches the server now, as far as we know."""
        return self._connection is not None

    @property
    def connections(self) -> list[Connection]:
        """What we hold open."""
        return [connection for connection in (self._connection, self._attempt) if connection is not None]

    def moved(self, room: str, seq: int) -> None:
        """Note that the session goes on in another room."""
        self._join, self.seq = replace(self._join, room=room), seq

    def say(self, message: wire.ClientMessage) -> None:
        """Say something to the server, now or once we are back."""
        if self._connection is not None:
            self._connection.say_up(message)
        else:
            self._outbox.append(message)

    def read(self, connection: Connection, message: wire.ServerMessage | None) -> None:
        """Take in what comes on a connection; None: its end. What comes on one that we hung up on is not read."""
        if connection is self._attempt:
            self._answered(connection, message)
        elif connection is self._connection:
            if message is None:
                self._lost()
            elif isinstance(message, wire.ExitRoom):
                self.close()
            if message is not None:
                self._on_message(message)

    def fire(self, name: str) -> None:
        """Do what was due."""
        if name == "retry":
            self._retry()
        elif name == "connect":
            self._give_up_connecting()
        else:
            self.close()
            self._on_gone(Reason.NETWORK_LOST, None)

    def close(self) -> None:
        """Be connected no more, and try no more."""
        for connection in self.connections:
            connection.say_up(None)
        self._connection = self._attempt = None
        self.deadlines.clear()

    def _lost(self) -> None:
        assert self.joined is not None
        self._connection = None
        self._attempts = 0
        self.deadlines["grace"] = self._now() + self.joined.grace
        self._wait_to_retry()

    def _try(self, join: wire.Join) -> None:
        self._attempt = self._connect()
        if self._attempt is not None:
            self._attempt.say_up(join)
        else:
            self._wait_to_retry()

    def _retry(self) -> None:
        assert self.joined is not None
        self._attempts += 1
        resume = wire.Resume(session=self.joined.session, secret=self.joined.secret, seq=self.seq)
        self._try(replace(self._join, resume=resume))

    def _wait_to_retry(self) -> None:
        if self.joined is None:  # who cannot come in does not try again: `async with Peer(...)` raises
            self.deadlines.clear()
        else:
            self.deadlines["retry"] = self._now() + min(RETRY_MAX, RETRY_MIN * 2.0**self._attempts)

    def _answered(self, connection: Connection, message: wire.ServerMessage | None) -> None:
        match message:
            case None:
                self._attempt = None
                self._wait_to_retry()
            case wire.Joined():
                self._attempt, self._connection = None, connection
                self.joined = message
                self.deadlines.clear()
                outbox, self._outbox = self._outbox, []
                for said in outbox:
                    connection.say_up(said)
                self._on_message(message)
            case wire.ExitRoom():
                self.close()
                self._on_message(message)
            case wire.Error(code=code):
                self.close()
                if self.joined is not None:
                    self._on_gone(REFUSALS.get(code, Reason.NETWORK_LOST), code)
            case _:
                raise AssertionError(f"the first message is {message}")

    def _give_up_connecting(self) -> None:
        """Leave a room that we may have been let into without knowing."""
        for connection in self.connections:
            connection.say_up(wire.Leave())
        self.close()
