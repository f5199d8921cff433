"""Who was kicked and may not come back yet: by name, and by the token they came with. A core.

A ban belongs to a room's name, and outlives the room. What is kept of a token is a digest (see `tokens.py`).
"""

from collections.abc import Iterator

MOST = 10_000  # bans that are remembered; beyond, the oldest is forgotten


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

    def left(self, room: str, user: str, token: str | None, now: float) -> float:
        """Return for how many more seconds these are kept out; 0: they may come in."""
        return max(0.0, *(self._until.get(key, now) - now for key in _keys(room, user, token)))


def _keys(room: str, user: str, token: str | None) -> Iterator[tuple[str, str, str]]:
    yield room, "user", user
    if token is not None:
        yield room, "token", token
