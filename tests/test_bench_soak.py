"""A kiosk that leaves and enters again and again holds no more than at the beginning: `make soak`, in short."""

import asyncio
import json

from bench.soak import Look, grown, slope
from tests.command import python

STAYS = 24  # of which memory is looked at in the second half: the first ones fill caches and make a pool's threads
LEAK = 0.8  # MB a stay: a step of malloc's is 2 to 5 MB, and one or two come in so many stays


async def test_stays_leave_nothing_behind() -> None:
    """As long as they take: how many there are in so many seconds is the machine's affair."""
    arguments = ("--for", "600", "--stay", "0.2", "--every", "1", "--json", "--limit", "1e9")
    looks: list[Look] = []
    async with python("-m", "bench.soak", *arguments, stderr=asyncio.subprocess.PIPE) as soak:
        while not looks or looks[-1].stays < STAYS:
            looks.append(Look(**json.loads(await soak.line())))
        soak.signal()
        status, out = await soak.end()
    *more, end = [json.loads(line) for line in out.splitlines()]
    looks += [Look(**line) for line in more]
    assert (status, end["grown"]) == (0, ""), (looks, out)
    first, *_, last = looks[len(looks) // 2 :]
    growth = slope(looks) * (last.seconds - first.seconds) / 3600
    assert growth < LEAK * (last.stays - first.stays), looks


def test_what_grows_is_said() -> None:
    looks = [Look(n * 10.0, n, 100.0 + n, 10 + (n == 9) * 9, 5, 3) for n in range(10)]
    assert round(slope(looks)) == 360
    assert grown(looks) == ["handles"]
    assert (slope(looks[:1]), grown(looks[:1])) == (0.0, [])
