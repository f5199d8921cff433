"""A random life of a real cluster: users who come and go, machines that fail, and what must be true in the end."""

import asyncio
import contextlib
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator

import aiohttp

from peer.errors import SignalingError
from signaling.admin.client import AdminClient, AdminError
from signaling.cluster.ownership import LIFE
from tests.signaling.cluster.links import Cut
from tests.signaling.cluster.servers import Cluster, Server, User

ROOMS = ("42", "43")
MOST_USERS = 9  # at one time
PAUSE = 0.1  # seconds between two things that users do
SHORT, LONG = (0.2, 2.0), (3.2, 4.5)  # seconds: shorter than a node's lease, and longer than its life
TOGETHER = 0.3  # of faults come while another lasts


class Chaos:
    """One life. Everything that anybody heard is in `report`, by time."""

    def __init__(self, whole: Cluster, chance: random.Random, *, patience: float) -> None:
        self._whole = whole
        self._chance = chance  # of faults
        self._mood = random.Random(chance.random())  # of users, so that they do not change which faults there are
        self._patience = patience  # seconds until all is well after a fault
        self._users: list[User] = []
        self._kicked: set[str] = set()
        self._is_over = False  # users begin nothing new
        self._faults: list[str] = []
        self._failing: list[Server] = []
        self._redis = asyncio.Lock()  # a server that is started takes one that answers
        self._stack = contextlib.AsyncExitStack()

    async def live(self, seconds: float) -> None:
        """Let that much time pass, then see that all is well, and end it."""
        ends_at = time.monotonic() + seconds
        async with self._stack:
            users = asyncio.create_task(self._have_users(), name="users")
            try:
                while time.monotonic() < ends_at:
                    await self._fail()
                self._is_over = True
                await users  # who is coming in is in then, or not: broken off, nobody could say which
            finally:
                users.cancel()
                await asyncio.wait({users})
            await self._be_well(self._wrong_at_rest)
            self._check()
            await self._end()

    @property
    def report(self) -> str:
        """All that happened, in the order of time."""
        lines = [*self._faults, *(line for user in self._users for line in user.lines)]
        return "\n".join(sorted(lines))

    # -- users --

    async def _have_users(self) -> None:
        while not self._is_over:
            await asyncio.sleep(PAUSE)
            present = [user for user in self._users if user.end is None and not user.is_leaving]
            what = self._mood.choice(["come", "come", "leave", "kick", "note", "note", "note", "drop"])
            if what == "come" and len(present) < MOST_USERS:
                await self._come()
            elif what == "drop":
                self._whole.balancer.drop(self._mood)
            elif what != "come" and len(present) > 2:
                await self._act(what, self._mood.choice(present))

    async def _come(self) -> None:
        name = f"u{len(self._users)}"
        user = User(name, self._whole.balancer.url, self._mood.choice(ROOMS))
        self._users.append(user)
        try:
            await self._stack.enter_async_context(user.inside())
        except SignalingError as error:
            user.end = f"never in: {error}"

    async def _act(self, what: str, user: User) -> None:
        if what == "leave":
            user.leave()
        elif what == "note":
            user.note(self._mood.randrange(1000))
        else:
            self._kicked.add(user.name)
            server = self._mood.choice(self._whole.servers)
            with contextlib.suppress(AdminError, aiohttp.ClientError, TimeoutError):
                async with AdminClient(server.http, limit=5.0) as admin:
                    await admin.kick(user.room, user.name)

    # -- faults --

    async def _fail(self) -> None:
        """One fault, or two at once; often it is waited until all is well again."""
        if self._chance.random() < 0.15:
            # Who was at a node that is dead, or dies before it wrote again, is not known to a Redis that was emptied.
            await self._be_well()
            await self._log("redis is emptied", self._restart(empties=True))
            await asyncio.sleep(LIFE)
            await self._be_well()
            return
        faults = [self._kill, self._end_one, self._stop, self._cut, self._cut, lambda: self._restart(empties=False)]
        some = self._chance.sample(faults, 2 if self._chance.random() < TOGETHER else 1)
        await asyncio.gather(*(fault() for fault in some))
        if self._chance.random() < 0.7:
            await self._be_well()

    async def _log(self, what: str, doing: Coroutine[None, None, None]) -> None:
        self._faults.append(f"{time.monotonic():.3f} -- {what}")
        await doing
        self._faults.append(f"{time.monotonic():.3f} -- over: {what}")

    @contextlib.contextmanager
    def _one(self) -> Iterator[Server]:
        """Choose a server with which nothing else happens meanwhile."""
        server = self._chance.choice([one for one in self._whole.servers if one not in self._failing])
        self._failing.append(server)
        try:
            yield server
        finally:
            self._failing.remove(server)

    async def _kill(self) -> None:
        with self._one() as server:
            await self._log(f"{server.port} is killed", self._whole.kill(server))
        await self._log("another is started", self._start())

    async def _end_one(self) -> None:
        with self._one() as server:
            self._whole.retire(server)
            server.signal(signal.SIGTERM)
            await self._log(f"{server.port} ends", self._wait(server))
        await self._log("another is started", self._start())

    async def _start(self) -> None:
        async with self._redis:
            await self._whole.start()

    async def _wait(self, server: Server) -> None:
        async with asyncio.timeout(self._patience):
            await server.command.running.wait()

    async def _stop(self) -> None:
        seconds = self._chance.uniform(*self._chance.choice([SHORT, LONG]))
        with self._one() as server:
            server.signal(signal.SIGSTOP)
            await self._log(f"{server.port} is stopped for {seconds:.1f} s", asyncio.sleep(seconds))
            server.signal(signal.SIGCONT)

    async def _cut(self) -> None:
        seconds = self._chance.uniform(*self._chance.choice([SHORT, LONG]))
        how = self._chance.choice([Cut.SILENT, Cut.REFUSED])
        with self._one() as server:
            await server.wire.cut(how)
            await self._log(f"{server.port} is cut off for {seconds:.1f} s: {how.value}", asyncio.sleep(seconds))
            await server.wire.mend()

    async def _restart(self, *, empties: bool) -> None:
        async with self._redis:
            await self._whole.database.stop(empties=empties)
            await asyncio.sleep(self._chance.uniform(0.0, 1.0))
            await self._whole.database.start()

    # -- what must be true --

    async def _be_well(self, find_wrong: Callable[[], str | None] | None = None) -> None:
        """Wait until everybody who did not leave is connected, and knows of all others."""
        limit = time.monotonic() + self._patience
        while (wrong := (find_wrong or self._wrong)()) is not None:
            assert time.monotonic() < limit, f"not within {self._patience:g} s: {wrong}"
            await asyncio.sleep(0.05)

    def _inside(self, room: str) -> list[User]:
        return [user for user in self._users if user.end is None and user.room == room]

    def _wrong(self) -> str | None:
        for room in ROOMS:
            inside = self._inside(room)
            names = sorted(user.name for user in inside)
            for user in inside:
                if not user.client.is_connected:
                    return f"{user.name} is not connected"
                if user.is_leaving:
                    return f"{user.name} has not left"
                if sorted([*user.others, user.name]) != names:
                    return f"{user.name} sees {user.others} of {names} in {room}"
                if any(other.unreachable for other in user.roster.users.values()):
                    return f"{user.name} takes somebody for unreachable"
        return None

    def _wrong_at_rest(self) -> str | None:
        """The same once nobody says anything new: what was said last is on its way to some, and arrives."""
        return self._wrong() or next(filter(None, map(self._wrong_notes, ROOMS)), None)

    def _wrong_notes(self, room: str) -> str | None:
        users = self._inside(room)
        for user in users:
            known = {str(other.roster.users[user.name].extra) for other in users if other is not user}
            if len(known) > 1:
                return f"what is known of {user.name}: {known}"
        return None

    def _check(self) -> None:
        for user in self._users:
            was_sent = user.is_leaving or user.name in self._kicked  # and may hear no more than that it is out
            assert user.end is None or was_sent or user.end.startswith("never in"), f"{user.name} is out: {user.end}"
        for room in ROOMS:
            for user in self._inside(room):
                self._check_events(user)

    def _check_events(self, user: User) -> None:
        """Nobody was told twice of a join or leave, nor missed the leave of anybody whose join was told."""
        told = Counter(user.events)
        for other in self._users:
            joins, leaves = told[f"Join {other.name}"], told[f"Leave {other.name}"]
            expected = 0 if other.end is None else joins
            assert (joins <= 1, leaves) == (True, expected), (
                f"{user.name} heard {joins} joins, {leaves} leaves: {other.name}"
            )

    async def _end(self) -> None:
        """Everybody leaves, and nothing is left."""
        for user in self._users:
            user.leave()
        limit = time.monotonic() + self._patience
        while any(user.end is None for user in self._users) or await self._whole.database.keys("room:*"):
            assert time.monotonic() < limit, f"left in Redis: {await self._whole.database.keys('room:*')}"
            await asyncio.sleep(0.05)
