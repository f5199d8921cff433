"""A cluster of real processes: redis-server, `exeunt serve`, a balancer before them, and clients as users have them."""

import asyncio
import contextlib
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from peer.client import SignalingClient
from peer.config import PeerConfig
from peer.roster import Roster
from signaling.messages import (
    Ack,
    ExitRoom,
    Janus,
    Join,
    Joined,
    Leave,
    MediaServer,
    Moved,
    Muted,
    RemoteUserLeave,
    RoomEvent,
    ServerMessage,
    UpdateExtra,
)
from signaling.reasons import Reason
from tests.command import Command, python
from tests.devices.tools import need, process
from tests.signaling.cluster.links import Balancer, Wire

PATIENCE = 30.0  # seconds for anything that a test waits for
GRACE = 25.0  # seconds: on a busy machine, too, who is away for a moment is not gone
PREFIX = "test:"


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until that is so."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - what happens in other processes sets no event here
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {PATIENCE:g} s: {what}") from None


class Database:
    """A redis-server of our own, on a socket file; nothing of it outlives the test."""

    def __init__(self, folder: Path, stack: contextlib.AsyncExitStack) -> None:
        self.path = folder / "redis.sock"
        self.url = f"unix://{self.path}"
        self._stack = stack
        self._running: asyncio.subprocess.Process | None = None
        self.folder = folder

    async def start(self) -> None:
        binary = need("redis-server", "redis-server")
        options = ["--port", "0", "--unixsocket", str(self.path), "--dir", str(self.folder), "--save", ""]
        options += ["--appendonly", "yes", "--appendfsync", "no"]  # what it has answered outlives it, but not a machine
        quiet = {"stdout": asyncio.subprocess.DEVNULL}
        self._running = await self._stack.enter_async_context(process(binary, *options, **quiet))
        async with asyncio.timeout(PATIENCE):
            while not await self._answers():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)

    async def _answers(self) -> bool:
        redis = Redis.from_url(self.url)
        try:
            return bool(await redis.ping())
        except (RedisError, OSError):  # it does not listen yet, or still reads what it has written
            return False
        finally:
            await redis.aclose()

    async def stop(self, *, empties: bool) -> None:
        """Kill it; what it has written is kept, or it is empty when it starts again."""
        assert self._running is not None
        self._running.send_signal(signal.SIGKILL)
        await self._running.wait()
        self.path.unlink(missing_ok=True)
        if empties:
            shutil.rmtree(self.folder / "appendonlydir", ignore_errors=True)

    async def age(self) -> None:
        """Be a database that has been in use for long: a room that it does not know is new, and not lost."""
        redis = Redis.from_url(self.url)
        try:
            await redis.set(f"{PREFIX}origin", "1.0")
        finally:
            await redis.aclose()

    async def keys(self, pattern: str) -> list[str]:
        redis = Redis.from_url(self.url)
        try:
            return [key.decode() for key in await redis.keys(f"{PREFIX}{pattern}")]
        finally:
            await redis.aclose()


class Server:
    """One node, in a process of its own, and its wire to Redis."""

    def __init__(self, command: Command, port: int, wire: Wire) -> None:
        self.command = command
        self.port = port
        self.wire = wire

    def signal(self, number: signal.Signals) -> None:
        self.command.signal(number)

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"


class User:
    """A peer without media: the client and the roster that peers have."""

    def __init__(self, name: str, url: str, room: str = "42") -> None:
        self.name = name
        self.roster = Roster()
        self.events: list[str] = []
        self.lines: list[str] = []  # all that it heard, and when
        self.end: str | None = None
        self.is_leaving = False
        self.acknowledges = True
        self.said: list[ServerMessage] = []  # that are no events of the room
        self.session = ""
        self.media: Janus | None = None
        self.room = room
        config = PeerConfig(retry_min=0.05, retry_max=0.5)
        join = Join(room=room, user=name)
        self.client = SignalingClient(url, join, config, on_message=self._hear, on_lost=self._cut, on_gone=self._gone)

    @contextlib.asynccontextmanager
    async def inside(self) -> AsyncIterator["User"]:
        self._hear(await self.client.connect())
        try:
            yield self
        finally:
            await self.client.close()

    @property
    def others(self) -> list[str]:
        return sorted(self.roster.users)

    def leave(self) -> None:
        self.is_leaving = True
        self.client.say(Leave())

    def note(self, number: int) -> None:
        self.client.say(UpdateExtra(extra={"number": number}))

    def _hear(self, message: ServerMessage) -> None:
        self._note(str(message))
        match message:
            case Joined():
                self.session, self.media = message.session, message.media
                self._enter(message)
            case Moved():
                self.media = message.media
                self._change(message)
            case MediaServer(media=media):
                self.media = media
            case ExitRoom():
                self.end = message.reason
            case _ if isinstance(message, RoomEvent):
                self._take(self.roster.apply(message))
            case _:
                self.said.append(message)
        if isinstance(message, RemoteUserLeave | Muted) and message.wants_ack and self.acknowledges:
            self.client.say(Ack(seq=message.seq))
        self.client.saw(self.roster.seq)

    def _enter(self, joined: Joined) -> None:
        if joined.room != self.room:
            self._change(joined)
        else:
            self._take(self.roster.enter(joined))
        if self.is_leaving:
            self.client.say(Leave())  # as peers do: it may not have been heard

    def _change(self, place: Joined | Moved) -> None:
        self.room = place.room
        self.client.moved(place.room, place.seq)
        self._take(self.roster.begin_anew(place))

    def _take(self, events: list[RoomEvent]) -> None:
        self.events += [f"{type(event).__name__.removeprefix('RemoteUser')} {event.user}" for event in events]

    def _cut(self) -> None:
        self._note("cut off")

    def _gone(self, reason: Reason, text: str) -> None:
        self._note(f"gone: {reason} {text}")
        self.end = f"{reason}: {text}"

    def _note(self, text: str) -> None:
        self.lines.append(f"{time.monotonic():.3f} {self.name}: {text}")


class Cluster:
    """All of it."""

    def __init__(
        self, database: Database, balancer: Balancer, stack: contextlib.AsyncExitStack, options: tuple[str, ...]
    ) -> None:
        self.options = options
        self.database = database
        self.balancer = balancer
        self.servers: list[Server] = []
        self._stack = stack

    async def start(self) -> Server:
        wire = await self._stack.enter_async_context(Wire(self.database.path).listening())
        options = ("--port", "0", "--redis", wire.url, "--redis-prefix", PREFIX, "--json", *self.options)
        with (self.database.folder / "nodes.log").open("ab") as errors:
            running = python("-m", "peer.cli", "serve", *options, stderr=errors.fileno())
            command = await self._stack.enter_async_context(running)
        line = await command.until("join")
        server = Server(command, int(str(line["text"]).split(":")[2].split("/")[0]), wire)
        self.servers.append(server)
        self.balancer.ports.append(server.port)
        return server

    async def enter(self, name: str, server: Server, room: str = "42") -> User:
        """Let a user in at one node; should that be lost, the balancer finds another."""
        user = User(name, server.ws, room)
        await self._stack.enter_async_context(user.inside())
        user.client.url = self.balancer.url
        return user

    def retire(self, server: Server) -> None:
        """Let nobody new go there."""
        self.balancer.ports.remove(server.port)
        self.servers.remove(server)

    async def kill(self, server: Server) -> None:
        self.retire(server)
        server.signal(signal.SIGKILL)
        await server.command.running.wait()


@contextlib.asynccontextmanager
async def cluster(
    folder: Path, nodes: int = 3, *, grace: float = GRACE, options: Sequence[str] = ()
) -> AsyncIterator[Cluster]:
    """Have a cluster until the block ends."""
    async with contextlib.AsyncExitStack() as stack:
        database = Database(folder, stack)
        await database.start()
        await database.age()
        balancer = await stack.enter_async_context(Balancer().listening())
        whole = Cluster(database, balancer, stack, ("--grace", str(grace), *options))
        async with asyncio.TaskGroup() as group:
            for _ in range(nodes):
                group.create_task(whole.start())
        yield whole
