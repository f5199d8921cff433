"""Lives of a cluster as Hypothesis chooses them: at rest, everybody knows the truth, and each leave was told once."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.models import games
from tests.signaling.cluster.chances import MOST_CLIENTS, MOST_NODES, ROOMS, born, check
from tests.signaling.cluster.moves import do

CHOICES = st.integers(0, 99)  # which of those that there are at that moment


class ClusterModel(RuleBasedStateMachine):
    """A cluster of which every small step is chosen, with one loss of Redis at most."""

    def __init__(self) -> None:
        super().__init__()
        self.world = born()
        self.was_emptied = False

    def _node(self, which: int) -> str:
        return list(self.world.nodes)[which % len(self.world.nodes)]

    @rule(which=CHOICES, times=st.integers(1, 8))
    def step(self, which: int, times: int) -> None:
        """Some small steps happen."""
        for number in range(times):
            steps = list(self.world.steps())
            steps[(which * 7 + number) % len(steps)]()

    @rule()
    def calm(self) -> None:
        """All that can happen at this moment happens."""
        do(self.world, "rest")

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0]))
    def time_passes(self, seconds: float) -> None:
        """All nodes that can say that they are alive."""
        do(self.world, f"pass {seconds}")

    @precondition(lambda self: len(self.world.clients) < MOST_CLIENTS)
    @rule(room=st.sampled_from(ROOMS), which=CHOICES)
    def enter(self, room: str, which: int) -> None:
        """Somebody new wants in."""
        node = self._node(which)
        if not self.world.nodes[node].is_stopped:
            do(self.world, f"enter u{len(self.world.clients)} {room} {node}")

    @precondition(lambda self: any(client.is_in and not client.is_leaving for client in self.world.clients))
    @rule(what=st.sampled_from(["leave", "drop", "extra"]), which=CHOICES)
    def user_acts(self, what: str, which: int) -> None:
        """Somebody who is in does something, or loses the network."""
        present = [client.user for client in self.world.clients if client.is_in and not client.is_leaving]
        do(self.world, f"{what} {present[which % len(present)]}" + (f" {which}" if what == "extra" else ""))

    @rule(what=st.sampled_from(["stop", "cut", "go_on"]), which=CHOICES)
    def harm(self, what: str, which: int) -> None:
        """A node stands still, is cut off, or goes on."""
        do(self.world, f"{what} {self._node(which)}")

    @precondition(lambda self: len(self.world.nodes) > 1)
    @rule(which=CHOICES)
    def die(self, which: int) -> None:
        """A node dies."""
        do(self.world, f"kill {self._node(which)}")

    @precondition(lambda self: len(self.world.nodes) < MOST_NODES)
    @rule()
    def start(self) -> None:
        """Another node begins."""
        do(self.world, "start")

    @precondition(lambda self: not self.was_emptied)
    @rule()
    def empty(self) -> None:
        """Redis forgets everything."""
        self.was_emptied = True
        do(self.world, "empty")

    @rule()
    def rest(self) -> None:
        """Everything works again, for long enough."""
        self.world.heal()
        check(self.world)

    def teardown(self) -> None:
        """At the end of every life, too."""
        self.rest()


TestClusterModel = ClusterModel.TestCase
TestClusterModel.settings = games(60, steps=40)
