"""What nodes share, in the memory of one process: exactly what the scripts in `redis.py` do, in Python.

For tests and simulations: every rule about claims, commits and parcels can be read here. A server that is alone needs
neither.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from signaling.cluster.acts import Beat, Claimed, Commit, Post
from signaling.cluster.ownership import LIFE, YOUNG
from signaling.cluster.wire import AnyFrame, Bye

MAX_UNHEARD = 256  # last words that are kept of one room


@dataclass
class Stored:
    """What is written of one room."""

    owner: str
    epoch: int
    seq: int = 0
    records: dict[str, bytes] = field(default_factory=dict)
    about: bytes | None = None
    is_lost: bool = False  # begun when all that was written may have been lost, and nothing has been written since


class Store:
    """What is shared. Time comes in as a number."""

    def __init__(self, used_since: float | None = None) -> None:
        self.rooms: dict[str, Stored] = {}
        self.streams: dict[str, list[tuple[str, list[AnyFrame]]]] = {}  # by addressee: sender, frames
        self._alive: dict[str, float] = {}  # node → until when
        self._bans: dict[str, dict[str, float]] = {}
        self._unheard: dict[str, list[bytes]] = {}
        self._emptied = self._claims = 0
        self._used_since = used_since

    def empty(self) -> None:
        """Forget everything, as a Redis does that is started anew."""
        emptied, claims = self._emptied, self._claims
        self.__init__()  # type: ignore[misc] # what is new is exactly what an empty one is
        self._emptied, self._claims = emptied + 1, claims

    def beat(self, node: str, now: float) -> Beat:
        """A node says that it is alive."""
        self._alive[node] = now + LIFE
        self._used_since = now if self._used_since is None else self._used_since
        others = frozenset(other for other, until in self._alive.items() if until > now and other != node)
        return Beat(now, others, str(self._emptied))

    def end(self, node: str) -> None:
        """A node is alive no more, by its own word."""
        self._alive.pop(node, None)
        self.streams.pop(node, None)
        for other in self._alive:
            self._send(node, other, [Bye()])

    def claim(self, node: str, room: str, now: float) -> Claimed:
        """Let a node run a room that nobody alive runs; return who does."""
        stored = self.rooms.get(room)
        self._claims += 1
        if stored is None or (stored.owner != node and self._alive.get(stored.owner, 0.0) <= now):
            epoch = max(0 if stored is None else stored.epoch + 1, int(now * 1e6) + self._claims)  # time passes
            before = Stored(node, epoch, is_lost=self._age(now) < YOUNG) if stored is None else stored
            stored = self.rooms[room] = replace(before, owner=node, epoch=epoch)
        if stored.owner != node:
            return Claimed(room, stored.owner, stored.epoch, origin=str(self._emptied))
        return Claimed(
            room,
            node,
            stored.epoch,
            stored.seq,
            dict(stored.records),
            stored.about,
            dict(self._bans.get(room, {})),
            tuple(self._unheard.get(room, ())),
            str(self._emptied),
            self._age(now),
            stored.is_lost,
        )

    def commit(self, node: str, commit: Commit) -> bool:
        """Write down and send what a room decided; false, and nothing happens, if the node does not run it."""
        stored = self.rooms.get(commit.room)
        if stored is None or (stored.owner, stored.epoch) != (node, commit.epoch):
            return False
        stored.seq, stored.about = commit.seq, commit.about or stored.about
        stored.is_lost = stored.is_lost and stored.about is None
        stored.records.update(commit.put)
        for session in commit.cut:
            stored.records.pop(session, None)
        self._bans.setdefault(commit.room, {}).update(commit.bans)
        unheard = [*self._unheard.get(commit.room, []), *commit.unheard]
        self._unheard[commit.room] = unheard[-MAX_UNHEARD:]
        if commit.is_last:
            del self.rooms[commit.room]
        for addressee, frames in commit.frames.items():
            self._send(node, addressee, frames)
        return True

    def post(self, node: str, post: Post) -> None:
        """Send something that is nothing of a room's."""
        self._send(node, post.node, post.frames)

    def _age(self, now: float) -> float:
        return 0.0 if self._used_since is None else now - self._used_since

    def _send(self, sender: str, addressee: str, frames: Iterable[AnyFrame]) -> None:
        self.streams.setdefault(addressee, []).append((sender, list(frames)))
