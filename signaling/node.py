"""One node: the rooms, the sockets of those who are in them, and the clock. It carries out what the lobby decided."""

import asyncio
import contextlib
import logging
import secrets
import time

from aiohttp import WSCloseCode

from signaling.calls import RoomSettings, Told
from signaling.census import Census
from signaling.config import SignalingConfig
from signaling.connection import HANGUP_TIMEOUT
from signaling.effects import (
    Adopt,
    Asked,
    Ban,
    Closed,
    Created,
    Departed,
    Effect,
    Entered,
    Exited,
    Hangup,
    Send,
    Settled,
    Transferred,
    Unheard,
)
from signaling.framing import text_frame
from signaling.handover import Estate, go_on_with, write_down
from signaling.janus.placing import Placing
from signaling.line import Line
from signaling.lobby import Lobby
from signaling.members import Listing, RoomStatus
from signaling.messages import ClientMessage, Extra, Farewell, MediaKind, ServerMessage, encode
from signaling.observer import Observers
from signaling.questions import Questions
from signaling.reasons import Detection
from signaling.room import Room
from signaling.tokens import Admission

SHUTDOWN_TIMEOUT = HANGUP_TIMEOUT + 1.0  # seconds for all sockets to close; each is aborted sooner than that

log = logging.getLogger(__name__)


class Node:
    """All rooms of a server that is alone. On the event loop."""

    def __init__(self, config: SignalingConfig, observers: Observers) -> None:
        self.config = config
        self.observers = observers
        self._lobby = Lobby(config, secrets.token_hex(8))
        self._deciding = ""  # the room of what is being carried out, if not a client has asked for it
        self._questions = Questions()
        self._sockets: dict[str, Line] = {}  # by session
        self._connections: set[Line] = set()
        self._all_closed = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._is_draining = False

    @property
    def is_connected(self) -> bool:
        """Whether this node can reach the others, if there are any."""
        return True

    def names(self) -> tuple[str, frozenset[str]]:
        """Return what this node is called, and all others that are alive: it is alone, and needs no name."""
        return "", frozenset()

    async def start(self) -> None:
        """Become one of the nodes that there are, if this is one of several. Raises `OSError`."""

    async def close(self) -> None:
        """Be one of them no more. May be called twice."""

    @property
    def placing(self) -> Placing:
        """Where the media of rooms are."""
        return self._lobby.placing

    def find(self, room: str) -> Room | None:
        """Return a room that is run here, or may be."""
        return self._lobby.find(room)

    def halls(self) -> list[Room]:
        """Return the rooms that this node decides on now."""
        return [room for room in self._lobby.all() if self._runs(room.name)]

    def decide(self, room: str, effects: list[Effect]) -> None:
        """Carry out what was decided of a room that this node decides on."""
        self._deciding = room
        self._apply(effects)

    def _runs(self, room: str) -> bool:
        """Whether a room is this node's to decide on."""
        return True

    @property
    def connections(self) -> int:
        """How many sockets there are, of those who are in no room, too."""
        return len(self._connections)

    def census(self) -> Census:
        """Count what there is."""
        here, unreachable = self._lobby.count()
        waiting = [connection.waiting for connection in self._connections]
        return Census(
            rooms=self._lobby.size,
            here=here,
            unreachable=unreachable,
            sockets=len(waiting),
            waiting=sum(waiting),
            waiting_most=max(waiting, default=0),
        )

    def own_rooms(self) -> list[RoomStatus]:
        """Return every room that is run here and who is in it, sorted by name."""
        return self._lobby.rooms()

    async def rooms(self) -> Listing:
        """Return every room and who is in it, sorted by name, and which nodes did not say."""
        return Listing(rooms=self._lobby.rooms())

    async def room(self, name: str) -> RoomStatus | None:
        """Return one room and who is in it, `None` if there is no such room."""
        return self._lobby.room(name)

    def banned_for(self, room: str, admission: Admission) -> float:
        """Return for how many more seconds who was admitted so is kept out of a room, as far as is known here."""
        return self._lobby.bans.left_of(admission, room, _now())

    async def create(self, settings: RoomSettings) -> bool:
        """Have a room exist; false if it does already. Raises `Refusal` if it has other settings."""
        effects = self._lobby.create(settings, _now())
        self._apply(effects)
        return bool(effects)

    async def kick(self, room: str, user: str, text: str | None = None, *, ban_for: float | None = None) -> Told | None:
        """Remove a user; `None` if there is no such user."""
        self.observers.kick_asked(room, user, via="api", text=text, ban_for=ban_for)
        return await self._ask(self._lobby.kick(room, user, text, _now(), ban_for))

    async def dismiss(self, room: str, text: str | None = None) -> Told | None:
        """Remove everybody from a room; `None` if there is no such room."""
        self.observers.dismiss_asked(room, via="api", text=text)
        return await self._ask(self._lobby.dismiss(room, text, _now()))

    async def mute(self, room: str, user: str, kind: MediaKind, text: str | None = None) -> Told | None:
        """Have a user send nothing of a kind, who may unmute later; `None` if there is no such user."""
        return await self._ask(self._lobby.mute(room, user, kind, text, _now()))

    async def broadcast(self, room: str, topic: str, data: object, to: str | None = None) -> Told | None:
        """Say something to everybody in a room, or to one; `None` if nobody of that name is there."""
        return await self._ask(self._lobby.broadcast(room, topic, data, _now(), to))

    async def update(self, room: str, user: str, extra: Extra) -> Told | None:
        """Replace what the others know of a user; `None` if there is no such user."""
        return await self._ask(self._lobby.update(room, user, extra, _now()))

    async def move(self, room: str, user: str, to_room: str) -> Told | None:
        """Take a user to another room, in the same session; `None` if there is no such user."""
        return await self._ask(self._lobby.move(room, user, to_room, _now(), time.time()))

    async def _ask(self, effects: list[Effect]) -> Told | None:
        return await self._questions.ask(effects, self._apply)

    async def farewell(self, message: Farewell) -> bool:
        """Take the word of a dead or blocked client's guard or watchdog; false if there is no such session."""
        effects = self._lobby.farewell(message, _now())
        if not effects:
            return False
        self.observers.farewell(message)
        self._apply(effects)
        return True

    def connecting(self, connection: Line) -> None:
        """A socket is being opened: whatever comes of it, `ended` follows."""
        self._connections.add(connection)

    def opened(self, connection: Line) -> None:
        """A socket is open."""
        if self._is_draining:
            connection.hang_up(WSCloseCode.SERVICE_RESTART)
            return
        self._sockets[connection.session] = connection
        self.observers.opened(connection.session)
        self._open(connection.session, secrets.token_urlsafe(24))

    def heard(self, connection: Line, message: ClientMessage) -> None:
        """A client has said something."""
        self.observers.heard(connection.session, message)
        self._hear(connection.session, message)

    def lost(self, connection: Line, detected_by: Detection) -> None:
        """A socket has ended, by whatever cause."""
        # A session that was hung up on or went on at another socket is not this one's to lose.
        if self._sockets.get(connection.session) is connection:
            del self._sockets[connection.session]
            log.debug("session %s: socket lost (%s)", connection.session, detected_by)
            silent_for = _now() - connection.last_seen
            self.observers.lost(connection.session, detected_by, silent_for, self._lobby.grace_of(connection.session))
            self._lose(connection.session, connection.last_seen, detected_by)

    def ended(self, connection: Line) -> None:
        """Nothing of a socket is left."""
        self._connections.discard(connection)
        if not self._connections:
            self._all_closed.set()

    def say(self, session: str, message: ServerMessage) -> bool:
        """Say something that no room decided; false if the session's socket is not here."""
        if session not in self._sockets:
            return False
        self._carry_out(Send((session,), message))
        return True

    def go_on_with(self, estate: Estate) -> None:
        """Go on where another server stopped: everybody who was there is unreachable, with the grace to come back."""
        for session, room, user in go_on_with(self._lobby, estate, now=_now(), wall=time.time()):
            self.observers.restored(session, room, user)
        self._set_alarm()

    async def drain(self) -> bytes:
        """Let go of all sockets without a word, so that their clients come back to the next server; return the estate.

        Nobody leaves: what happens from now on happens in rooms in which nobody can be reached.
        """
        self._let_go()
        await self._wait_until_all_are_closed()
        if self._alarm is not None:
            self._alarm.cancel()
        return write_down(self._lobby, now=_now(), wall=time.time())

    async def shut_down(self) -> None:
        """Send everybody away, and wait until their sockets are closed."""
        self.observers.stopping()
        self._apply(self._lobby.shutdown(_now()))
        await self._wait_until_all_are_closed()

    def _let_go(self) -> None:
        """Hang up on everybody with "come back", and hear of nothing any more."""
        self.observers.stopping()
        self._is_draining = True
        self._sockets.clear()
        for connection in tuple(self._connections):
            connection.hang_up(WSCloseCode.SERVICE_RESTART)

    async def _wait_until_all_are_closed(self) -> None:
        if not self._connections:
            return
        self._all_closed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SHUTDOWN_TIMEOUT):
                await self._all_closed.wait()

    # -- who decides: this node's own lobby --

    def _open(self, session: str, secret: str) -> None:
        self._lobby.open(session, secret)

    def _hear(self, session: str, message: ClientMessage) -> None:
        self._apply(self._lobby.handle(session, message, _now(), time.time()))

    def _lose(self, session: str, last_seen: float, detected_by: Detection) -> None:
        self._apply(self._lobby.lost(session, _now(), last_seen, detected_by))

    def _apply(self, effects: list[Effect]) -> None:
        for effect in effects:
            self._carry_out(effect)
        self.observers.handed_over()
        self._set_alarm()

    def _carry_out(self, effect: Effect) -> None:
        self.observers.did(effect)
        match effect:
            case Send(to, message):
                frame = text_frame(encode(message))  # once, and the same bytes for everybody
                for session in to:
                    if session in self._sockets:
                        self._sockets[session].send(frame)
            case Hangup(session):
                if connection := self._sockets.pop(session, None):
                    connection.hang_up()
            case Adopt(opened_as, session):
                self._adopt(opened_as, session)
            case Entered(session, room, user):
                log.info("room %s: %s entered (session %s)", room, user, session, extra=_about(room, user, session))
            case Exited(session, room, user, reason, detected_by):
                about = _about(room, user, session)
                log.info(
                    "room %s: %s left (%s, known by %s, session %s)",
                    *(room, user, reason, detected_by, session),
                    extra=about,
                )
            case Transferred(session, user, room, to) | Departed(session=session, user=user, room=room, to=to):
                log.info("room %s: %s moved to %s", room, user, to, extra=_about(room, user, session))
            case Created(room):
                log.info("room %s: created", room)
            case Settled():
                self._questions.settle(effect)
            case Asked() | Closed() | Unheard() | Ban():
                pass  # the lobby keeps it

    def _adopt(self, opened_as: str, session: str) -> None:
        connection = self._sockets.pop(opened_as)
        former = self._sockets.get(session)
        self._sockets[session] = connection
        connection.session = session
        log.debug("session %s: resumed", session)
        if former is not None:
            former.hang_up()

    def _next_deadline(self) -> float | None:
        return self._lobby.next_deadline()

    def _set_alarm(self) -> None:
        due = self._next_deadline()
        if self._alarm is not None:
            if self._alarm.when() == due:
                return
            self._alarm.cancel()
        self._alarm = None if due is None else asyncio.get_running_loop().call_at(due, self._advance, due)

    def _advance(self, due: float) -> None:
        self._alarm = None
        self.observers.due(due)
        self._apply(self._lobby.advance(_now()))


def _about(room: str, user: str, session: str) -> dict[str, str]:
    return {"room": room, "user": user, "session": session}  # keys of their own in JSON logs


def _now() -> float:
    return asyncio.get_running_loop().time()
