"""What a server writes down: what it hears and does, one line for each that can tell how somebody left.

What passes between peers (offers, answers, candidates), updates of `extra` and acknowledgements are not written down.
"""

import time
from typing import Unpack

from signaling.effects import Adopt, Ban, Effect, Entered, Exited, Hangup, Send
from signaling.entry import Facts, ServerEvent
from signaling.journal import Journal
from signaling.messages import (
    ClientMessage,
    Dismiss,
    Error,
    ExitRoom,
    Farewell,
    Kick,
    Leave,
    Message,
    RemoteUserBack,
    RemoteUserLeave,
    RemoteUserUnreachable,
    ServerMessage,
)
from signaling.reasons import Detection, Reason


class Record:
    """Translates what happens at a server into journal entries, and knows for that who is where."""

    def __init__(self, journal: Journal | None = None) -> None:
        self._journal = journal or Journal()
        self._users: dict[str, tuple[str, str]] = {}  # session → room, user; as long as anything may concern it
        self._sessions: dict[tuple[str, str], str] = {}  # the other way round, of those who are inside
        self._unreachable: set[str] = set()

    def started(self, grace: float) -> None:
        """Write down that the server is there."""
        self._journal.write("serverStarted", grace=grace)

    def stopping(self) -> None:
        """Write down that everybody is being sent away."""
        self._journal.write("serverStopping")

    def opened(self, session: str) -> None:
        """Write down that somebody has connected."""
        self._journal.write("socketOpened", session=session)

    def lost(self, session: str, detected_by: Detection, silent_for: float, grace: float) -> None:
        """Write down that a socket has ended without a word, and until when its user may come back."""
        self._write("socketLost", session, detected_by=detected_by, silent_for=silent_for)
        if not self._is_inside(session):
            self._users.pop(session, None)
            return
        self._unreachable.add(session)
        if grace > 0:
            self._write("graceBegan", session, grace=grace, until=time.time() + grace)

    def heard(self, session: str, message: ClientMessage) -> None:
        """Write down what somebody in a room asks for, before it is decided."""
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

    def farewell(self, farewell: Farewell) -> None:
        """Write down what was said for a session by whoever holds its ticket."""
        reason = Reason(farewell.reason)
        by = "guard" if reason is Reason.CRASHED else "watchdog"
        self._write("farewell", farewell.session, reason=reason, by=by)

    def did(self, effect: Effect) -> None:
        """Write down what is being done."""
        if isinstance(effect, Send):
            self._said(effect.message, effect.to)
        elif isinstance(effect, Entered):
            self._enter(effect)
        elif isinstance(effect, Exited):
            self._exit(effect)
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
                    self._write("refused", session, code=code, text=text)
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

    def _is_inside(self, session: str) -> bool:
        place = self._users.get(session)
        return place is not None and self._sessions.get(place) == session

    def _write(self, event: ServerEvent, session: str, /, **facts: Unpack[Facts]) -> None:
        self._journal.write(event, {**self._whose(session), **facts})

    def _tell(self, message: Message, session: str, /, **facts: Unpack[Facts]) -> None:
        self._journal.tell(message, {**self._whose(session), **facts})

    def _whose(self, session: str) -> Facts:
        room, user = self._users.get(session, (None, None))
        return {"session": session, "room": room, "user": user}

    def _whom(self, room: str, user: str) -> Facts:
        return {"session": self._sessions.get((room, user)), "room": room, "user": user}
