"""A node of a cluster: one server's sockets, clock and way to the others. It carries out what its station decided."""

import asyncio
import contextlib
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from signaling.bus import Bus
from signaling.calls import Refusal, RoomSettings, Told
from signaling.cluster.acts import (
    Act,
    Beat,
    Claim,
    Claimed,
    Clock,
    Commit,
    Do,
    HangUp,
    Hear,
    Post,
    Run,
    Say,
    TakeSocket,
)
from signaling.cluster.asking import Asking, Outcome
from signaling.cluster.moving import check
from signaling.cluster.ownership import HAND_OVER_LIMIT
from signaling.cluster.station import Station
from signaling.cluster.wire import Answer, AnyFrame, Asked
from signaling.config import SignalingConfig
from signaling.effects import Adopt, Effect
from signaling.framing import text_frame
from signaling.lobby import is_room_name
from signaling.members import Listing, RoomStatus
from signaling.messages import ClientMessage, ErrorCode, Extra, Farewell, MediaKind
from signaling.node import Node
from signaling.observer import Observers
from signaling.reasons import Detection

CALL_LIMIT = 4.0  # seconds for the owner of a room to answer a call: more than acknowledgements and a take-over need
LIST_LIMIT = 1.0  # seconds for all nodes to name their rooms

log = logging.getLogger(__name__)


class ClusterNode(Node):
    """One of several nodes that are one server. On the event loop."""

    def __init__(self, config: SignalingConfig, observers: Observers, bus: Bus) -> None:
        super().__init__(config, observers)
        self._bus = bus
        self._station = Station(bus.node, self._lobby)
        self._asking = Asking(bus.node)
        self._serving: set[asyncio.Task[None]] = set()
        self._was_up = True
        self._is_ending = False
        self._is_written = asyncio.Event()  # all of our rooms, when this node ends

    @property
    def is_connected(self) -> bool:
        """Whether this node can reach the others now."""
        return self._bus.is_up

    def names(self) -> tuple[str, frozenset[str]]:
        """Return what this node is called, and all others that are alive."""
        return self._bus.node, self._station.others

    async def start(self) -> None:
        """Become one of the cluster. Raises `OSError` if Redis does not answer."""
        await self._bus.start(self)

    async def close(self) -> None:
        """Be alone again. May be called twice."""
        for task in tuple(self._serving):
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)
        if self._alarm is not None:
            self._alarm.cancel()
        await self._bus.close()

    # -- who decides: the station --

    def _open(self, session: str, secret: str) -> None:
        self._station.open(session, secret)

    def _hear(self, session: str, message: ClientMessage) -> None:
        self._perform(self._station.heard(session, message, _clock()))

    def _lose(self, session: str, last_seen: float, detected_by: Detection) -> None:
        self._perform(self._station.lost(session, _clock(), last_seen, detected_by))

    def _runs(self, room: str) -> bool:
        return self._station.runs(room)

    # -- the end --

    async def drain(self) -> bytes:
        """Let go of all sockets and rooms, which go on at other nodes; nothing has to be left to anybody."""
        await self.shut_down()
        return b""

    async def shut_down(self) -> None:
        """Let go of all sockets and rooms: clients come back to other nodes, and nobody leaves."""
        if self._is_ending:
            return
        self._is_ending = True
        await self._write_down()
        self._station.freeze()
        self._let_go()
        await self.close()
        await self._wait_until_all_are_closed()

    async def _write_down(self) -> None:
        """See that our rooms are in Redis for those who go on with them: it may have been emptied a moment ago."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HAND_OVER_LIMIT):
                await self._bus.be_seen()
                self._is_written.clear()  # what was so before that does not count
                if not self._station.is_written:
                    await self._is_written.wait()

    # -- what the bus hears --

    def beat(self, beat: Beat) -> None:
        """This node was seen alive."""
        self._perform(self._station.beat(beat, _clock()))

    def bus_changed(self, *, is_up: bool) -> None:
        """The others can be reached, or cannot any more."""
        if is_up is not self._was_up:
            self._was_up = is_up
            log.log(logging.INFO if is_up else logging.WARNING, "Redis %s", "answers again" if is_up else "is away")
            self.observers.bus_changed(is_up=is_up)

    def claimed(self, claim: Claimed) -> None:
        """It is known who runs a room."""
        whose = "ours" if claim.owner == self._bus.node else f"run by {claim.owner}"
        log.debug("room %s: %s, epoch %d, %d written", claim.room, whose, claim.epoch, len(claim.records))
        self._perform(self._station.claimed(claim, _clock()))

    def committed(self, room: str, epoch: int, number: int, is_done: bool) -> None:
        """A commit was carried out, or refused."""
        self._perform(self._station.committed(room, epoch, number, is_done, _clock()))

    def lagged(self, seconds: float) -> None:
        """Something that was received a moment ago had been written so long before."""
        self.observers.bus_lag(seconds)

    def received(self, sender: str, frames: Sequence[AnyFrame]) -> None:
        """Another node has said something."""
        of_rooms: list[AnyFrame] = []
        for frame in frames:
            if isinstance(frame, Asked) and not frame.room:  # of the node, not of a room
                self._serve(frame)
            else:
                of_rooms.append(frame)
        self._perform(self._station.received(sender, of_rooms, _clock()))

    # -- doing --

    def _perform(self, acts: list[Act]) -> None:
        if self._is_draining:
            return
        for act in acts:
            self._act(act)
        self.observers.handed_over()
        self._set_alarm()
        if self._is_ending and self._station.is_written:
            self._is_written.set()

    def _act(self, act: Act) -> None:
        match act:
            case Claim() | Commit() | Post():
                self._bus.put(act)
            case Do(effects):
                for effect in effects:
                    self._carry_out(effect)
            case Say(sessions, text):
                frame = text_frame(text)
                for session in sessions:
                    if session in self._sockets:
                        self._sockets[session].send(frame)
            case HangUp(session):
                if connection := self._sockets.pop(session, None):
                    connection.hang_up()
            case TakeSocket(opened_as, session):
                self._adopt(opened_as, session)
            case Run(asked):
                self._serve(asked)
            case Hear(id, body):  # pragma: no branch - mypy checks that nothing is left
                self._asking.answered(id, msgspec.json.decode(body, type=Outcome))

    def _carry_out(self, effect: Effect) -> None:
        if isinstance(effect, Adopt) and effect.connection not in self._sockets:
            self.observers.did(effect)
            if former := self._sockets.pop(effect.session, None):
                former.hang_up()  # the session goes on at another node
            return
        super()._carry_out(effect)

    def _apply(self, effects: list[Effect]) -> None:
        self._perform(self._station.decided(self._deciding, effects, _clock()))

    def _next_deadline(self) -> float | None:
        return self._station.next_deadline()

    def _advance(self, due: float) -> None:
        self._alarm = None
        self.observers.due(due)
        self._perform(self._station.advance(_clock()))

    # -- calls --

    async def rooms(self) -> Listing:
        """Return every room of every node and who is in it, sorted by name, and which nodes did not say."""
        found = {room.name: room for room in self.own_rooms()}
        outcomes, silent = await self._ask_all("rooms", {})
        for outcome in outcomes:
            found.update((room.name, room) for room in outcome.rooms)
        return Listing(rooms=[found[name] for name in sorted(found)], unanswered=silent)

    async def room(self, name: str) -> RoomStatus | None:
        """Return one room and who is in it, `None` if there is no such room."""
        outcome = await self._call(name, "room", {})
        return next(iter(outcome.rooms), None) if outcome is not None else None

    async def create(self, settings: RoomSettings) -> bool:
        """Have a room exist; false if it does already. Raises `Refusal` if it has other settings."""
        outcome = await self._call(settings.name, "create", {"settings": settings}, claims=True)
        return outcome is not None and outcome.is_so

    async def kick(self, room: str, user: str, text: str | None = None, *, ban_for: float | None = None) -> Told | None:
        """Remove a user; `None` if there is no such user."""
        return await self._tell(room, "kick", {"user": user, "text": text, "ban_for": ban_for})

    async def dismiss(self, room: str, text: str | None = None) -> Told | None:
        """Remove everybody from a room; `None` if there is no such room."""
        return await self._tell(room, "dismiss", {"text": text})

    async def mute(self, room: str, user: str, kind: MediaKind, text: str | None = None) -> Told | None:
        """Have a user send nothing of a kind, who may unmute later; `None` if there is no such user."""
        return await self._tell(room, "mute", {"user": user, "kind": kind, "text": text})

    async def broadcast(self, room: str, topic: str, data: object, to: str | None = None) -> Told | None:
        """Say something to everybody in a room, or to one; `None` if nobody of that name is there."""
        return await self._tell(room, "broadcast", {"topic": topic, "data": data, "to": to})

    async def update(self, room: str, user: str, extra: Extra) -> Told | None:
        """Replace what the others know of a user; `None` if there is no such user."""
        return await self._tell(room, "update", {"user": user, "extra": extra})

    async def move(self, room: str, user: str, to_room: str) -> Told | None:
        """Take a user to another room, in the same session; `None` if there is no such user.

        Raises `Refusal` if the other room does not take them: they stay where they are.
        """
        return await self._tell(room, "move", {"user": user, "to_room": to_room})

    async def _move_on(self, room: str, user: str, to_room: str) -> Told | None:
        """Ask whoever runs the other room whether it takes a user of a room of ours; if so, let them go there."""
        found = self._lobby.find(room)
        member = None if found is None else found.holder(user)
        if member is None:
            return None
        if to_room == room:
            raise Refusal(ErrorCode.WRONG_STATE, f"{user} is in {room} already")
        if not is_room_name(to_room):
            raise Refusal(ErrorCode.BAD_NAME, f"no room can be called {to_room!r}")
        agreed = await self._call(to_room, "check", {"user": user, "token": member.admission.digest}, claims=True)
        if not self._station.runs(room):
            raise Refusal(ErrorCode.WRONG_STATE, f"{room} is being taken over: ask again")
        self._deciding = room
        epoch = 0 if agreed is None else agreed.epoch
        return await self._ask(self._station.depart(room, user, to_room, epoch, _clock()))

    async def farewell(self, message: Farewell) -> bool:
        """Take the word of a dead or blocked client's guard or watchdog; false if there is no such session."""
        if await self._farewell_here(message):
            return True
        outcomes, _ = await self._ask_all("farewell", {"message": message})
        return any(outcome.is_so for outcome in outcomes)

    async def _farewell_here(self, message: Farewell) -> bool:
        room = self._lobby.room_of(message.session)
        self._deciding = "" if room is None else room.name
        return room is not None and self._station.runs(room.name) and await super().farewell(message)

    async def _tell(self, room: str, call: str, arguments: dict[str, object]) -> Told | None:
        outcome = await self._call(room, call, arguments)
        return None if outcome is None else outcome.told

    async def _call(
        self, room: str, call: str, arguments: dict[str, object], *, claims: bool = False
    ) -> Outcome | None:
        """Have the owner of a room do something. `None`: nobody owns it. Raises `Refusal`."""
        try:
            owner = self._bus.node if self._station.runs(room) else await self._bus.owner_of(room)
        except OSError as error:
            raise Refusal(ErrorCode.WRONG_STATE, str(error)) from None
        if owner is None and not claims:
            return None
        asked = self._asking.form(room, call, arguments)
        self._perform(self._station.asked(asked, owner or None, _clock()))
        outcome = await self._asking.wait(asked, CALL_LIMIT)
        if outcome is None:
            raise Refusal(ErrorCode.WRONG_STATE, f"the node that runs {room} does not answer")
        if outcome.code is not None:
            raise Refusal(ErrorCode(outcome.code), outcome.text)
        return outcome

    async def _ask_all(self, call: str, arguments: dict[str, object]) -> tuple[list[Outcome], list[str]]:
        """Ask every other node; return what they answer, and which of them do not in time."""

        async def ask(node: str) -> Outcome | None:
            asked = self._asking.form("", call, arguments)
            self._perform([Post(node, (asked,))])
            return await self._asking.wait(asked, LIST_LIMIT)

        nodes = sorted(self._station.others)
        outcomes = await asyncio.gather(*(ask(node) for node in nodes))
        silent = [node for node, outcome in zip(nodes, outcomes, strict=True) if outcome is None]
        if silent:
            log.warning("%s: no answer within %g s from %s", call, LIST_LIMIT, ", ".join(silent))
        return [outcome for outcome in outcomes if outcome is not None], silent

    def _serve(self, asked: Asked) -> None:
        task = asyncio.get_running_loop().create_task(self._serve_one(asked), name=f"answer {asked.call}")
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve_one(self, asked: Asked) -> None:
        try:
            outcome = await self._outcome(asked)
        except Refusal as refusal:
            outcome = Outcome(code=refusal.code, text=refusal.text)
        except TimeoutError:
            outcome = Outcome(code=ErrorCode.WRONG_STATE, text="it took too long")
        if self._station.runs(asked.room) and self._lobby.find(asked.room) is None:
            self._perform(self._station.decided(asked.room, [], _clock()))  # nobody is in: it is nobody's
        if asked.home == self._bus.node:
            self._asking.answered(asked.id, outcome)
        else:
            self._perform([Post(asked.home, (Answer(id=asked.id, body=msgspec.json.encode(outcome)),))])

    async def _outcome(self, asked: Asked) -> Outcome:
        """Do what was asked of a room that we run, or of us."""
        arguments: dict[str, Any] = msgspec.json.decode(asked.arguments)
        match asked.call:
            case "rooms":
                return Outcome(rooms=self.own_rooms())
            case "room":
                status = self._lobby.room(asked.room)
                return Outcome(rooms=[] if status is None else [status])
            case "farewell":
                return Outcome(is_so=await self._farewell_here(msgspec.convert(arguments["message"], Farewell)))
            case "create":
                self._deciding = asked.room
                return Outcome(is_so=await super().create(msgspec.convert(arguments["settings"], RoomSettings)))
            case "check":
                check(self._lobby, asked.room, arguments["user"], arguments["token"], _clock())
                return Outcome(is_so=True, epoch=self._station.agreed_in(asked.room))
            case _:
                return Outcome(told=await self._decide(asked, arguments))

    async def _decide(self, asked: Asked, arguments: dict[str, Any]) -> Told | None:
        calls: dict[str, Callable[..., Awaitable[Told | None]]] = {
            "kick": super().kick,
            "dismiss": super().dismiss,
            "mute": super().mute,
            "broadcast": super().broadcast,
            "update": super().update,
            "move": self._move_on,
        }
        # Up to its first wait, in which it carries out what it decided, nothing else comes in between.
        self._deciding = asked.room
        told = calls[asked.call](asked.room, **arguments)
        assert inspect.isawaitable(told)
        return await told


def _clock() -> Clock:
    return Clock(asyncio.get_running_loop().time(), time.time())
