"""A cluster in one process, without a clock: nodes, what they share, clients, and everything that can go wrong.

The world takes one small step at a time, chosen by whoever drives it, so that every interleaving can happen.
"""

from collections import deque
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from peer.roster import Roster
from signaling.bus.memory import Store
from signaling.cluster.acts import Act, Claim, Clock, Commit, Do, HangUp, Hear, Post, Run, Say, TakeSocket
from signaling.cluster.ownership import HAND_OVER_LIMIT
from signaling.cluster.station import Station
from signaling.cluster.wire import Parcel, decode_parcel, encode_parcel
from signaling.config import SignalingConfig
from signaling.effects import Adopt, Hangup, Send
from signaling.lobby import Lobby
from signaling.messages import (
    Ack,
    ClientMessage,
    Error,
    ExitRoom,
    Join,
    Joined,
    Leave,
    Moved,
    RemoteUserLeave,
    Resume,
    RoomEvent,
    ServerMessage,
    decode_server,
    encode,
)
from signaling.reasons import Detection

GRACE = 10.0
CONFIG = SignalingConfig(grace=GRACE)


class Node:
    """One server: its station, what it asked of the store, its sockets."""

    def __init__(self, name: str, world: "World") -> None:
        self.name = name
        self.world = world
        self.station = Station(name, Lobby(CONFIG))
        self.asked: deque[Claim | Commit | Post] = deque()
        self.sockets: dict[str, Socket] = {}
        self.is_stopped = False
        self.is_cut = False
        self.is_ending = False  # only what it has asked for is done still
        self.ends_by: float | None = None  # it is to end as soon as its rooms are written, and at that time at last
        self.was_seen = False  # since then
        self.opened = 0

    @property
    def clock(self) -> Clock:
        return Clock(self.world.now, self.world.now + 1000)

    def perform(self, acts: list[Act]) -> None:
        for act in () if self.is_ending else acts:
            match act:
                case Claim() | Commit() | Post():
                    self.asked.append(act)
                case Do(effects):
                    for effect in effects:
                        if isinstance(effect, Send):
                            self.say(effect.to, encode(effect.message))
                        elif isinstance(effect, Hangup):
                            self.hang_up(effect.session)
                        elif isinstance(effect, Adopt):
                            self.adopt(effect.connection, effect.session)
                case Say(sessions, text):
                    self.say(sessions, text)
                case HangUp(session):
                    self.hang_up(session)
                case TakeSocket(connection, session):
                    self.adopt(connection, session)
                case Run() | Hear():
                    raise AssertionError(act)

    def say(self, sessions: tuple[str, ...], text: bytes) -> None:
        for session in sessions:
            if session in self.sockets:
                self.sockets[session].inbox.append(decode_server(text))

    def hang_up(self, session: str) -> None:
        if socket := self.sockets.pop(session, None):
            socket.inbox.append(None)

    def adopt(self, connection: str, session: str) -> None:
        socket = self.sockets.pop(connection, None)
        self.hang_up(session)
        if socket is not None:
            socket.session = session
            self.sockets[session] = socket

    # -- small steps --

    def work(self) -> bool:
        """Have the store do the next thing that was asked for."""
        if self.is_cut or self.is_stopped or not self.asked:
            return False
        act = self.asked.popleft()
        store = self.world.store
        match act:
            case Claim(room):
                self.perform(self.station.claimed(store.claim(self.name, room, self.world.now), self.clock))
            case Commit():
                is_done = store.commit(self.name, act)
                self.perform(self.station.committed(act.room, act.epoch, act.number, is_done, self.clock))
            case Post():
                store.post(self.name, act)
        return True

    def read(self) -> bool:
        stream = self.world.store.streams.get(self.name)
        if self.is_cut or self.is_stopped or not stream:
            return False
        sender, frames = stream.pop(0)
        parcel = decode_parcel(encode_parcel(Parcel(sender, 1, frames)))
        assert parcel is not None
        self.perform(self.station.received(sender, parcel.frames, self.clock))
        return True

    def beat(self) -> None:
        if not (self.is_cut or self.is_stopped):
            self.was_seen = True
            self.perform(self.station.beat(self.world.store.beat(self.name, self.world.now), self.clock))

    def advance(self) -> bool:
        due = self.station.next_deadline()
        if self.is_stopped or due is None or due > self.world.now:
            return False
        self.perform(self.station.advance(self.clock))
        return True

    def end(self) -> bool:
        """Let go of everything, if that is what it is about and its rooms are written down."""
        if self.ends_by is None or self.is_stopped:
            return False
        is_ready = self.was_seen and self.station.is_written
        if not (is_ready or self.ends_by <= self.world.now):
            return False
        self.station.freeze()
        self.is_ending = True
        while self.work():
            pass
        if not self.is_cut:
            self.world.store.end(self.name)
        self.world.kill(self.name)
        return True

    # -- its clients --

    def open(self) -> "Socket":
        self.opened += 1
        session = f"{self.name}-{self.opened}"
        socket = self.sockets[session] = Socket(session, self)
        self.station.open(session, f"secret-{session}")
        return socket

    def heard(self, socket: "Socket", message: ClientMessage) -> None:
        if self.sockets.get(socket.session) is socket:
            self.perform(self.station.heard(socket.session, message, self.clock))

    def lost(self, socket: "Socket") -> None:
        if self.sockets.get(socket.session) is socket:
            del self.sockets[socket.session]
            acts = self.station.lost(socket.session, self.clock, self.world.now, Detection.SOCKET_CLOSED)
            self.perform(acts)


class Socket:
    """One connection, as its node sees it; `inbox` is what is on its way to the client, `None` its end."""

    def __init__(self, session: str, node: Node) -> None:
        self.session = session
        self.node = node
        self.name = session  # as a move calls it: given by its client
        self.inbox: deque[ServerMessage | None] = deque()
        self.outbox: deque[ClientMessage | None] = deque()

    def carry(self) -> bool:
        """Bring the next thing that the client said to the node."""
        if not self.outbox or self.node.is_stopped:
            return False
        message = self.outbox.popleft()
        if message is None:
            self.node.lost(self)
        else:
            self.node.heard(self, message)
        return True


class Client:
    """One peer without media: it joins, keeps its roster, resumes when it is cut off, and leaves."""

    def __init__(self, user: str, room: str, world: "World") -> None:
        self.user = user
        self.room = room
        self.world = world
        self.roster = Roster()
        self.joined: Joined | None = None
        self.end: str | None = None
        self.is_leaving = False
        self.told: list[RoomEvent] = []
        self.socket: Socket | None = None
        self.sockets = 0  # so far
        self.moves = 0  # to another room, as it knows
        self.is_to_move = False

    @property
    def is_in(self) -> bool:
        return self.joined is not None and self.end is None

    def connect(self, node: Node) -> None:
        self.socket = node.open()
        self.sockets += 1
        self.socket.name = f"{self.user}/{self.sockets}"
        resume = None
        if self.joined is not None:
            resume = Resume(session=self.joined.session, secret=self.joined.secret, seq=self.roster.seq)
        self.socket.outbox.append(Join(room=self.room, user=self.user, resume=resume))

    def say(self, message: ClientMessage) -> None:
        if self.socket is not None:
            self.socket.outbox.append(message)

    def leave(self, *, wait: bool = False) -> None:
        """Leave the room; `wait`: until the others have acknowledged it."""
        self.is_leaving = True
        self.say(Leave(wait=wait))

    def drop(self) -> None:
        """Its network is gone for a moment."""
        if self.socket is not None:
            self.socket.outbox.clear()
            self.socket.outbox.append(None)
            self.world.closing.append(self.socket)
            self.socket = None

    def hear(self) -> bool:
        if self.socket is None or not self.socket.inbox:
            return False
        message = self.socket.inbox.popleft()
        match message:
            case None:
                self.socket = None
                if self.end is None and self.is_leaving and self.joined is None:
                    self.end = "left"
            case Joined():
                if message.room != self.room:
                    self.change(message)
                else:
                    self.take(self.roster.enter(message))
                self.joined = message
                if self.is_leaving:
                    self.say(Leave())
            case Moved():
                self.change(message)
                if self.is_leaving:
                    self.say(Leave())
            case ExitRoom():
                self.end = message.reason
                self.socket = None
            case Error(about="join"):
                self.end = message.code
                self.socket = None
            case Error():
                pass
            case _ if hasattr(message, "seq"):
                if isinstance(message, RemoteUserLeave) and message.wants_ack:
                    self.say(Ack(seq=message.seq))
                self.take(self.roster.apply(message))  # type: ignore[arg-type] # what has a seq is an event
            case _:
                raise AssertionError(message)
        return True

    def change(self, place: Joined | Moved) -> None:
        """It is in another room: what it is told from now on is another story."""
        self.room = place.room
        self.told = []
        self.moves += 1
        self.take(self.roster.begin_anew(place))

    def take(self, events: list[RoomEvent]) -> None:
        self.told += [replace(event, seq=0) for event in events]


class World:
    """All of it. Steps are small, and whoever drives chooses among those that can be taken."""

    def __init__(self, nodes: int) -> None:
        self.now = 100.0
        self.store = Store(used_since=0.0)  # so nobody has to ask who else may know a room
        self.nodes: dict[str, Node] = {}
        self.dead: list[Node] = []
        self.clients: list[Client] = []
        self.closing: list[Socket] = []
        self.more: tuple[str, ...] = ()  # what users do as well, when chance has its way
        for _ in range(nodes):
            self.start()

    def start(self) -> None:
        node = Node(f"n{len(self.nodes) + len(self.dead)}", self)
        self.nodes[node.name] = node
        node.beat()

    def move(self, user: str, room: str, to_room: str) -> None:
        """Have whoever runs a room let a user go to another; nobody does if it is not known who, or they are away."""
        for node in self._owners(room):
            epoch = max((other.station.agreed_in(to_room) for other in self._owners(to_room)), default=0)
            departed = node.station.depart(room, user, to_room, epoch, node.clock)
            node.perform(node.station.decided(room, departed, node.clock))

    def _owners(self, room: str) -> list[Node]:
        able = [node for node in self.nodes.values() if node.station.may_act(self.now) and not node.is_stopped]
        return [node for node in able if node.station.runs(room)]

    def kill(self, name: str) -> None:
        node = self.nodes.pop(name)
        self.dead.append(node)
        for client in self.clients:
            if client.socket is not None and client.socket.node is node:
                client.socket = None

    def end(self, name: str) -> None:
        """A node ends by its own will: it lets go of its rooms once they are written, unless that takes too long."""
        node = self.nodes[name]
        if node.ends_by is None:
            node.ends_by, node.was_seen = self.now + HAND_OVER_LIMIT, False
            node.beat()
        node.end()

    def enter(self, user: str, room: str, node: str) -> Client:
        client = Client(user, room, self)
        self.clients.append(client)
        client.connect(self.nodes[node])
        return client

    def steps(self) -> Iterator[Callable[[], bool]]:
        """Everything that could happen next; calling one says whether anything did."""
        return (step for _, step in self.named_steps())

    def named_steps(self) -> Iterator[tuple[str, Callable[[], bool]]]:
        """The same, with what each is called."""
        for name, node in self.nodes.items():
            yield from ((f"work {name}", node.work), (f"read {name}", node.read), (f"advance {name}", node.advance))
            if node.ends_by is not None:
                yield f"end {name}", node.end
        for client in self.clients:
            yield f"hear {client.user}", client.hear
            if client.socket is not None:
                yield f"carry {client.socket.name}", client.socket.carry
        for socket in self.closing:
            if socket.node.name in self.nodes:
                yield f"carry {socket.name}", socket.carry

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for node in self.nodes.values():
            node.beat()

    def come_back(self) -> None:
        """Those who were cut off connect again, as clients do, to any node that answers."""
        awake = [node for node in self.nodes.values() if not node.is_stopped]
        for number, client in enumerate(self.clients):
            if client.socket is None and client.end is None and awake:
                client.connect(awake[number % len(awake)])

    def run(self) -> None:
        """Take steps until nothing is left to do at this moment."""
        for _ in range(10_000):
            taken = [step() for step in list(self.steps())]
            if not any(taken):
                return
        raise AssertionError("the world does not come to rest")

    def heal(self, seconds: float = 60.0) -> None:
        """Everything works again, for long enough."""
        for node in self.nodes.values():
            node.is_cut = node.is_stopped = False
        for _ in range(int(seconds * 2)):
            self.pass_time(0.5)
            self.come_back()
            self.run()
