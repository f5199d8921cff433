"""What can happen in a simulated cluster, by name, so that a life can be written down, lived again and shortened.

`work n0`, `read n0`, `advance n0`, `hear u1`, `carry u1/2` are the small steps of `World.named_steps`. What cannot
happen at that moment does not: so a life from which something is taken out is a life still.
"""

from collections.abc import Callable

from signaling.messages import UpdateExtra
from tests.signaling.cluster.world import Client, World


def do(world: World, move: str) -> None:
    """Have one thing happen."""
    what, *names = move.split()
    if what in _OF_ALL:
        _OF_ALL[what](world, *names)
    elif what in _OF_NODES:
        if names[0] in world.nodes:
            _OF_NODES[what](world, *names)
    elif what in _OF_CLIENTS:
        for client in [client for client in world.clients if client.user == names[0]]:
            _OF_CLIENTS[what](client, *names[1:])
    else:
        step = dict(world.named_steps()).get(move)
        if step is not None:
            step()


def shrink(moves: list[str], fails: Callable[[list[str]], bool]) -> list[str]:
    """Return as few of these moves as possible that fail still: take out half of them, quarters, … single ones."""
    size = len(moves) // 2
    while size:
        start = 0
        while start < len(moves):
            fewer = moves[:start] + moves[start + size :]
            if fails(fewer):
                moves = fewer
            else:
                start += size
        size //= 2
    return moves


def _pass(world: World, seconds: str) -> None:
    world.pass_time(float(seconds))
    world.come_back()


def _enter(world: World, user: str, room: str, node: str) -> None:
    if node in world.nodes:
        world.enter(user, room, node)


def _stop(world: World, node: str) -> None:
    world.nodes[node].is_stopped = True


def _cut(world: World, node: str) -> None:
    world.nodes[node].is_cut = True


def _go_on(world: World, node: str) -> None:
    world.nodes[node].is_stopped = world.nodes[node].is_cut = False


def _extra(client: Client, number: str) -> None:
    client.say(UpdateExtra(extra={"number": int(number)}))


def _move(client: Client, to_room: str) -> None:
    client.is_to_move = True
    client.world.move(client.user, client.room, to_room)


_OF_ALL: dict[str, Callable[..., None]] = {
    "nothing": lambda _: None,
    "pass": _pass,
    "rest": World.run,
    "enter": _enter,
    "start": World.start,
    "empty": lambda world: world.store.empty(),
}
_OF_NODES: dict[str, Callable[..., None]] = {
    "kill": World.kill,
    "end": World.end,
    "stop": _stop,
    "cut": _cut,
    "go_on": _go_on,
}
_OF_CLIENTS: dict[str, Callable[..., None]] = {
    "leave": Client.leave,
    "part": lambda client: client.leave(wait=True),
    "drop": Client.drop,
    "extra": _extra,
    "move": _move,
}
