"""`make soak`: a kiosk that leaves and enters again and again, for as long as asked: nothing may grow.

A server and the viewer, who decodes every picture, are processes of their own; the kiosk is this one: what is measured
is its memory, its open files, its tasks and its threads, each time between two stays: then all of a stay is to be gone.
Each stay ends `--stay` seconds after the viewer is sent something, by an exit with everything that belongs to it.
"""

import argparse
import asyncio
import gc
import json
import os
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from peer import Peer, TestPattern
from peer.cli.kiosk import Kiosk, run_kiosk
from peer.events import EnterRoom, Event
from peer.exit import ExitState
from peer.media.stats import OutboundRtpStats
from peer.participant import Participant
from tests.command import Command, exeunt, python

VIEWER = Path(__file__).parents[1] / "examples" / "watch.py"
LIMIT = 50.0  # MB an hour
SLACK = 2  # handles, tasks or threads that may be there at one look and not at another: one more thread of a pool
WATCHED_LIMIT = 20.0  # seconds until the viewer is sent something
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Look:
    """What this process holds at one moment."""

    seconds: float  # since the beginning
    stays: int
    memory: float  # MB, resident
    handles: int
    tasks: int
    threads: int


class Observer:
    """Counts stays, and looks between two of them, if the last look is long enough ago."""

    def __init__(self, every: float, *, as_json: bool) -> None:
        self.looks: list[Look] = []
        self._every, self._as_json = every, as_json
        self._stays = 0
        self._began = self._next = asyncio.get_running_loop().time()

    def between_stays(self) -> None:
        """Nobody is in the room."""
        now = asyncio.get_running_loop().time()
        if now < self._next:
            return
        self._next = now + self._every
        self.looks.append(look(now - self._began, self._stays))
        _show(asdict(self.looks[-1]), as_json=self._as_json)

    def event(self, event: Event) -> None:
        """Count what enters a room."""
        self._stays += isinstance(event, EnterRoom)

    def fact(self, name: str, text: str) -> None:
        """Show nothing."""

    def error(self, text: str) -> None:
        """Show what went wrong."""
        print(text, file=sys.stderr)


def look(seconds: float, stays: int) -> Look:
    """Look at this process."""
    gc.collect()
    memory = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6
    handles = len(list(Path("/proc/self/fd").iterdir()))
    return Look(round(seconds, 1), stays, round(memory, 2), handles, len(asyncio.all_tasks()), threading.active_count())


def slope(looks: Sequence[Look]) -> float:
    """Return how fast the memory grows, MB an hour: the line through the second half of the looks."""
    half = looks[len(looks) // 2 :]
    middle = sum(one.seconds for one in half) / len(half)
    spread = sum((one.seconds - middle) ** 2 for one in half)
    return 3600 * sum((one.seconds - middle) * one.memory for one in half) / spread if spread else 0.0


def grown(looks: Sequence[Look]) -> list[str]:
    """Name what there is more of at the end than in the middle, beyond what comes and goes."""
    middle = looks[len(looks) // 2 : -1] or looks[-1:]
    names = ("handles", "tasks", "threads")
    return [name for name in names if getattr(looks[-1], name) > max(getattr(one, name) for one in middle) + SLACK]


async def run(*, seconds: float, stay: float, every: float, limit: float, as_json: bool) -> int:
    """Soak for so many seconds; return the status: 1 if something grows."""
    async with _room() as url:
        observer = Observer(every, as_json=as_json)
        await _kiosk(observer, url, seconds, stay)
    looks = observer.looks
    growth, found = slope(looks), grown(looks)
    _show({"slope": round(growth, 2), "unit": "MB/h", "grown": ", ".join(found)}, as_json=as_json)
    return 1 if growth > limit or found else 0


async def _kiosk(observer: Observer, url: str, seconds: float, stay: float) -> None:
    async def publish(me: Participant) -> None:
        await me.publish(TestPattern(width=160, height=90, fps=10))
        await _is_watched(me)
        asyncio.get_running_loop().call_later(stay, me.request_exit)

    def make_peer() -> Peer:
        observer.between_stays()
        return Peer(url, room="soak", user="kiosk")

    await run_kiosk(observer, Kiosk(make_peer=make_peer, publish=publish, longest_wait=0.2), seconds)


async def _is_watched(me: Participant) -> None:
    """Wait until something is sent; not for ever, as the viewer may be gone, nor once we leave."""

    def is_sent() -> bool:
        return any(one.packets_sent for one in me.stats() if isinstance(one, OutboundRtpStats))

    with suppress(TimeoutError):
        async with asyncio.timeout(WATCHED_LIMIT):
            while me.state is ExitState.ACTIVE and not is_sent():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)


@asynccontextmanager
async def _room() -> AsyncIterator[str]:
    """A server and a viewer, until the block ends; returns its address."""
    server: Command
    async with exeunt("serve", "--port", "0", "--json", "--grace", "1") as server:
        url = str((await server.until("join"))["text"])
        async with python(str(VIEWER), url, "soak", stdout=asyncio.subprocess.DEVNULL):
            yield url


def _show(words: dict[str, object], *, as_json: bool) -> None:
    print(json.dumps(words) if as_json else "  ".join(f"{name} {value}" for name, value in words.items()), flush=True)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--for", dest="seconds", type=float, default=600.0, help="seconds in all (default: 600)")
    parser.add_argument("--stay", type=float, default=10.0, help="seconds for which the viewer watches (default: 10)")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two looks (default: 10)")
    parser.add_argument("--limit", type=float, default=LIMIT, help=f"MB an hour that are none (default: {LIMIT:g})")
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    asked = parser.parse_args()
    soak = run(seconds=asked.seconds, stay=asked.stay, every=asked.every, limit=asked.limit, as_json=asked.json)
    sys.exit(asyncio.run(soak))


if __name__ == "__main__":
    main()
