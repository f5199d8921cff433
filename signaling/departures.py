"""Sessions that are out and have been told so, and that are to acknowledge it before their sockets are closed. A core.

A client that does not know how to acknowledge closes its socket itself, or is hung up on when its time is over.
"""

from dataclasses import dataclass

from signaling.effects import Effect, Hangup


@dataclass(frozen=True, slots=True)
class _Departure:
    seq: int  # of its last message
    until: float


class Departures:
    """Those of one room. All have the same time, so the first who came is the first whose time is over."""

    def __init__(self) -> None:
        self._departures: dict[str, _Departure] = {}  # by session

    def __contains__(self, session: object) -> bool:
        return session in self._departures

    @property
    def leavers(self) -> set[str]:
        """The sessions that are awaited."""
        return set(self._departures)

    @property
    def is_empty(self) -> bool:
        """Whether nobody is awaited."""
        return not self._departures

    def begin(self, session: str, seq: int, *, until: float) -> None:
        """Leave a session's socket open until it has acknowledged its last message, or until then."""
        self._departures[session] = _Departure(seq, until)

    def acknowledge(self, session: str, seq: int) -> list[Effect]:
        """Hang up on a session that has taken its last message in."""
        departure = self._departures.get(session)
        return [] if departure is None or departure.seq != seq else self.end(session)

    def end(self, session: str) -> list[Effect]:
        """Hang up on a session, whether or not it has; the second time, nothing."""
        return [] if self._departures.pop(session, None) is None else [Hangup(session)]

    def next_deadline(self) -> float | None:
        """Return when `advance` has something to do, `None` if nobody is awaited."""
        first = next(iter(self._departures.values()), None)
        return None if first is None else first.until

    def advance(self, now: float) -> list[Effect]:
        """Hang up on those whose time is over."""
        due = [session for session, departure in self._departures.items() if departure.until <= now]
        return [effect for session in due for effect in self.end(session)]

    def close(self) -> list[Effect]:
        """Hang up on everybody."""
        sessions, self._departures = self._departures, {}
        return [Hangup(session) for session in sessions]
