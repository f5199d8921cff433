"""The bus of a real cluster: Redis (7 or newer).

Three tasks, each with a connection: one says every second that this node is alive, one writes what is asked for, one
reads what others say. When Redis is away, each tries again until it is back; what was asked for waits, in order.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from signaling.bus import Listener, scripts
from signaling.bus.bundles import Ask, as_one, bundled
from signaling.bus.line import FAILURES, RETRY_MAX, RETRY_MIN, Command, Line
from signaling.cluster.acts import Beat, Claim, Claimed, Commit, Post
from signaling.cluster.ownership import LIFE, PERIOD
from signaling.cluster.wire import AnyFrame, Bye, Parcel, decode_parcel, encode_parcel

BLOCK = 500  # ms that a read waits for something to come
BATCH = 128  # acts that are sent at once
PARCELS = 32  # that are read at once: what they say is taken in before the loop may do something else
MAX_PARCELS = 20_000  # in one node's stream: many more than can wait while it counts as alive
STREAM_LIFE = 30_000  # ms for which a stream is kept that nobody touches
FLUSH_LIMIT = 1.0  # seconds for what was asked for last when a bus is closed
DIGESTS = {script: scripts.digest(script) for script in scripts.ALL}

log = logging.getLogger(__name__)


class RedisBus:
    """One node's way to the others. Raises `ValueError` with a sentence if the URL is none of a Redis."""

    def __init__(self, url: str, *, prefix: str, node: str) -> None:
        self.node = node
        self._prefix = prefix
        self._beats, self._writes, self._reads = (Line(url) for _ in range(3))
        self._listener: Listener | None = None
        self._asked: deque[Ask] = deque()
        self._wake = asyncio.Event()
        self._is_idle = asyncio.Event()  # nothing is asked for that has not been answered
        self._is_idle.set()
        self._numbers: dict[str, int] = {}  # of the latest parcel, by addressee
        self._heard: dict[str, int] = {}  # the same, by sender
        self._origin = ""
        self._others: frozenset[str] = frozenset()
        self._last_id = "0-0"
        self._seen_at = -LIFE
        self._ahead = 0.0  # seconds that Redis' clock shows more than our loop's
        self._lags: list[float] = []  # seconds, of what was taken in last
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_up(self) -> bool:
        """Whether Redis has answered a short time ago."""
        return time.monotonic() - self._seen_at < LIFE

    async def start(self, listener: Listener) -> None:
        """Begin. Raises `OSError` if Redis does not answer."""
        self._listener = listener
        try:
            await self._beat()
        except FAILURES as error:
            await self._hang_up()
            raise OSError(f"Redis does not answer: {error}") from None
        for name, work in (("beat", self._beat_for_ever), ("write", self._write), ("read", self._read)):
            self._tasks.append(asyncio.create_task(work(), name=f"bus {name}"))

    def put(self, act: Ask) -> None:
        """Ask for something, after all that was asked for before."""
        self._asked.append(act)
        self._is_idle.clear()
        self._wake.set()  # what is asked for in one turn of the loop goes together

    async def owner_of(self, room: str) -> str | None:
        """Return who runs a room; empty: a node that is dead; `None`: nobody. Raises `OSError`."""
        try:
            owner = await self._run(scripts.OWNER, [self._key("room", room), self._key("nodes")], [])
        except FAILURES as error:
            raise OSError(f"Redis does not answer: {error}") from None
        return None if owner is None else owner.decode()

    async def close(self) -> None:
        """Send what was asked for, be alive no more, and end. Bounded; may be called twice."""
        tasks, self._tasks = self._tasks, []
        if tasks:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_LIMIT):
                    await self._is_idle.wait()
            await _end(tasks)
            with contextlib.suppress(*FAILURES):
                async with asyncio.timeout(FLUSH_LIMIT):
                    await self._say_goodbye()
        await self._hang_up()

    async def be_seen(self) -> None:
        """Have Redis hear now that this node is alive, however long it is away; by then the listener knows."""
        while True:
            try:
                return await self._beat()
            except FAILURES as error:
                log.debug("Redis does not take a sign of life: %s", error)
            await asyncio.sleep(RETRY_MIN)

    async def _say_goodbye(self) -> None:
        byes = [self._command(Post(node, (Bye(),))) for node in sorted(self._others)]
        await self._beats.ask(_script(scripts.END, self._own_keys(), [self.node]), *byes)

    async def _hang_up(self) -> None:
        for line in (self._beats, self._writes, self._reads):
            with contextlib.suppress(*FAILURES):
                await line.close()

    # -- being alive --

    async def _beat_for_ever(self) -> None:
        pause = PERIOD
        while True:
            await asyncio.sleep(pause)
            try:
                await self._beat()
                pause = PERIOD
            except FAILURES as error:
                log.debug("Redis does not take a sign of life: %s", error)
                pause = RETRY_MIN if pause == PERIOD else min(RETRY_MAX, 2 * pause)  # others wait for it, not for long
            self._listener.bus_changed(is_up=self.is_up) if self._listener is not None else None

    async def _beat(self) -> None:
        asked_at = asyncio.get_running_loop().time()
        arguments = [self.node, int(LIFE * 1000), self._last_id, STREAM_LIFE]
        origin, nodes, *at = await self._run(scripts.BEAT, self._own_keys(), arguments)
        self._seen_at = time.monotonic()
        self._ahead = _seconds(*at) - (asked_at + asyncio.get_running_loop().time()) / 2  # half of the way each
        if origin.decode() != self._origin:
            self._origin, self._last_id = origin.decode(), "0-0"  # an emptied Redis may count anew
        others = frozenset(node.decode() for node in nodes) - {self.node}
        assert self._listener is not None
        self._others = others
        self._listener.beat(Beat(asked_at, others, self._origin))

    # -- writing --

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._asked:
                await self._write_some()
            self._is_idle.set()

    async def _write_some(self) -> None:
        batch = bundled(self._asked.popleft() for _ in range(min(BATCH, len(self._asked))))
        answers = await self._writes.insist(*(self._command(as_one(bundle)) for bundle in batch))
        for bundle, answer in zip(batch, answers, strict=True):
            for act in bundle:
                _try(self._answered, act, answer)

    def _command(self, act: Ask) -> Command:
        match act:
            case Claim(room):
                keys = [self._key("room", room), self._key("nodes"), self._key("bans", room), self._key("origin")]
                keys.append(self._key("left", room))
                return _script(scripts.CLAIM, keys, [self.node, int(LIFE * 1000)])
            case Post(node, frames):
                key, parcel = self._key("in", node), self._parcel(node, list(frames))
                return _script(scripts.POST, [key], [MAX_PARCELS, STREAM_LIFE, parcel])
            case Commit():  # pragma: no branch - mypy checks that nothing is left
                return self._commit(act)

    def _commit(self, commit: Commit) -> Command:
        keys = [self._key(kind, commit.room) for kind in ("room", "bans", "left")]
        nodes = list(reversed(commit.frames))  # Redis answers first whom it woke last: those who are told of a leave
        keys += [self._key("in", node) for node in nodes]
        arguments: list[Any] = [
            self.node,
            commit.epoch,
            commit.seq,
            commit.about or b"",
            int(commit.is_last),
            MAX_PARCELS,
        ]
        arguments += [len(commit.put), *(part for pair in commit.put.items() for part in pair)]
        arguments += [len(commit.cut), *commit.cut]
        arguments += [len(commit.bans), *(part for pair in commit.bans.items() for part in pair)]
        arguments += [int(commit.unheard_for * 1000), len(commit.unheard), *commit.unheard]
        arguments += [self._parcel(node, commit.frames[node]) for node in nodes]
        return _script(scripts.COMMIT, keys, arguments)

    def _parcel(self, node: str, frames: list[AnyFrame]) -> bytes:
        number = self._numbers[node] = self._numbers.get(node, 0) + 1
        return encode_parcel(Parcel(self.node, number, frames))

    def _answered(self, act: Ask, answer: Any) -> None:
        assert self._listener is not None
        if isinstance(act, Claim):
            self._listener.claimed(_claimed(act.room, answer))
        elif isinstance(act, Commit):
            self._listener.committed(act.room, act.epoch, act.number, answer == 1)

    # -- reading --

    async def _read(self) -> None:
        key = self._key("in", self.node)
        while True:
            command = ("XREAD", "COUNT", PARCELS, "BLOCK", BLOCK, "STREAMS", key, self._last_id)
            (found,) = await self._reads.insist(command)
            for _, entries in found or []:
                for entry, fields in entries:
                    self._last_id = entry.decode()
                    _try(self._take, _pairs(fields))
            await asyncio.sleep(0)  # all that follows from it goes out first
            self._tell_lags()

    def _take(self, fields: dict[bytes, bytes]) -> None:
        parcel = decode_parcel(fields[b"p"])
        if parcel is None:
            log.error("a node of another version speaks: what it says is not understood")
            return
        if parcel.number <= self._heard.get(parcel.sender, 0):
            return  # sent again, because the answer to the first time was lost
        self._heard[parcel.sender] = parcel.number
        written_at = _seconds(*fields[b"t"].split(b".")) - self._ahead
        self._lags.append(max(0.0, asyncio.get_running_loop().time() - written_at))
        assert self._listener is not None
        self._listener.received(parcel.sender, parcel.frames)

    def _tell_lags(self) -> None:
        """Say how long what was taken in had been under way: who is told something by it does not wait for that."""
        assert self._listener is not None
        lags, self._lags = self._lags, []
        for lag in lags:
            _try(self._listener.lagged, lag)

    # -- words --

    async def _run(self, script: str, keys: list[str], arguments: list[Any]) -> Any:
        (answer,) = await self._beats.ask(_script(script, keys, arguments))
        return answer

    def _key(self, kind: str, name: str = "") -> str:
        return f"{self._prefix}{kind}:{name}" if name else f"{self._prefix}{kind}"

    def _own_keys(self) -> list[str]:
        return [self._key("nodes"), self._key("origin"), self._key("in", self.node)]


def _script(script: str, keys: Sequence[str], arguments: Command) -> Command:
    return ("EVALSHA", DIGESTS[script], len(keys), *keys, *arguments)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _try(hear: Callable[..., None], *what: Any) -> None:
    """Have something taken in. If that fails, one room is in disorder: a node that is deaf would be worse."""
    try:
        hear(*what)
    except Exception:  # whatever it is, it is a defect of ours in one room, and logged as one
        log.exception("what the cluster said could not be taken in")


def _seconds(whole: bytes, millionths: bytes) -> float:
    return int(whole) + int(millionths) / 1e6


def _claimed(room: str, answer: list[Any]) -> Claimed:
    owner, epoch = answer[0].decode(), int(answer[1])
    if len(answer) == 2:
        return Claimed(room, owner, epoch)
    fields = _pairs(answer[2])
    records = {name[2:].decode(): text for name, text in fields.items() if name.startswith(b"m:")}
    bans = {name.decode(): float(until) for name, until in _pairs(answer[3]).items()}
    unheard = tuple(_pairs(fields)[b"u"] for _, fields in answer[5])
    return Claimed(
        room,
        owner,
        epoch,
        int(fields.get(b"seq", 0)),
        records,
        fields.get(b"about"),
        bans,
        unheard,
        origin=answer[4].decode(),
        age=answer[6] / 1000,
        is_lost=b"lost" in fields,
    )


def _pairs(flat: list[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
