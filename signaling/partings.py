"""Leavers who wait until everybody has acknowledged their leave. A core: part of a room.

The leaver is out already, and the others have been told; only its last message is held back.
"""

from dataclasses import dataclass

from signaling.effects import Effect, Hangup, Send
from signaling.messages import ExitRoom


@dataclass(slots=True)
class Parting:
    """One leaver: its last message, and who has not acknowledged yet (session → user)."""

    session: str
    message: ExitRoom
    awaited: dict[str, str]
    until: float


class Partings:
    """Every leaver of a room who waits. Whatever ends a wait returns what is to be done."""

    def __init__(self) -> None:
        self._by_seq: dict[int, Parting] = {}  # by the room event that is to be acknowledged

    def begin(self, seq: int, session: str, message: ExitRoom, awaited: dict[str, str], *, until: float) -> None:
        """Hold a leaver's last message back until all who are awaited have acknowledged that event."""
        self._by_seq[seq] = Parting(session, message, awaited, until)

    def acknowledge(self, session: str, seq: int) -> list[Effect]:
        """Note that a session has taken in an event; one that nobody waits for changes nothing."""
        parting = self._by_seq.get(seq)
        if parting is None or parting.awaited.pop(session, None) is None:
            return []
        return self._end_if_answered(seq)

    def forget(self, session: str) -> list[Effect]:
        """Wait no longer for a session that is gone itself."""
        waiting = [seq for seq, parting in self._by_seq.items() if parting.awaited.pop(session, None) is not None]
        return [effect for seq in waiting for effect in self._end_if_answered(seq)]

    def next_deadline(self) -> float | None:
        """Return when `advance` has something to do, `None` if nobody waits."""
        return min((parting.until for parting in self._by_seq.values()), default=None)

    def advance(self, now: float) -> list[Effect]:
        """Let those go whose time is over."""
        due = [seq for seq, parting in self._by_seq.items() if parting.until <= now]
        return [effect for seq in due for effect in self._end(seq)]

    def close(self) -> list[Effect]:
        """Let everybody go: nobody is left who could acknowledge."""
        return [effect for seq in list(self._by_seq) for effect in self._end(seq)]

    def _end_if_answered(self, seq: int) -> list[Effect]:
        return [] if self._by_seq[seq].awaited else self._end(seq)

    def _end(self, seq: int) -> list[Effect]:
        parting = self._by_seq.pop(seq)
        message = ExitRoom(
            reason=parting.message.reason,
            text=parting.message.text,
            unacknowledged=sorted(parting.awaited.values()),
        )
        return [Send((parting.session,), message), Hangup(parting.session)]
