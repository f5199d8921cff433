"""Memory of a publisher while eight watch, and every second one of them goes and another one comes.

    python -m bench publish --viewers none --churn 60

Its memory is looked at every ten seconds once it has settled. What is printed is the median of the first and of the
last tenth of the time, and the growth between them.
"""

import asyncio
import json
import statistics
import time
from collections import deque
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from bench.publishing import footage
from bench.publishing.programs import Program, module, program
from signaling.server import SignalingServer

VIEWERS = 8
SETTLE = 60.0  # seconds before the first look
EVERY = 10.0  # seconds between two looks
START_LIMIT = 20.0  # seconds
ROOM, USER = "bench", "publisher"


@dataclass(frozen=True, slots=True)
class Churn:
    """What became of the publisher's memory, MiB."""

    minutes: float
    came: int  # viewers, in all
    first: float
    last: float
    most: float

    @property
    def growth(self) -> float:
        """MiB per hour."""
        return (self.last - self.first) / max(self.minutes * 0.9, 0.01) * 60


async def measure(minutes: float, codec: str, bitrate: int, folder: Path) -> Churn:
    """Let viewers come and go for so long. Raises `EOFError` if the publisher ends."""
    film = footage.write(folder)
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(SignalingServer(capacity=VIEWERS + 4).listen())
        url = f"ws{site.url[4:]}/ws"
        command = module("pub_exeunt", url, ROOM, USER, codec, bitrate, film.video, film.audio)
        sender = await stack.enter_async_context(program(*command, errors=folder / "publisher.log"))
        comers = module("comers", VIEWERS, codec, 3 * bitrate, url, USER)
        they = await stack.enter_async_context(program(*comers, errors=folder / "comers.log", talks=True))
        await they.line(START_LIMIT)
        looks = await _watch(sender, minutes)
        return _summed_up(looks, minutes, (await they.ask(START_LIMIT))["came"])


def show(churn: Churn, *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        print(json.dumps({"bench": "publish", "what": "churn", **asdict(churn), "growth": churn.growth}))
        return
    Console().print(
        f"{VIEWERS} viewers, one of them another every second ({churn.came} came in {churn.minutes:g} min): "
        f"{churn.first:.1f} MiB first, {churn.last:.1f} last, {churn.most:.1f} at most, {churn.growth:+.1f} MiB/h"
    )


async def _watch(sender: Program, minutes: float) -> list[float]:
    """Return the publisher's memory, look by look."""
    await asyncio.sleep(min(SETTLE, minutes * 60 / 4))
    looks: deque[float] = deque()
    deadline = time.monotonic() + minutes * 60
    while time.monotonic() < deadline:
        if sender.running.returncode is not None:
            raise EOFError(sender.last_words())
        looks.append(await asyncio.to_thread(sender.tree.memory))
        await asyncio.sleep(min(EVERY, max(deadline - time.monotonic(), 0.01)))
    return list(looks)


def _summed_up(looks: list[float], minutes: float, came: int) -> Churn:
    tenth = max(len(looks) // 10, 1)
    return Churn(minutes, came, statistics.median(looks[:tenth]), statistics.median(looks[-tenth:]), max(looks))
