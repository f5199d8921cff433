"""Everything that can go wrong, in any order: the exit contract holds for everybody who lives to see it."""

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from peer.notice import Wait
from signaling import messages as wire
from signaling.reasons import Reason
from tests.models import games
from tests.models.client import Client
from tests.models.server import FarewellReason
from tests.models.world import World

USERS = ("ana", "bo", "cy", "di")
MOST = 8  # clients, so that a game ends
SETTLED_IN = 15.0  # seconds
whichs = st.integers(0, 7)
lengths = st.integers(0, 3)  # messages
paces = st.sampled_from([0.0, 0.1, 1.0])
lives = st.sampled_from([None, None, None, 40.0, 8.0])  # seconds
farewells: st.SearchStrategy[FarewellReason | None] = st.sampled_from([None, "crashed", "left", "error"])
delays = st.sampled_from([0.0, 0.3, 2.0, 7.5])  # seconds


class WorldModel(RuleBasedStateMachine):
    """Plays the world; whatever goes wrong is asserted in it."""

    def pick(self, which: int, fits: Callable[[Client], bool]) -> Client | None:
        clients = [client for client in self.world.clients if fits(client)]
        return clients[which % len(clients)] if clients else None

    @initialize(crowd=st.lists(st.tuples(paces, lives), min_size=2, max_size=4), max_age=st.sampled_from([None, 30.0]))
    def begin(self, crowd: list[tuple[float, float | None]], max_age: float | None) -> None:
        self.world = World(max_age)
        for user, (pace, life) in zip(USERS, crowd, strict=False):
            self.come(user, pace, life, is_quick=True)

    @precondition(lambda self: len(self.world.clients) < MOST)
    @rule(user=st.sampled_from(USERS), pace=paces, life=lives, is_quick=st.booleans())
    def come(self, user: str, pace: float, life: float | None, is_quick: bool) -> None:
        self.world.come(user, pace, life)
        if is_quick:
            self.world.flow()
            for one in self.world.clients:
                self.world.link(one, self.world.clients[-1])

    @rule(which=whichs, wait=st.sampled_from(["server", "everyone", None]), failed=st.booleans())
    def leave(self, which: int, wait: Wait, failed: bool) -> None:
        if client := self.pick(which, lambda client: client.is_running and client.session != ""):
            client.leave(Reason.ERROR if failed else Reason.LEFT, wait=wait)

    @rule(which=whichs, up=st.booleans())
    def carry(self, which: int, up: bool) -> None:
        if client := self.pick(which, lambda _client: True):
            self.world.carry(client, up=up)

    @rule()
    def flow(self) -> None:
        self.world.flow()

    @rule(which=whichs, other=whichs)
    def link(self, which: int, other: int) -> None:
        one, two = (self.pick(index, lambda client: client.is_inside) for index in (which, other))
        if one is not None and two is not None:
            self.world.link(one, two)

    @rule(which=whichs, index=whichs, stays=st.booleans(), is_lost=st.booleans())
    def chat(self, which: int, index: int, stays: bool, is_lost: bool) -> None:
        channels = [channel for channel in self.world.channels if channel.bag]
        if not channels:
            return
        channel = channels[which % len(channels)]
        if is_lost:
            del channel.bag[index % len(channel.bag)]
        else:
            self.world.arrive(channel, index % len(channel.bag), stays=stays)

    @rule(seconds=st.sampled_from([0.1, 0.9, 3.0, 9.0, 12.0]), flowing=st.booleans())
    def wait(self, seconds: float, flowing: bool) -> None:
        self.world.advance(seconds, flowing=flowing)

    @rule(which=whichs, keep=st.tuples(lengths, lengths), notices=st.tuples(delays, delays), for_good=st.booleans())
    def cut(self, which: int, keep: tuple[int, int], notices: tuple[float, float], for_good: bool) -> None:
        if client := self.pick(which, lambda client: client.is_alive):
            self.world.cut(client, keep, notices)
            client.has_network = not for_good

    @rule(which=whichs)
    def blink(self, which: int) -> None:
        """A connection breaks, which both sides see, and is taken up again at once."""
        if client := self.pick(which, lambda client: client.is_running and client.has_network):
            self.world.cut(client, (0, 0), (0.0, 0.0))
            self.world.advance(0.3, flowing=True)

    @rule(which=whichs)
    def mend(self, which: int) -> None:
        if client := self.pick(which, lambda client: not client.has_network):
            client.has_network = True

    @rule(which=whichs, farewell=farewells, delay=delays)
    def kill(self, which: int, farewell: FarewellReason | None, delay: float) -> None:
        if client := self.pick(which, lambda client: client.is_alive):
            self.world.kill(client, farewell, delay)

    @rule(which=whichs)
    def freeze(self, which: int) -> None:
        if client := self.pick(which, lambda client: client.is_alive):
            if client.frozen_at is None:
                self.world.freeze(client)
            else:
                client.thaw(self.world.now)

    @rule(which=whichs, user=st.sampled_from(USERS), ban_for=st.sampled_from([None, 5.0]))
    def kick(self, which: int, user: str, ban_for: float | None) -> None:
        if client := self.pick(which, lambda client: client.is_inside):
            client.line.say(wire.Kick(user=user, ban_for=ban_for))

    @rule(which=whichs, to_room=st.sampled_from(["42", "attic"]))
    def move(self, which: int, to_room: str) -> None:
        if client := self.pick(which, lambda client: client.session != ""):
            self.world.move(client, to_room)

    @precondition(lambda self: self.world.server is not None and self.world.now > SETTLED_IN)
    @rule(which=whichs, how=st.sampled_from(["dismiss", "shut down", "die", "hang"]))
    def end_server(self, which: int, how: str) -> None:
        """Rarely, because not much happens after it."""
        if how == "dismiss":
            if client := self.pick(which, lambda client: client.is_inside):
                client.line.say(wire.Dismiss())
        elif how == "shut down":
            self.world.shut_down()
        else:
            self.world.stop_server(hangs=how == "hang")

    @precondition(lambda self: self.world.server is None)
    @rule()
    def start_server(self) -> None:
        self.world.start_server()

    @invariant()
    def whoever_the_server_reaches_was_told_exactly_who_is_here(self) -> None:
        if hasattr(self, "world") and self.world.server is not None:
            self.world.server.ledger.check()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.settle()
            self.world.promises.settled(self.world.clients)


WorldModel.TestCase.settings = games(700)
test_the_exit_contract_holds_whatever_happens = WorldModel.TestCase
