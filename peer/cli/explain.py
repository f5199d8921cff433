"""Why a user left, in words, with the lines of the journal that they rest on. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from peer.cli.output import REASON_WORDS
from peer.cli.stays import Ending, Stay, ending_of
from signaling.entry import Entry
from signaling.reasons import Detection, Reason

AT_ONCE = 1.0  # seconds from what was asked of the server to what it did: on a busy machine much less
NOTICED = {
    Detection.SOCKET_CLOSED: "when the socket closed",
    Detection.HEARTBEAT: "by the heartbeat",
    Detection.MEDIA: "by the media",
}
FREED = {"verified": "was verified free", "closed": "was closed", "stuck": "was still held"}

_HEAD = {"mono", "wall", "who", "event", "session", "room", "user"}

Line = TypeVar("Line", bound=Entry | None)
Clock = Callable[[float], str]  # seconds since 1970 → as people say it


class Explanation(msgspec.Struct, frozen=True, kw_only=True, tag="why", rename="camel"):
    """One stay of one user. `reason` is None while it has not ended."""

    user: str
    room: str
    session: str
    sentence: str
    reason: Reason | None
    detected_by: Detection | None
    at: float | None  # seconds since 1970
    evidence: list[Entry]


def explain(stays: Sequence[Stay], which: Stay, clock: Clock, until: float) -> Explanation:
    """Explain one of a user's stays; the journal's last line is of `until`, in seconds since 1970."""
    account = _Account(which, clock)
    ending = ending_of(which)
    if ending is None:
        sentence = account.of_staying(until)
    else:
        later = [stay for stay in stays[stays.index(which) + 1 :] if stay.room == which.room]
        sentence = account.of_leaving(ending, later[0].lines[0] if later else None)
    return Explanation(
        user=which.user,
        room=which.room,
        session=which.session,
        sentence=sentence,
        reason=ending.reason if ending else None,
        detected_by=ending.detected_by if ending else None,
        at=ending.line.wall if ending else None,
        evidence=account.evidence,
    )


def span(seconds: float) -> str:
    """Say how long something took, as exactly as is of interest."""
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def details(entry: Entry, clock: Clock) -> str:
    """Say in a few words what a line holds beside its time, its event and whom it is about."""
    words = {name: value for name, value in msgspec.to_builtins(entry).items() if name not in _HEAD}
    if entry.until is not None:
        words["until"] = clock(entry.until)
    return ", ".join(f"{name} {value}" for name, value in words.items())


class _Account:
    """Says what happened in one stay, and keeps the lines that it has looked at for that."""

    def __init__(self, stay: Stay, clock: Clock) -> None:
        self._stay = stay
        self._clock = clock
        self._used: list[Entry] = []
        self._successor: Entry | None = None

    @property
    def evidence(self) -> list[Entry]:
        """The lines that were used, in the order of the journal."""
        lines = [*self._stay.lines, *([self._successor] if self._successor else [])]
        return [line for line in lines if any(line is used for used in self._used)]

    def of_staying(self, until: float) -> str:
        """Say where somebody is of whom nothing says that they left."""
        stay, clock = self._stay, self._clock
        since = clock(self._use(stay.server("joined") or stay.own("enterRoom") or stay.lines[0]).wall)
        if restart := stay.restart:
            self._use(stay.last)
            self._use(restart)
            return (
                f"{stay.user} was in {stay.room} since {since} when the server ended without a word, some time after"
                f" {clock(stay.last.wall)}; it was started again at {clock(restart.wall)}."
            )
        presence = stay.server("socketLost", "graceBegan", "resumed") or stay.own("connectionLost", "connectionBack")
        if presence is not None and presence.event not in ("resumed", "connectionBack"):
            self._use(presence)
            grace = f" and may come back until {clock(presence.until)}" if presence.until else ""
            return f"{stay.user} is in {stay.room} since {since}, but unreachable since {clock(presence.wall)}{grace}."
        return f"{stay.user} is still in {stay.room}, since {since}, as far as the journal goes: to {clock(until)}."

    def of_leaving(self, ending: Ending, successor: Entry | None) -> str:
        """Say how and why somebody left, and what followed."""
        stay = self._stay
        if ending.reason is Reason.REPLACED and successor is not None:
            self._successor = self._use(successor)
        self._use(ending.line)
        left = "began to leave" if ending.line.event == "leaving" else "left"
        cause = self._cause(ending)
        first = f"{stay.user} {left} {stay.room} at {self._clock(ending.line.wall)} because {cause}"
        rest = [*self._how_known(ending), *self._what_followed(ending), *self._own_account(ending)]
        return " ".join([_sentence(first), *([_sentence("; ".join(rest))] if rest else [])])

    # -- because of what --

    def _cause(self, ending: Ending) -> str:
        stay = self._stay
        match ending.reason:
            case Reason.LEFT:
                self._use(stay.server("leave"))
                self._use(stay.own("leaving"))
                return f"{stay.user} said goodbye{_bracketed(ending.text)}"
            case Reason.KICKED:
                return self._kicked(ending)
            case Reason.DISMISSED:
                asked = self._use_if_near(stay.server("dismissAsked"), ending.line)
                return f"{_asker(asked, 'closed the room') or REASON_WORDS[ending.reason]}{_quoted(ending.text)}"
            case Reason.REPLACED:
                elsewhere = f" at {self._clock(self._successor.wall)}" if self._successor else ""
                return f"{REASON_WORDS[ending.reason]}{elsewhere}"
            case _:
                return f"{REASON_WORDS[ending.reason]}{_bracketed(ending.text)}"

    def _kicked(self, ending: Ending) -> str:
        asked = self._use_if_near(self._stay.server("kickAsked"), ending.line)
        banned = self._use_if_near(self._stay.server("banned"), ending.line)
        until = f", with a ban until {self._clock(banned.until)}" if banned and banned.until else ""
        who = _asker(asked, f"kicked {self._stay.user}") or f"a moderator kicked {self._stay.user}"
        return f"{who}{until}{_quoted(ending.text)}"

    # -- how that is known --

    def _how_known(self, ending: Ending) -> Iterable[str]:
        stay, user = self._stay, self._stay.user
        if ending.reason is Reason.NETWORK_LOST:
            yield from self._lost(ending)
        elif farewell := self._use(stay.server("farewell")):
            self._use(stay.server("socketLost"))
            yield f"{user}'s {_saw(farewell.by or 'guard')} and told the server"
        elif ending.detected_by is Detection.GUARD:
            yield f"{user}'s guard saw the process die"

    def _lost(self, ending: Ending) -> Iterable[str]:
        stay, user = self._stay, self._stay.user
        if (lost := self._use(stay.server("socketLost"))) and lost.detected_by:
            silent = lost.silent_for or 0.0
            yield f"{user} was last heard at {self._clock(lost.wall - silent)}"
            yield f"the loss was noticed {span(silent)} later {NOTICED.get(lost.detected_by, '')}".rstrip()
        elif ending.detected_by in NOTICED:
            silence = f", after {span(ending.silent_for)} of silence" if ending.silent_for else ""
            yield f"the loss was noticed {NOTICED[ending.detected_by]}{silence}"
        grace = self._use(stay.server("graceBegan") or stay.own("connectionLost"))
        if grace is not None and grace.grace:
            yield f"the grace of {grace.grace:g} s passed and {user} did not come back"

    # -- what followed --

    def _what_followed(self, ending: Ending) -> Iterable[str]:
        stay = self._stay
        asked = self._near(stay.server("kickAsked", "leave", "farewell"), ending.line)
        told = self._use(stay.server("remoteUserLeave"))
        if told is not None:
            others = "1 other user" if told.told == 1 else f"{told.told or 0} others"
            yield f"the server told {others} {f'{span(told.mono - asked.mono)} later' if asked else 'at once'}"
        elif ending.line.event == "exited" and ending.reason not in (Reason.DISMISSED, Reason.SERVER_SHUTDOWN):
            yield "nobody else was there to be told"
        last = stay.own("exitRoom") or stay.server("exitRoom")
        if last is not None and last.unacknowledged:
            self._use(last)
            yield f"{' and '.join(last.unacknowledged)} did not acknowledge in time"

    def _own_account(self, ending: Ending) -> Iterable[str]:
        """Say what the peer's own journal adds: its devices, its troubles, how long it took."""
        stay, user = self._stay, self._stay.user
        mine = [line for line in stay.lines if stay.is_own(line)]
        for line in mine:
            if line.event == "released" and line.device:
                self._use(line)
                yield f"{line.device} {FREED.get(line.outcome or '', 'was let go')} after {span(line.took or 0.0)}"
            elif line.event == "step" and line.ended not in (None, "ok"):
                self._use(line)
                yield f"{line.name} went wrong: {line.ended}"
        out = self._use(stay.own("exitRoom"))
        own = out or stay.own("leaving")
        if own is not None and own.reason not in (None, ending.reason):
            self._use(own)
            yield f"{user}'s own journal says: {REASON_WORDS[own.reason]}{_bracketed(own.text)}"
        if out is not None and out.total is not None:
            yield f"{user} was out after {span(out.total)}"
        elif mine and out is None:
            yield f"{user}'s own journal ends before {user} was out"

    # -- the lines --

    def _use(self, line: Line) -> Line:
        if line is not None:
            self._used.append(line)
        return line

    def _use_if_near(self, line: Entry | None, end: Entry) -> Entry | None:
        return self._use(self._near(line, end))

    @staticmethod
    def _near(line: Entry | None, end: Entry) -> Entry | None:
        """Return the line if it can have been the cause of this end: the server decides at once."""
        return line if line is not None and end.is_by_server and abs(end.mono - line.mono) < AT_ONCE else None


def _asker(asked: Entry | None, did: str) -> str | None:
    if asked is None:
        return None
    return f"a moderator ({asked.by}) {did}" if asked.by else f"an administrator {did}"


def _quoted(text: str | None) -> str:
    return f': "{text}"' if text else ""


def _saw(by: str) -> str:
    """Say who told the server of an end that the leaver could not tell, and what they saw, after "ana's "."""
    saw = {"guard": "saw the process die", "watchdog": "saw the program hang", "page": "was left by its user"}
    return f"{by} {saw.get(by, 'saw the end')}"


def _bracketed(text: str | None) -> str:
    return f" ({text})" if text else ""


def _sentence(text: str) -> str:
    """Begin and end it as a sentence; names keep their spelling."""
    return f"{text[0].upper() if text.startswith(('the ', 'nobody ')) else text[0]}{text[1:]}."
