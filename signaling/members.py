"""One user in one room, as the room keeps it and as others see it."""

from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest

import msgspec

from signaling.calls import RoomSettings
from signaling.messages import MAX_CONTENT, MAX_EXTRA, Extra, Muted, User, json_size
from signaling.reasons import Detection
from signaling.tokens import Admission

MAX_DEPTH = 32  # levels of JSON: what is deeper may be readable and yet too deep to be written again
WARNING_PART = 0.1  # of a token's time that is left when its end is announced
MIN_WARNING, MAX_WARNING = 5.0, 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Loss:
    """How a session became unreachable and until when it may come back."""

    last_seen: float
    detected_by: Detection
    until: float


@dataclass(slots=True)
class Member:
    """One session in a room."""

    session: str
    secret: str
    user: str
    extra: Extra
    admission: Admission
    since: float  # wall time
    expires: float | None  # when its token does
    loss: Loss | None = None  # None: it is here
    warns_at: float | None = None  # when it is to be told that its token ends; None: it was, or it has no end
    turn: int = 0  # how often it has gone on with another socket, in a cluster: the later one counts
    knows_until: int | None = None  # the last room event that it can know; a later one is of a history that is lost
    muted: dict[str, Muted] = field(default_factory=dict)  # by kind: what it was told and did not acknowledge yet
    silent_for: float = 0.0  # seconds, as a gateway says of whom it stands for

    @property
    def is_here(self) -> bool:
        """Whether it can be told anything."""
        return self.loss is None

    @property
    def ticket(self) -> str:
        """What lets one say a `Farewell` for the session and nothing else: the secret cannot be told from it."""
        return sha256(f"farewell {self.secret}".encode()).hexdigest()

    @property
    def ends_at(self) -> float | None:
        """When it is gone by itself."""
        if self.loss is None or self.expires is None:
            return self.loss.until if self.loss else self.expires
        return min(self.loss.until, self.expires)

    @property
    def deadline(self) -> float | None:
        """When something is to happen to this member by itself."""
        if self.ends_at is None or self.warns_at is None:
            return self.ends_at
        return min(self.ends_at, self.warns_at)

    def admit(self, admission: Admission, *, now: float, wall: float) -> None:
        """Let what a token says count from now on."""
        self.admission = admission
        self.expires = self.warns_at = None
        if admission.expires is not None:
            left = admission.expires - wall
            self.expires = now + left
            self.warns_at = self.expires - min(max(WARNING_PART * left, MIN_WARNING), MAX_WARNING)

    def silence(self, now: float) -> float:
        """Return the seconds since the last sign of life; who is here is alive, or the heartbeat would have told."""
        return max(0.0, now - self.loss.last_seen) if self.loss else self.silent_for

    def has_heard(self, seq: int) -> None:
        """Note that it has acknowledged what it was told as that."""
        if self.muted:
            self.muted = {kind: muted for kind, muted in self.muted.items() if muted.seq != seq}

    def knows(self, secret: str) -> bool:
        """Compare secrets without telling by the time it takes; as bytes, because texts must be ASCII for that."""
        return compare_digest(self.secret.encode(), secret.encode())

    def can_have_heard(self, seq: int) -> bool:
        """Whether what it was told up to that event is what this room knows of, too."""
        return self.knows_until is None or seq <= self.knows_until

    def has_ticket(self, ticket: str) -> bool:
        """Compare tickets in the same way."""
        return compare_digest(self.ticket.encode(), ticket.encode(errors="surrogatepass"))

    def line(self) -> User:
        """Return its line in the roster."""
        return User(user=self.user, session=self.session, extra=self.extra, unreachable=not self.is_here)

    def status(self) -> "UserStatus":
        """Return its line in a list of rooms."""
        return UserStatus(
            user=self.user, session=self.session, extra=self.extra, unreachable=not self.is_here, since=self.since
        )


class UserStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One user, as a list of rooms shows it."""

    user: str
    session: str
    extra: Extra
    unreachable: bool
    since: float  # wall time, seconds since 1970


class RoomStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One room, as a list of rooms shows it."""

    name: str
    users: list[UserStatus]
    settings: RoomSettings | None = None


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Every room, sorted by name; without those of the nodes of a cluster that did not answer in time."""

    rooms: list[RoomStatus]
    unanswered: list[str] = []  # nodes


def fits(extra: Extra) -> bool:
    """Whether an `extra` is small and flat enough."""
    return _is_within(extra, MAX_EXTRA)


def can_be_said(content: object) -> bool:
    """Whether what a `message` carries is small and flat enough."""
    return _is_within(content, MAX_CONTENT)


def is_deeper(value: object, limit: int) -> bool:
    """Whether JSON has more levels than that."""
    if not isinstance(value, dict | list):
        return False
    children = value.values() if isinstance(value, dict) else value
    return limit == 0 or any(is_deeper(child, limit - 1) for child in children)


def _is_within(value: object, size: int) -> bool:
    return not is_deeper(value, MAX_DEPTH) and json_size(value) <= size
