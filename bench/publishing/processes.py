"""CPU time and memory of processes and everything they have started, as `/proc` tells them.

The functions that read text are pure; `Tree` looks at the running system.
"""

import os
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
END_LIMIT = 5.0  # seconds that a process told to end may take
REST_LIMIT = 1.0  # seconds that those below it may take after that
POLL = 0.02  # seconds


@dataclass(frozen=True, slots=True)
class Stat:
    """What `/proc/PID/stat` says, in clock ticks. `used` includes the children that have ended and were waited for."""

    pid: int
    parent: int
    state: str
    used: int
    began: int


def parse_stat(text: str) -> Stat:
    """Read `/proc/PID/stat`; a command's name may hold spaces and brackets."""
    pid, rest = text.split(" ", 1)
    words = rest[rest.rindex(")") + 2 :].split()
    return Stat(int(pid), int(words[1]), words[0], sum(map(int, words[11:15])), int(words[19]))


def parse_pss(text: str) -> int:
    """Return the proportional set size of `/proc/PID/smaps_rollup`, in KiB."""
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)


def parse_busy(text: str) -> int:
    """Return for how long the machine's cores were busy, of `/proc/stat`, in clock ticks."""
    user, nice, system, _, _, interrupts, soft = map(int, text.split("\n", 1)[0].split()[1:8])
    return user + nice + system + interrupts + soft


def descendants(root: int, parents: Mapping[int, int]) -> list[int]:
    """Return a process and everything below it, parents first; `parents` is each process's parent."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def seconds(ticks: float) -> float:
    """Return clock ticks in seconds."""
    return ticks / os.sysconf("SC_CLK_TCK")


def busy() -> float:
    """Return the CPU seconds that all processes of the machine have used since it started."""
    return seconds(parse_busy((PROC / "stat").read_text()))


class Tree:
    """A process that we started, and everything below it."""

    def __init__(self, root: int) -> None:
        self.root = root

    def stats(self) -> list[Stat]:
        """Return what is known of each of them."""
        table = {stat.pid: stat for stat in _all_stats()}
        pids = descendants(self.root, {pid: stat.parent for pid, stat in table.items()})
        return [table[pid] for pid in pids if pid in table]

    def cpu(self) -> float:
        """Return the CPU seconds they have used up to now, those of children that have ended included."""
        return seconds(sum(stat.used for stat in self.stats()))

    def memory(self) -> float:
        """Return the memory they hold, MiB; what several processes share is divided among them."""
        return sum(parse_pss(_text(PROC / str(stat.pid) / "smaps_rollup")) for stat in self.stats()) / 1024

    def end(self) -> None:
        """Tell the root to end; after a time, end everything that is still there. Blocks up to 7 seconds."""
        members = self.stats()
        _signal(members[:1], signal.SIGTERM)
        _wait_until_ended(members[:1], END_LIMIT)
        _wait_until_ended(members, REST_LIMIT)
        _signal(_running(members), signal.SIGKILL)
        _wait_until_ended(members, REST_LIMIT)


def _wait_until_ended(members: list[Stat], limit: float) -> None:
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline and _running(members):
        time.sleep(POLL)


def _running(members: Iterable[Stat]) -> list[Stat]:
    """Return those that have not ended: a number may be another process's by now, which began later."""
    now = {stat.pid: stat for stat in _all_stats()}
    same = (stat for stat in members if stat.pid in now and now[stat.pid].began == stat.began)
    return [stat for stat in same if now[stat.pid].state not in "ZX"]


def _signal(members: Iterable[Stat], number: signal.Signals) -> None:
    for stat in members:
        try:
            os.kill(stat.pid, number)
        except ProcessLookupError:  # it has ended since we looked
            continue


def _all_stats() -> list[Stat]:
    texts = (_text(path / "stat") for path in PROC.iterdir() if path.name.isdigit())
    return [parse_stat(text) for text in texts if text]


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process has ended since it was listed
        return ""
