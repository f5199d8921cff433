"""What a server writes down: what it hears and does, one line for each that can tell how somebody left.

What passes between peers (offers, answers, candidates), updates of `extra` and acknowledgements are not written down,
nor sockets that nobody joins by, and not every refusal of a flood of them: nobody can fill a disk with lines.
"""

import time
from typing import Unpack

from signaling.effects import Adopt, Ban, Departed, Effect, Entered, Exited, Hangup, Send, Transferred
from signaling.entry import Facts, ServerEvent
from signaling.journal import Journal
from signaling.messages import (
    ClientMessage,
    Dismiss,
    Error,
    ExitRoom,
    Farewell,
    Join,
    Kick,
    Leave,
    Message,
    RemoteUserBack,
    RemoteUserLeave,
    RemoteUserUnreachable,
    ServerMessage,
)
from signaling.observer import Observer
from signaling.rates import Bucket
from signaling.reasons import Detection, Reason

RATE = 10.0  # lines a second, in the long run, that strangers can cause; what is beyond is counted by the metrics alone
REFUSALS_AT_ONCE = 100
OPENINGS_AT_ONCE = 10_000  # everybody comes back at once after a restart


class Record(Observer):
    """Translates what happens at a server into journal entries, and knows for that who is where."""

    def __init__(self, journal: Journal | None = None) -> None:
        self._journal = journal or Journal()
        self._users: dict[str, tuple[str, str]] = {}  # session → room, user; as long as anything may concern it
        self._sessions: dict[tuple[str, str], str] = {}  # the other way round, of those who are inside
        self._unreachable: set[str] = set()
        self._opened: set[str] = set()  # sockets by which nobody has asked to join yet
        now = time.monotonic()
        self._refusals, self._openings = Bucket(RATE, REFUSALS_AT_ONCE, now), Bucket(RATE, OPENINGS_AT_ONCE, now)

    def started(self, grace: float) -> None:
        """Write down that the server is there."""
        self._journal.write("serverStarted", grace=grace)

    def stopping(self) -> None:
        """Write down that everybody is being sent away."""
        self._journal.write("serverStopping")

    def opened(self, session: str) -> None:
        """Note that somebody has connected, which is written down when it leads to anything."""
        self._opened.add(session)

    def lost(self, session: str, detected_by: Detection, silent_for: float, grace: float) -> None:
        """Write down that a socket has ended without a word, and until when its user may come back."""
        if session in self._users and not self._is_inside(session):
            del self._users[session]  # it is out already, and was to be hung up on
            return
        if session in self._opened:
            self._opened.remove(session)
            return
        self._write("socketLost", session, detected_by=detected_by, silent_for=silent_for)
        if not self._is_inside(session):
            self._users.pop(session, None)
            return
        self._unreachable.add(session)
        if grace > 0:
            self._write("graceBegan", session, grace=grace, until=time.time() + grace)

    def restored(self, session: str, room: str, user: str) -> None:
        """Know of somebody who came before this server was started."""
        self._users[session], self._sessions[room, user] = (room, user), session
        self._unreachable.add(session)

    def heard(self, session: str, message: ClientMessage) -> None:
        """Write down that somebody wants in, or what somebody in a room asks for, before it is decided."""
        if session in self._opened and isinstance(message, Join):
            self._opened.remove(session)
            self._bounded("socketOpened", self._openings, session)
        if not self._is_inside(session):
            return
        room, user = self._users[session]
        match message:
            case Leave():
                self._write("leave", session, failed=message.failed or None, wait=message.wait or None)
            case Kick():
                self.kick_asked(room, message.user, by=user, text=message.text, ban_for=message.ban_for)
            case Dismiss(text=text):
                self.dismiss_asked(room, by=user, text=text)
            case _:
                pass  # no way to leave

    def kick_asked(self, room: str, user: str, /, **how: Unpack[Facts]) -> None:
        """Write down that somebody is to be removed: `by` or `via`, `text`, `ban_for`."""
        self._journal.write("kickAsked", {**how, **self._whom(room, user)})

    def dismiss_asked(self, room: str, /, **how: Unpack[Facts]) -> None:
        """Write down that a room is to be closed: `by` or `via`, `text`."""
        self._journal.write("dismissAsked", {**how, "room": room})

    def called(self, facts: Facts) -> None:
        """Write down what came of a call to the admin API."""
        room, user = facts.get("room"), facts.get("user")
        whom: Facts = self._whom(room, user) if room and user else {}
        self._journal.write("called", {**facts, **whom})

    def farewell(self, farewell: Farewell) -> None:
        """Write down what was said for a session by whoever holds its ticket."""
        reason = Reason(farewell.reason)
        by = farewell.by or ("guard" if reason is Reason.CRASHED else "watchdog")
        self._write("farewell", farewell.session, reason=reason, by=by)

    def did(self, effect: Effect) -> None:
        """Write down what is being done."""
        if isinstance(effect, Send):
            self._said(effect.message, effect.to)
        elif isinstance(effect, Entered):
            self._enter(effect)
        elif isinstance(effect, Exited):
            self._exit(effect)
        elif isinstance(effect, Transferred):
            self._move(effect)
        elif isinstance(effect, Departed):
            self._depart(effect)
        elif isinstance(effect, Adopt):
            self._unreachable.discard(effect.session)
            self._write("resumed", effect.session, opened_as=effect.connection)
        elif isinstance(effect, Ban):
            until = time.time() + effect.until - time.monotonic()
            self._journal.write("banned", self._whom(effect.room, effect.user), until=until)
        elif isinstance(effect, Hangup) and not self._is_inside(effect.session):
            self._users.pop(effect.session, None)

    def _said(self, message: ServerMessage, to: tuple[str, ...]) -> None:
        match message:
            case RemoteUserLeave() | RemoteUserUnreachable() | RemoteUserBack():
                self._tell(message, message.session, told=len(to))
            case ExitRoom():
                for session in to:
                    self._tell(message, session)
            case Error(code=code, text=text, about="join"):
                for session in to:
                    self._bounded("refused", self._refusals, session, code=code, text=text)
            case _:
                pass  # nothing of who is here

    def _enter(self, effect: Entered) -> None:
        place = effect.room, effect.user
        self._users[effect.session], self._sessions[place] = place, effect.session
        self._write("joined", effect.session)

    def _exit(self, effect: Exited) -> None:
        self._sessions.pop((effect.room, effect.user), None)
        self._write("exited", effect.session, reason=effect.reason, detected_by=effect.detected_by)
        if effect.session in self._unreachable:  # no socket of it will be hung up
            self._unreachable.remove(effect.session)
            self._users.pop(effect.session, None)

    def _move(self, effect: Transferred | Departed) -> None:
        place = effect.to, effect.user
        self._sessions.pop((effect.room, effect.user), None)
        self._users[effect.session], self._sessions[place] = place, effect.session
        self._write("moved", effect.session)

    def _depart(self, effect: Departed) -> None:
        self._move(effect)
        self._sessions.pop((effect.to, effect.user), None)
        self._users.pop(effect.session, None)  # whoever runs the other room writes down what becomes of it
        self._unreachable.discard(effect.session)

    def _is_inside(self, session: str) -> bool:
        place = self._users.get(session)
        return place is not None and self._sessions.get(place) == session

    def _write(self, event: ServerEvent, session: str, /, **facts: Unpack[Facts]) -> None:
        self._journal.write(event, {**self._whose(session), **facts})

    def _bounded(self, event: ServerEvent, bucket: Bucket, session: str, /, **facts: Unpack[Facts]) -> None:
        """Write down something that strangers can make happen, unless it happens too often."""
        if bucket.may(time.monotonic()):
            self._write(event, session, **facts)

    def _tell(self, message: Message, session: str, /, **facts: Unpack[Facts]) -> None:
        self._journal.tell(message, {**self._whose(session), **facts})

    def _whose(self, session: str) -> Facts:
        room, user = self._users.get(session, (None, None))
        return {"session": session, "room": room, "user": user}

    def _whom(self, room: str, user: str) -> Facts:
        return {"session": self._sessions.get((room, user)), "room": room, "user": user}
