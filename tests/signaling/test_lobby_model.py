"""Clients who believe what they are told, played at random against a plain model of the lobby."""

from dataclasses import dataclass, field

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from signaling.calls import Refusal
from signaling.config import Duplicate, SignalingConfig
from signaling.effects import Adopt, Closed, Effect, Exited, Hangup, Send, Settled, Transferred
from signaling.lobby import Lobby
from signaling.messages import (
    ACK_LIMIT,
    Ack,
    ErrorCode,
    ExitRoom,
    Join,
    Joined,
    Leave,
    Moved,
    RemoteUserBack,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUnreachable,
    RemoteUserUpdate,
    Resume,
    Said,
    Say,
    UpdateExtra,
)
from signaling.reasons import Detection, Reason
from tests.signaling.scenes import order, told

WALL = 1_800_000_000.0
USERS = ("ana", "ben", "eva", "kim")
ROOMS = ("42", "attic")
GRACE = 10.0
CAPACITY = 3


@dataclass
class Seat:
    """What the model knows of one session in a room."""

    session: str
    room: str
    user: str
    secret: str
    seq: int = 0  # the latest it was told of
    extra: dict[str, object] = field(default_factory=dict)
    lost_at: float | None = None
    roster: set[str] = field(default_factory=set)  # sessions of others, by what it was told
    known: str = ""  # the room, if it was moved while away: the one that it was in then


class LobbyModel(RuleBasedStateMachine):
    """Plays clients who believe what they are told, and compares that with what a plain model says."""

    def __init__(self) -> None:
        super().__init__()
        self.seats: dict[str, Seat] = {}  # by session
        self.now = 0.0
        self.opened = 0
        self.leaving: dict[str, int] = {}  # sessions that are to acknowledge that they are out → as what

    @initialize(duplicate=st.sampled_from(Duplicate))
    def start(self, duplicate: Duplicate) -> None:
        self.duplicate = duplicate
        self.lobby = Lobby(SignalingConfig(grace=GRACE, capacity=CAPACITY, duplicate=duplicate))

    def connect(self) -> str:
        self.opened += 1
        session = f"s{self.opened}"
        self.lobby.open(session, f"secret of {session}")
        return session

    def in_room(self, room: str) -> list[Seat]:
        return [seat for seat in self.seats.values() if seat.room == room]

    def holder(self, room: str, user: str) -> Seat | None:
        return next((seat for seat in self.in_room(room) if seat.user == user), None)

    def here(self, index: int) -> Seat:
        seats = [seat for seat in self.seats.values() if seat.lost_at is None]
        return seats[index % len(seats)]

    def any_here(self) -> bool:
        return any(seat.lost_at is None for seat in self.seats.values())

    def any_lost(self) -> bool:
        return any(seat.lost_at is not None for seat in self.seats.values())

    def believe(
        self, effects: list[Effect], gone: dict[str, Reason], *, are_told: bool = True, moved: str | None = None
    ) -> None:
        """Let every client hear its part, and check that exactly `gone` went, others first."""
        leavers = {session: self.seats.pop(session) for session in gone}
        notices: dict[tuple[str, str], int] = {}  # (hearer, leaver) → position
        farewells: dict[str, int] = {}
        hangups: dict[str, int] = {}
        exits: dict[str, Reason] = {}
        for position, effect in enumerate(effects):
            match effect:
                case Send(to, message):
                    for session in to:
                        if isinstance(message, RemoteUserLeave) and message.session != moved:
                            assert (session, message.session) not in notices
                            notices[session, message.session] = position
                        if isinstance(message, ExitRoom):
                            assert session not in farewells
                            farewells[session] = position
                            if message.wants_ack:
                                self.leaving[session] = message.seq
                            assert message.reason == gone[session]
                        else:
                            self.hear(session, message)
                case Hangup(session):
                    hangups[session] = position
                case Exited(session, _room, _user, reason, _detected_by):
                    exits[session] = reason
                case _:
                    pass
        assert exits == gone
        assert set(farewells) == {session for session, seat in leavers.items() if seat.lost_at is None}
        assert all(farewells[session] < hangups[session] for session in farewells.keys() - self.leaving.keys())
        assert not hangups.keys() & self.leaving.keys()
        expected = {
            (seat.session, leaver.session)
            for leaver in leavers.values()
            for seat in self.in_room(leaver.room)
            if seat.lost_at is None and are_told
        }
        assert {pair for pair in notices if pair[0] in self.seats} == expected
        assert all(position < farewells.get(leaver, len(effects)) for (_, leaver), position in notices.items())

    def hear(self, session: str, message: object) -> None:
        seat = self.seats.get(session)
        if seat is None or not isinstance(
            message,
            RemoteUserJoin | RemoteUserLeave | RemoteUserBack | RemoteUserUnreachable | RemoteUserUpdate,
        ):
            return
        assert seat.lost_at is None
        assert message.session != session
        assert message.seq > seat.seq
        seat.seq = message.seq
        if isinstance(message, RemoteUserLeave):
            seat.roster.remove(message.session)
        elif isinstance(message, RemoteUserJoin):
            seat.roster.add(message.session)
        else:
            assert message.session in seat.roster

    def check_roster(self, joined: Joined) -> None:
        others = {s.session: s for s in self.in_room(joined.room) if s.session != joined.session}
        assert {user.session for user in joined.users} == set(others)
        for user in joined.users:
            other = others[user.session]
            assert (user.user, user.extra, user.unreachable) == (other.user, other.extra, other.lost_at is not None)

    @rule(room=st.sampled_from(ROOMS), user=st.sampled_from(USERS), level=st.integers(0, 3))
    def join(self, room: str, user: str, level: int) -> None:
        session = self.connect()
        extra: dict[str, object] = {"level": level}
        effects = self.lobby.handle(session, Join(room=room, user=user, extra=extra), self.now, WALL)
        holder = self.holder(room, user)
        is_full = len(self.in_room(room)) - (holder is not None) >= CAPACITY
        if is_full or (holder is not None and self.duplicate == Duplicate.REJECT):
            assert order(effects) == [(session, "Error"), (session, "hangup")]
            return
        self.believe(effects, {holder.session: Reason.REPLACED} if holder else {})
        (joined,) = told(effects, session)
        assert isinstance(joined, Joined)
        others = {seat.session for seat in self.in_room(room)}
        self.seats[session] = Seat(session, room, user, joined.secret, joined.seq, extra, None, others)
        self.check_roster(joined)

    @precondition(any_here)
    @rule(index=st.integers(0, 99), failed=st.booleans())
    def leave(self, index: int, failed: bool) -> None:
        seat = self.here(index)
        effects = self.lobby.handle(seat.session, Leave(failed=failed), self.now, WALL)
        self.believe(effects, {seat.session: Reason.ERROR if failed else Reason.LEFT})

    @precondition(any_here)
    @rule(index=st.integers(0, 99), detected_by=st.sampled_from([Detection.SOCKET_CLOSED, Detection.HEARTBEAT]))
    def lose(self, index: int, detected_by: Detection) -> None:
        seat = self.here(index)
        effects = self.lobby.lost(seat.session, self.now, self.now, detected_by)
        seat.lost_at = self.now
        self.believe(effects, {})

    @precondition(any_here)
    @rule(index=st.integers(0, 99), level=st.integers(0, 3))
    def update(self, index: int, level: int) -> None:
        seat = self.here(index)
        seat.extra = {"level": level}
        self.believe(self.lobby.handle(seat.session, UpdateExtra(extra=seat.extra), self.now, WALL), {})

    @precondition(lambda self: bool(self.seats))
    @rule(index=st.integers(0, 99))
    def resume(self, index: int) -> None:
        """From unreachable, or half-open: the model then forgets whatever the old socket was told since."""
        seat = list(self.seats.values())[index % len(self.seats)]
        connection = self.connect()
        again = Resume(session=seat.session, secret=seat.secret, seq=seat.seq)
        message = Join(room=seat.known or seat.room, user=seat.user, resume=again)
        was_moved, seat.known = seat.known not in {"", seat.room}, ""
        effects = self.lobby.handle(connection, message, self.now, WALL)
        seat.lost_at = None
        assert effects[0] == Adopt(connection, seat.session)
        joined = told(effects, seat.session)[0]
        assert isinstance(joined, Joined)
        for event in joined.missed:
            self.hear(seat.session, event)
        self.check_roster(joined)
        if was_moved:
            seat.roster = {user.session for user in joined.users}
        assert {user.session for user in joined.users} == seat.roster
        seat.seq = joined.seq
        self.believe(effects, {})

    @rule(session=st.sampled_from(["nobody", "s1", "s2"]), room=st.sampled_from(ROOMS), user=st.sampled_from(USERS))
    def steal(self, session: str, room: str, user: str) -> None:
        connection = self.connect()
        message = Join(room=room, user=user, resume=Resume(session=session, secret="guessed"))
        effects = self.lobby.handle(connection, message, self.now, WALL)
        assert order(effects) == [(connection, "Error"), (connection, "hangup")]

    @rule(room=st.sampled_from(ROOMS), user=st.sampled_from(USERS), knows=st.booleans())
    def kick(self, room: str, user: str, knows: bool) -> None:
        holder = self.holder(room, user)
        effects = self.lobby.kick(room, user, None, self.now)
        assert bool(effects) == (holder is not None)
        self.believe(effects, {holder.session: Reason.KICKED} if holder else {})
        self.acknowledge(effects, knows=knows)

    def acknowledge(self, effects: list[Effect], *, knows: bool = True) -> None:
        """Let all who are here acknowledge what wants it, and the others be waited for until the limit.

        `knows`: whether those who are out know how to acknowledge that.
        """
        leaving, self.leaving = self.leaving, {}
        for session, seq in leaving.items() if knows else ():
            assert Hangup(session) in self.lobby.handle(session, Ack(seq=seq), self.now, WALL)
        for effect in effects:
            match effect:
                case Send(to, RemoteUserLeave(wants_ack=True, seq=seq)):
                    for session in to:
                        self.lobby.handle(session, Ack(seq=seq), self.now, WALL)
        ends = self.lobby.advance(self.now + ACK_LIMIT)
        hung_up = {effect.session for effect in ends if isinstance(effect, Hangup)}
        assert hung_up == (set() if knows else leaving.keys())
        assert all(isinstance(effect, Settled | Hangup | Closed) for effect in ends)

    @rule(room=st.sampled_from(ROOMS), knows=st.booleans())
    def dismiss(self, room: str, knows: bool) -> None:
        gone = {seat.session: Reason.DISMISSED for seat in self.in_room(room)}
        effects = self.lobby.dismiss(room, None, self.now)
        self.believe(effects, gone, are_told=False)
        self.acknowledge(effects, knows=knows)

    @rule(room=st.sampled_from(ROOMS), user=st.sampled_from(USERS), to_room=st.sampled_from((*ROOMS, "cellar")))
    def move(self, room: str, user: str, to_room: str) -> None:
        seat, other = self.holder(room, user), self.holder(to_room, user)
        is_full = len(self.in_room(to_room)) - (other is not None) >= CAPACITY
        is_taken = other is not None and self.duplicate == Duplicate.REJECT
        if seat is not None and (room == to_room or is_full or is_taken):
            with pytest.raises(Refusal) as caught:
                self.lobby.move(room, user, to_room, self.now, WALL)
            assert caught.value.code in {ErrorCode.WRONG_STATE, ErrorCode.ROOM_FULL, ErrorCode.USER_TAKEN}
            return
        effects = self.lobby.move(room, user, to_room, self.now, WALL)
        assert bool(effects) == (seat is not None)
        if seat is None:
            return
        assert Transferred(seat.session, user, room, to_room) in effects
        self.believe(effects, {other.session: Reason.REPLACED} if other else {}, moved=seat.session)
        seat.room = to_room
        if seat.lost_at is None:
            (moved,) = [message for message in told(effects, seat.session) if isinstance(message, Moved)]
            seat.seq, seat.roster = moved.seq, {user.session for user in moved.users}
            assert seat.roster == {one.session for one in self.in_room(to_room)} - {seat.session}
        else:
            seat.known = seat.known or room
        self.acknowledge(effects)

    @precondition(any_here)
    @rule(index=st.integers(0, 99), to=st.none() | st.sampled_from(USERS))
    def say(self, index: int, to: str | None) -> None:
        seat = self.here(index)
        effects = self.lobby.handle(seat.session, Say(topic="chat", data=index, to=to), self.now, WALL)
        said = Said(user=seat.user, topic="chat", data=index)
        heard = {
            session
            for effect in effects
            if isinstance(effect, Send) and effect.message == said
            for session in effect.to
        }
        others = [one for one in self.in_room(seat.room) if one.lost_at is None]
        assert heard == {one.session for one in others if (one is not seat if to is None else one.user == to)}

    @rule(seconds=st.sampled_from([0.0, 1.0, 4.0, 9.0, 30.0]))
    def advance(self, seconds: float) -> None:
        self.now += seconds
        late = [s for s in self.seats.values() if s.lost_at is not None and s.lost_at + GRACE <= self.now]
        self.believe(self.lobby.advance(self.now), {seat.session: Reason.NETWORK_LOST for seat in late})

    @rule(session=st.sampled_from(["nobody", "s1", "s2", "s3"]))
    def late_end_of_a_session_that_is_gone(self, session: str) -> None:
        if session not in self.seats:
            assert self.lobby.lost(session, self.now, self.now, Detection.SOCKET_CLOSED) == []
            assert self.lobby.handle(session, Leave(), self.now, WALL) == []

    @invariant()
    def something_is_due_when_somebody_is_lost_and_not_else(self) -> None:
        if not hasattr(self, "lobby"):
            return
        due = [seat.lost_at + GRACE for seat in self.seats.values() if seat.lost_at is not None]
        assert self.lobby.next_deadline() == min(due, default=None)

    @invariant()
    def the_rooms_hold_whom_the_model_holds(self) -> None:
        if not hasattr(self, "lobby"):
            return
        assert {room.name: {user.session for user in room.users} for room in self.lobby.rooms()} == {
            seat.room: {other.session for other in self.in_room(seat.room)} for seat in self.seats.values()
        }


LobbyModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_clients_who_believe_what_they_are_told_know_who_is_here = LobbyModel.TestCase
