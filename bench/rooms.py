"""Rooms: how fast a server lets users in, passes on what they say, and tells the others that one has left.

    python -m bench rooms --runs 3 --json

Exeunt, Node's socket.io and python-socketio take turns, each fresh for each task, on one core; the users are in one
other process on plain sockets (see `rooming/crowd.py`). All do the same: a user comes in, speaks to the others of the
room (some 200 bytes, not to itself), leaves, and the others are told. Then the same on three nodes joined by a Redis.

A delivery is one message at one user. In a room of 50 it is counted twice: with 16 messages on their way at a time, as
under load, when a server may send several together; and with one at a time, when it cannot.
"""

from typing import NamedTuple

from bench.rooming import report, servers, takeover
from bench.rooming.servers import KINDS, OURS

RUNS = 3
JOINS, IDLE = 1000, 2000  # users
FAN_SECONDS = 3.0
SIZES = (2, 10, 50, 200)  # of rooms that somebody leaves
SAMPLES = 25  # leaves of one room in one run
NOTICES = 50  # leaves of which one other is told, in one run
NODES = 3
TAKE_OVERS = 5  # runs at least


class Task(NamedTuple):
    """Something to measure: a method of `Crowd` and its arguments."""

    name: str
    does: str
    options: dict[str, object]
    nodes: int = 1
    is_pinned: bool = (
        True  # to one core; else each node is on whichever is free, as it would be on machines of their own
    )


TASKS = (
    Task("joins", "joins", {"users": JOINS}),
    Task("fan 50, 16 at a time", "fan", {"size": 50, "window": 16, "seconds": FAN_SECONDS}),
    Task("fan 50, one at a time", "fan", {"size": 50, "window": 1, "seconds": FAN_SECONDS}),
    Task("relay", "fan", {"size": 2, "window": 16, "seconds": FAN_SECONDS}),
    *(Task(f"leave {size}", "leaves", {"size": size, "samples": SAMPLES}) for size in SIZES),
    Task("idle", "idle", {"users": IDLE}),
    Task("3 nodes: fan 50, 16 at a time", "fan", {"size": 50, "window": 16, "seconds": FAN_SECONDS}, NODES),
    Task("notice", "notices", {"samples": NOTICES}),
    Task("3 nodes: notice", "notices", {"samples": NOTICES}, NODES),
    Task("notice, any core", "notices", {"samples": NOTICES}, is_pinned=False),
    Task("3 nodes: notice, any core", "notices", {"samples": NOTICES}, NODES, is_pinned=False),
    Task("3 nodes: leave 50", "leaves", {"size": 50, "samples": SAMPLES}, NODES),
)


async def run(*, runs: int, as_json: bool) -> None:
    """Measure everything and print it."""
    notes = [note for kind in KINDS if (note := servers.missing(kind))]
    cluster = servers.missing_for_cluster()
    notes += [cluster] if cluster else []
    kinds = [kind for kind in KINDS if servers.missing(kind) is None]
    cells: report.Cells = {}
    for number in range(runs):
        for task in TASKS:
            if task.nodes > 1 and cluster:
                continue
            for kind in kinds:
                async with servers.serving(kind, task.nodes, is_pinned=task.is_pinned) as nodes:
                    figures = await servers.measure(nodes, task.does, **task.options)
                cells.setdefault(task.name, {}).setdefault(kind, []).append(figures)
                report.progress(number, task.name, kind, figures, as_json=as_json)
    if not cluster:
        notes += [_difference(cells), await _take_overs(max(runs, TAKE_OVERS), as_json=as_json)]
    report.show(cells, kinds, notes, as_json=as_json)


def _difference(cells: report.Cells) -> str:
    def longer(one: str, three: str) -> float:
        return 1000 * (report.median(cells[three][OURS], "seconds") - report.median(cells[one][OURS], "seconds"))

    pinned, free = longer("notice", "3 nodes: notice"), longer("notice, any core", "3 nodes: notice, any core")
    return (
        f"{OURS}: a notice across nodes takes {pinned:.2f} ms longer than on one server, at the median; "
        f"{free:.2f} ms if the nodes are not all on one core"
    )


async def _take_overs(runs: int, *, as_json: bool) -> str:
    figures = []
    for number in range(runs):
        figures.append(await takeover.measure())
        report.progress(number, "3 nodes: take-over", OURS, {**figures[-1]}, as_json=as_json)
    return takeover.sentence(figures)
