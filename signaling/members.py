"""One user in one room, as the room keeps it and as others see it."""

from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest

import msgspec

from signaling.messages import MAX_EXTRA, Extra, User, extra_size
from signaling.reasons import Detection
from signaling.tokens import Admission

MAX_DEPTH = 32  # levels of an `extra`: what is deeper may be readable and yet too deep to be written again


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

    @property
    def is_here(self) -> bool:
        """Whether it can be told anything."""
        return self.loss is None

    @property
    def ticket(self) -> str:
        """What lets one say a `Farewell` for the session and nothing else: the secret cannot be told from it."""
        return sha256(f"farewell {self.secret}".encode()).hexdigest()

    @property
    def deadline(self) -> float | None:
        """When something is to happen to this member by itself."""
        if self.loss is None or self.expires is None:
            return self.loss.until if self.loss else self.expires
        return min(self.loss.until, self.expires)

    def silence(self, now: float) -> float:
        """Return the seconds since the last sign of life; who is here is alive, or the heartbeat would have told."""
        return max(0.0, now - self.loss.last_seen) if self.loss else 0.0

    def knows(self, secret: str) -> bool:
        """Compare secrets without telling by the time it takes; as bytes, because texts must be ASCII for that."""
        return compare_digest(self.secret.encode(), secret.encode())

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


def fits(extra: Extra) -> bool:
    """Whether an `extra` is small and flat enough."""
    return not _is_deeper(extra, MAX_DEPTH) and extra_size(extra) <= MAX_EXTRA


def _is_deeper(value: object, limit: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    children = value.values() if isinstance(value, dict) else value
    return limit == 0 or any(_is_deeper(child, limit - 1) for child in children)
