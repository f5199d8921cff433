"""The stays of a user in rooms, as journals tell of them, and how each ended. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from signaling.entry import Entry
from signaling.reasons import Detection, Reason


@dataclass(frozen=True)
class Stay:
    """One session of one user. `lines` are all that concern it, in order; those without a session concern everybody."""

    session: str
    room: str
    user: str
    lines: tuple[Entry, ...]

    def server(self, *events: str) -> Entry | None:
        """Return the last line with one of these events that the server wrote."""
        return next((line for line in reversed(self.lines) if line.is_by_server and line.event in events), None)

    def own(self, *events: str) -> Entry | None:
        """Return the last line with one of these events that the peer itself wrote."""
        return next((line for line in reversed(self.lines) if self.is_own(line) and line.event in events), None)

    def is_own(self, line: Entry) -> bool:
        """Whether the peer itself wrote it."""
        return line.who == f"peer {self.room}/{self.user}"

    @property
    def last(self) -> Entry:
        """The last line about this very session."""
        return next(line for line in reversed(self.lines) if line.session == self.session)

    @property
    def restart(self) -> Entry | None:
        """The server's next start, if the stay was never said to have ended: the server had died."""
        after = self.lines[self.lines.index(self.last) + 1 :]
        return next((line for line in after if line.event == "serverStarted"), None)


@dataclass(frozen=True)
class Ending:
    """How a stay ended, by the best witness; what that one does not say is taken from the others who agree."""

    line: Entry
    reason: Reason
    detected_by: Detection | None
    silent_for: float | None
    text: str | None


def users_of(entries: Iterable[Entry]) -> list[str]:
    """Return the names of all users that the lines are about, sorted."""
    return sorted({user for _, user in _places(entries).values()})


def stays_of(entries: Sequence[Entry], user: str, room: str | None = None) -> list[Stay]:
    """Return every stay of a user, in one room or in all, in the order in which they began."""
    places = {
        session: place
        for session, place in _places(entries).items()
        if place[1] == user and (room is None or place[0] == room)
    }
    lines: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.session in places:
            lines.setdefault(entry.session or "", []).append(entry)
        elif entry.session is None:
            for session, about in lines.items():
                if entry.room in (None, places[session][0]):
                    about.append(entry)
    return [Stay(session, *places[session], tuple(about)) for session, about in lines.items()]


def ending_of(stay: Stay) -> Ending | None:
    """Say how a stay ended; None if no line says that it did."""
    ranked = [(rank, line) for line in stay.lines if (rank := _rank(stay, line)) is not None]
    witnesses = [line for _, line in sorted(ranked, key=lambda pair: pair[0])]
    if not witnesses or witnesses[0].reason is None:
        return None
    best = witnesses[0]
    agreeing = [line for line in witnesses if line.reason == best.reason]
    return Ending(
        line=best,
        reason=witnesses[0].reason,
        detected_by=next((line.detected_by for line in agreeing if line.detected_by), None),
        silent_for=next((line.silent_for for line in agreeing if line.silent_for), None),
        text=next((line.text for line in agreeing if line.text), None),
    )


def _places(entries: Iterable[Entry]) -> dict[str, tuple[str, str]]:
    """Return the room and the user of every session that is said to have them."""
    places: dict[str, tuple[str, str]] = {}
    for entry in entries:
        if entry.session is not None and (place := entry.subject) is not None:
            places.setdefault(entry.session, place)
    return places


def _rank(stay: Stay, line: Entry) -> int | None:
    """Return how good a witness of the end a line is, 0 best: the server decides, others repeat what it says."""
    match line.event, line.is_by_server, stay.is_own(line):
        case "exited", True, _:
            return 0
        case "remoteUserLeave", True, _:
            return 1
        case "exitRoom", _, True:
            return 2
        case "exitRoom", True, _:
            return 3
        case "remoteUserLeave", _, _:
            return 4
        case "leaving", _, True:
            return 5
        case _:
            return None
