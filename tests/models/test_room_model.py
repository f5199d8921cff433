"""The lobby, asked anything by anybody at any time: what each session is told, from its first word to its last.

Complements `tests/signaling/test_lobby_model.py`, which compares single answers with a plain model: here the ledger
follows every session through all of them.
"""

import contextlib
from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from signaling import messages as wire
from signaling.calls import Refusal, RoomSettings
from signaling.config import Duplicate, SignalingConfig
from signaling.reasons import Detection
from signaling.tokens import ALL_GRANTS, DEFAULT_GRANTS, make
from tests.models import games
from tests.models.server import WALL, FarewellReason, Server
from tests.models.wires import Connection

KEY = "a key that nobody can guess, we hope"
USERS = ("ana", "bo", "cy", "di")
LONG = 100.0  # seconds after which nothing is under way any more
SLACK = 1e-6  # seconds: sums of floats
whichs = st.integers(0, 9)
bans = st.sampled_from([None, 5.0])  # seconds
farewells: st.SearchStrategy[FarewellReason] = st.sampled_from(["crashed", "left", "error"])
users = st.sampled_from(USERS)
rooms = st.sampled_from(["42", "attic"])
grants = st.sampled_from([ALL_GRANTS, DEFAULT_GRANTS, frozenset()])


class RoomModel(RuleBasedStateMachine):
    """Sessions that need not believe anything: they speak when they are outside, gone or lost, too."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.connections: list[Connection] = []
        self.joins: dict[str, wire.Join] = {}  # by session
        self.banned: dict[str, float] = {}  # user → until when
        self.waiting: dict[str, float] = {}  # sessions that wait for acknowledgements → since when

    @initialize(
        grace=st.sampled_from([0.0, 10.0]),
        capacity=st.sampled_from([2, 4]),
        max_age=st.sampled_from([None, 20.0]),
        duplicate=st.sampled_from(Duplicate),
    )
    def start(self, grace: float, capacity: int, max_age: float | None, duplicate: Duplicate) -> None:
        config = SignalingConfig(grace=grace, capacity=capacity, max_age=max_age, duplicate=duplicate, key=KEY)
        self.server = Server(config)
        for user in USERS[:2]:
            self.come(user, None, can_moderate=True)

    def pick(self, which: int) -> Connection | None:
        """Any connection, the newest first."""
        return self.connections[-1 - which % len(self.connections)] if self.connections else None

    def say(self, connection: Connection | None, message: wire.ClientMessage) -> None:
        if connection is not None:
            self.server.hear(connection, message, self.now)

    @rule(user=users, life=st.sampled_from([None, 3.0, 30.0]), can_moderate=st.booleans())
    def come(self, user: str, life: float | None, can_moderate: bool) -> None:
        grants = ALL_GRANTS if can_moderate else DEFAULT_GRANTS
        expires = None if life is None else WALL + self.now + life
        token = make(KEY, user=user, grants=grants, expires=expires)
        connection = self.server.connect()
        self.connections.append(connection)
        self.joins[connection.session] = wire.Join(room="42", user=user, token=token)
        self.say(connection, self.joins[connection.session])
        if self.now < self.banned.get(user, 0.0):
            assert connection.session not in self.server.ledger.inside

    @rule(which=whichs, seq=st.integers(0, 20), knows=st.booleans())
    def come_back(self, which: int, seq: int, knows: bool) -> None:
        """With the secret, or without; after a loss, or while the old connection is thought to be whole."""
        if former := self.pick(which):
            connection = self.server.connect()
            self.connections.append(connection)
            secret = f"secret of {former.session}" if knows else "guessed"
            resume = wire.Resume(session=former.session, secret=secret, seq=seq)
            join = self.joins[former.session]
            self.joins[connection.session] = join
            self.say(connection, wire.Join(room=join.room, user=join.user, token=join.token, resume=resume))

    @rule(which=whichs, failed=st.booleans(), wait=st.booleans())
    def leave(self, which: int, failed: bool, wait: bool) -> None:
        self.say(self.pick(which), wire.Leave(failed=failed, wait=wait))

    @rule(which=whichs, seq=st.integers(0, 20))
    def acknowledge(self, which: int, seq: int) -> None:
        self.say(self.pick(which), wire.Ack(seq=seq))

    @rule(which=whichs, user=users, ban_for=bans)
    def kick(self, which: int, user: str, ban_for: float | None) -> None:
        self.banning(user, ban_for, lambda: self.say(self.pick(which), wire.Kick(user=user, ban_for=ban_for)))

    def banning(self, user: str, ban_for: float | None, kick: Callable[[], None]) -> None:
        was_inside = user in self.server.users()
        kick()
        if ban_for is not None and was_inside and user not in self.server.users():
            self.banned[user] = self.now + ban_for

    @rule(which=whichs, user=users, level=st.integers(0, 1))
    def talk(self, which: int, user: str, level: int) -> None:
        connection = self.pick(which)
        self.say(connection, wire.NeedOffer(user=user))
        self.say(connection, wire.UpdateExtra(extra={"level": level}))

    @rule(which=whichs, to=st.none() | users, kind=st.sampled_from(["audio", "video"]))
    def say_something(self, which: int, to: str | None, kind: wire.MediaKind) -> None:
        connection = self.pick(which)
        self.say(connection, wire.Say(topic="chat", data=which, to=to))
        self.say(connection, wire.Mute(user=to or "ana", kind=kind))

    @rule(which=whichs, life=st.sampled_from([None, 2.0, 40.0]), is_own=st.booleans(), grants=grants)
    def refresh(self, which: int, life: float | None, is_own: bool, grants: frozenset[str]) -> None:
        if (connection := self.pick(which)) is None:
            return
        join = self.joins[connection.session]
        expires = None if life is None else WALL + self.now + life
        token = make(KEY, "42", join.user if is_own else "nobody", grants, expires)
        self.say(connection, wire.Refresh(token=token))

    @rule(user=users, room=rooms, to_room=rooms)
    def move(self, user: str, room: str, to_room: str) -> None:
        with contextlib.suppress(Refusal):
            self.server.apply(self.server.lobby.move(room, user, to_room, self.now, WALL + self.now))

    @rule(room=rooms, stays=st.booleans(), solo_timeout=st.sampled_from([None, 5.0]))
    def create(self, room: str, stays: bool, solo_timeout: float | None) -> None:
        usual = RoomSettings.usual(room, self.server.config)
        settings = replace(usual, close_when_empty=not stays, solo_timeout=solo_timeout)
        with contextlib.suppress(Refusal):
            self.server.apply(self.server.lobby.create(settings, self.now))

    @rule(user=users, room=rooms, topic=st.sampled_from(["mute", "news", "extra"]))
    def ask(self, user: str, room: str, topic: str) -> None:
        lobby = self.server.lobby
        asked = {
            "mute": lambda: lobby.mute(room, user, "audio", None, self.now),
            "news": lambda: lobby.broadcast(room, "news", None, self.now, to=user),
            "extra": lambda: lobby.update(room, user, {"by": "the server"}, self.now),
        }
        self.server.apply(asked[topic]())

    @precondition(lambda self: len(self.connections) > len(USERS))
    @rule(which=whichs)
    def dismiss(self, which: int) -> None:
        self.say(self.pick(which), wire.Dismiss())

    @rule(which=whichs, detected_by=st.sampled_from([Detection.SOCKET_CLOSED, Detection.HEARTBEAT]))
    def lose(self, which: int, detected_by: Detection) -> None:
        if connection := self.pick(which):
            self.server.end(connection, self.now, detected_by)

    @rule(which=whichs, knows=st.booleans(), reason=farewells)
    def farewell(self, which: int, knows: bool, reason: FarewellReason) -> None:
        connection = self.pick(which)
        if connection is None or (joined := self.server.ledger.joined.get(connection.session)) is None:
            return
        is_inside = connection.session in self.server.ledger.inside
        self.server.farewell(joined if knows else replace(joined, ticket="guessed"), reason, self.now)
        assert (connection.session in self.server.ledger.inside) == (is_inside and not knows)

    @rule(user=users, ban_for=bans)
    def expel(self, user: str, ban_for: float | None) -> None:
        self.banning(
            user, ban_for, lambda: self.server.apply(self.server.lobby.kick("42", user, None, self.now, ban_for))
        )

    @rule(seconds=st.sampled_from([0.0, 0.5, 3.0, 9.0, 12.0]))
    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.server.lobby.next_deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            self.server.advance(self.now)
        self.now = end

    @rule()
    def restart(self) -> None:
        """The server ends, and another goes on where it stopped: nobody leaves by that."""
        before = self.server.users()
        self.server.restart(self.now)
        assert self.server.users() == before

    @precondition(lambda self: self.now > LONG / 4)
    @rule()
    def shut_down(self) -> None:
        self.server.apply(self.server.lobby.shutdown(self.now))

    @invariant()
    def nobody_waits_for_acknowledgements_beyond_the_limit(self) -> None:
        if hasattr(self, "server"):
            self.waiting = {session: self.waiting.get(session, self.now) for session in self.server.ledger.owed}
            assert all(self.now - since <= wire.ACK_LIMIT + SLACK for since in self.waiting.values())

    @invariant()
    def whoever_can_hear_knows_exactly_who_is_here(self) -> None:
        if hasattr(self, "server"):
            self.server.ledger.check()

    def teardown(self) -> None:
        if hasattr(self, "server"):
            self.wait(LONG)
            self.server.ledger.check_settled()


RoomModel.TestCase.settings = games(500)
test_every_session_hears_every_leave_once_and_its_own_last = RoomModel.TestCase
