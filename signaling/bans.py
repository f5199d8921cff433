"""Who was kicked and may not come back yet: by name, and by the token they came with. A core.

A ban belongs to a room's name, and outlives the room. What is kept of a token is a digest (see `tokens.py`).
"""

from collections.abc import Iterator

import msgspec

from signaling.tokens import Admission, Grant

MOST = 10_000  # bans that are remembered; beyond, the oldest is forgotten


class BanRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One name or token that is kept out, for another process to go on with."""

    room: str
    kind: str
    which: str
    until: float  # seconds since 1970


class Bans:
    """Names and tokens that are kept out of rooms, each until its time."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str, str], float] = {}  # (room, "user" or "token", which) → when it ends

    def add(self, room: str, user: str, token: str | None, until: float, now: float) -> None:
        """Keep a user and the digest of a token out of a room until then."""
        self._until = {key: end for key, end in self._until.items() if end > now}
        for key in _keys(room, user, token):
            self._until.pop(key, None)
            self._until[key] = until
        while len(self._until) > MOST:
            del self._until[next(iter(self._until))]

    def left_of(self, admission: Admission, room: str, now: float) -> float:
        """Return the same of who asks for something from outside. Who was granted `admin` is kept out of nothing."""
        if Grant.ADMIN in admission.grants:
            return 0.0
        return self.left(room, admission.user, admission.digest, now)

    def left(self, room: str, user: str | None, token: str | None, now: float) -> float:
        """Return for how many more seconds these are kept out; 0: they may come in."""
        return max((0.0, *(self._until.get(key, now) - now for key in _keys(room, user, token))))

    def records(self, *, now: float, wall: float) -> list[BanRecord]:
        """Write down what holds, oldest first."""
        return [
            BanRecord(room=room, kind=kind, which=which, until=wall - now + until)
            for (room, kind, which), until in self._until.items()
            if until > now
        ]

    def restore(self, record: BanRecord, *, now: float, wall: float) -> None:
        """Go on with what another process wrote down."""
        self._until[record.room, record.kind, record.which] = now - wall + record.until


def _keys(room: str, user: str | None, token: str | None) -> Iterator[tuple[str, str, str]]:
    if user is not None:
        yield room, "user", user
    if token is not None:
        yield room, "token", token
