"""Who waits until all have acknowledged something: leavers, who closes the room, and programs. A core: part of a room.

A leaver is out already, and the others have been told; only its last message is held back.
"""

from dataclasses import dataclass, field
from typing import Protocol

from signaling.effects import Effect, Hangup, Send, Settled
from signaling.messages import ExitRoom


class Ending(Protocol):
    """What follows when a wait is over."""

    def effects(self, unacknowledged: list[str]) -> list[Effect]:
        """Return what is to be done, now that these users did not acknowledge in time, and all others did."""


@dataclass(frozen=True, slots=True)
class Parting:
    """A leaver, or who has closed the room, gets its last message. `unreached` could not be told."""

    session: str
    message: ExitRoom
    unreached: tuple[str, ...] = ()

    def effects(self, unacknowledged: list[str]) -> list[Effect]:
        """Let it go, and say who may not know of it."""
        names = [*self.unreached, *unacknowledged]
        last = ExitRoom(reason=self.message.reason, text=self.message.text, unacknowledged=names)
        return [Send((self.session,), last), Hangup(self.session)]


@dataclass(frozen=True, slots=True)
class Question:
    """A program in no room learns who was told."""

    about: str
    told: tuple[str, ...]
    unreached: tuple[str, ...] = ()

    def effects(self, unacknowledged: list[str]) -> list[Effect]:
        """Answer it."""
        return [Settled(self.about, self.told, (*self.unreached, *unacknowledged))]


@dataclass(slots=True)
class _Wait:
    ending: Ending
    awaited: dict[str, str]  # who has not acknowledged yet: session → user
    until: float
    silent: list[str] = field(default_factory=list)  # users who will not any more


class Acknowledgements:
    """Everything in a room that waits for some. Whatever ends a wait returns what is to be done."""

    def __init__(self) -> None:
        self._waits: dict[int, _Wait] = {}  # by the `seq` of what is to be acknowledged

    @property
    def is_empty(self) -> bool:
        """Whether nobody waits."""
        return not self._waits

    @property
    def leavers(self) -> set[str]:
        """The sessions of those who wait for their last message."""
        endings = (wait.ending for wait in self._waits.values())
        return {ending.session for ending in endings if isinstance(ending, Parting)}

    def begin(self, seq: int, ending: Ending, awaited: dict[str, str], *, until: float) -> None:
        """Hold an ending back until all who are awaited have acknowledged that."""
        self._waits[seq] = _Wait(ending, awaited, until)

    def acknowledge(self, session: str, seq: int) -> list[Effect]:
        """Note that a session has taken something in; one that nobody waits for changes nothing."""
        wait = self._waits.get(seq)
        if wait is None or wait.awaited.pop(session, None) is None:
            return []
        return self._end_if_answered(seq)

    def forget(self, session: str) -> list[Effect]:
        """Wait no longer for a session that is gone itself."""
        waiting = [seq for seq, wait in self._waits.items() if wait.awaited.pop(session, None) is not None]
        return [effect for seq in waiting for effect in self._end_if_answered(seq)]

    def despair(self, session: str) -> list[Effect]:
        """Note that a session that is out cannot acknowledge anything any more, and name it among those who did not."""
        waiting = [seq for seq, wait in self._waits.items() if session in wait.awaited]
        for seq in waiting:
            wait = self._waits[seq]
            wait.silent.append(wait.awaited.pop(session))
        return [effect for seq in waiting for effect in self._end_if_answered(seq)]

    def next_deadline(self) -> float | None:
        """Return when `advance` has something to do, `None` if nobody waits."""
        return min((wait.until for wait in self._waits.values()), default=None)

    def advance(self, now: float) -> list[Effect]:
        """End the waits whose time is over."""
        due = [seq for seq, wait in self._waits.items() if wait.until <= now]
        return [effect for seq in due for effect in self._end(seq)]

    def close(self) -> list[Effect]:
        """End all waits: nobody is left who could acknowledge."""
        return [effect for seq in list(self._waits) for effect in self._end(seq)]

    def _end_if_answered(self, seq: int) -> list[Effect]:
        return [] if self._waits[seq].awaited else self._end(seq)

    def _end(self, seq: int) -> list[Effect]:
        wait = self._waits.pop(seq)
        return wait.ending.effects(sorted([*wait.silent, *wait.awaited.values()]))
