"""A random life of a cluster: what can happen to it, and what must be true afterwards, whatever happened."""

import random
from collections import Counter

from signaling.messages import RemoteUserJoin, RemoteUserLeave
from tests.signaling.cluster.moves import do
from tests.signaling.cluster.world import Client, World

ROOMS = ("42", "43")
MOST_CLIENTS = 8
MOST_NODES = 4
HARM_MORE = ["empty"]


def live(chance: random.Random, steps: int, moves: list[str], *more: str) -> World:
    """Let a world live for a number of steps, each added to `moves`, then let everything work again.

    `more`: what its users do, too.
    """
    world = born(*more)
    for _ in range(steps):
        move = _next(world, chance)
        moves.append(move)
        do(world, move)
    world.heal()
    return world


def born(*more: str) -> World:
    """Return a world in which everything works and nobody is yet; `more` is what its users do, too."""
    world = World(3)
    world.more = more
    world.pass_time(0.1)
    return world


def _next(world: World, chance: random.Random) -> str:
    happening = chance.random()
    if happening < 0.75:
        return chance.choice([name for name, _ in world.named_steps()])
    if happening < 0.85:
        return f"pass {chance.choice([0.1, 0.5, 1.0])}"
    return _act(world, chance) if happening < 0.95 else _harm(world, chance)


def _act(world: World, chance: random.Random) -> str:
    """A user does something."""
    awake = [name for name, node in world.nodes.items() if not node.is_stopped]
    present = [client for client in world.clients if client.is_in and not client.is_leaving]
    what = chance.choice(["enter", "enter", "leave", "part", "drop", "extra", "rest", *world.more])
    if what == "enter" and awake and len(present) < MOST_CLIENTS:
        return f"enter u{len(world.clients)} {chance.choice(ROOMS)} {chance.choice(awake)}"
    if what in {"leave", "part", "drop", "extra"} and present:
        move = f"{what} {chance.choice(present).user}"
        return f"{move} {chance.randrange(100)}" if what == "extra" else move
    if what == "move" and (stays := [client for client in present if not client.is_to_move]):
        client = chance.choice(stays)  # once each: who comes back is told of twice
        return f"move {client.user} {ROOMS[client.room == ROOMS[0]]}"
    return what if what == "rest" else "nothing"


def _harm(world: World, chance: random.Random) -> str:
    """A machine does something."""
    node = chance.choice(list(world.nodes.values())).name
    what = chance.choice(["kill", "end", "stop", "stop", "cut", "cut", "go_on", "go_on", "start", "start", *HARM_MORE])
    stay = [other for other in world.nodes.values() if other.name != node and other.ends_by is None]
    if what in {"stop", "cut", "go_on"} or (what in {"kill", "end"} and stay):
        return f"{what} {node}"
    if (what == "start" and len(world.nodes) < MOST_NODES) or (what == "empty" and chance.random() < 0.3):
        return what
    return "nothing"


def check(world: World) -> None:
    """Everybody knows who is here, heard of every leave once, and nothing is left of what is over."""
    for room in ROOMS:
        here = [client for client in world.clients if client.room == room and client.end is None]
        assert all(client.is_in for client in here), "everybody is in"
        for client in here:
            expected = sorted(other.user for other in here if other is not client)
            assert sorted(client.roster.users) == expected, f"{client.user} in {room}"
            assert not [one for one in client.roster.users.values() if one.unreachable], f"{client.user} in {room}"
        stored = world.store.rooms.get(room)
        sessions = sorted(client.joined.session for client in here if client.joined)
        assert sorted(stored.records if stored else {}) == sessions, f"written of {room}"
    for client in world.clients:
        _check_leaves(client)
    for node in world.nodes.values():
        here = {client.joined.session for client in world.clients if client.joined and client.end is None}
        assert set(node.station._homes._homes) <= here


def _check_leaves(client: Client) -> None:
    joins = Counter(event.session for event in client.told if isinstance(event, RemoteUserJoin))
    leaves = Counter(event.session for event in client.told if isinstance(event, RemoteUserLeave))
    assert all(number == 1 for number in joins.values()), (client.user, joins)
    assert all(number == 1 for number in leaves.values()), (client.user, leaves)
