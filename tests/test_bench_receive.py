"""What `bench receive` works out of what it sees, and one of its receivers."""

import asyncio
import json

import pytest

from bench.receive import frozen, jobs
from bench.receiving.bursts import LASTING, recovery
from bench.receiving.receiver import BEFORE
from bench.receiving.sweep import PERIOD, RATE, delay, tone
from tests.command import python

BLOCK = RATE // 50  # samples
LIMIT = 120.0  # seconds


def test_ours_and_theirs_do_the_same_in_turns() -> None:
    done = {(job.who, job.how, job.loss, job.still) for job in jobs()}
    assert {one[1:] for one in done if one[0] == "aiortc"} == {one[1:] for one in done if one[0] == "exeunt"} - {
        ("tap", 0.0, 0.0)
    }


def test_a_picture_stands_still_where_none_comes_in_time() -> None:
    assert frozen([0.05, 0.1, 0.6, 0.65], 0.7) == (pytest.approx(0.5), pytest.approx(0.5))
    assert frozen([], 2.0) == (2.0, 2.0)


@pytest.mark.parametrize("moment", [12.0, 13.99, 15.5])
def test_sound_says_when_it_was(moment: float) -> None:
    ends = moment + BLOCK / RATE
    for late in (0.0, 0.25, 1.5):
        heard = delay(tone(moment, BLOCK), ends + late)
        assert heard is not None
        assert min(heard - late, PERIOD - heard + late) == pytest.approx(0.0, abs=0.006)
    assert delay(tone(moment, BLOCK) // 1000, ends) is None


def test_sound_is_back_when_it_is_as_late_as_before_for_a_while() -> None:
    times = [number / 50 for number in range(600)]
    late = [0.1 if at < 3 else 1.1 if at < 4 else 0.13 if at < 4.2 else 0.5 if at < 6 else 0.12 for at in times]
    recovered = recovery(list(zip(times, late, strict=True)), held=2.0, freed=3.0)
    assert (recovered.before, recovered.worst, recovered.after) == (0.1, pytest.approx(1.1), 0.12)
    assert recovered.back == pytest.approx(3.0)  # 0.2 s at 4.0 is no while
    assert LASTING > 0.2
    never = recovery([(at, 0.1 if at < 3 else 1.1) for at in times], held=2.0, freed=3.0)
    assert (never.after, never.back) == (1.1, None)


async def test_a_receiver_of_ours_hears_over_a_link_that_stands_still_and_goes_on() -> None:
    arguments = ("exeunt", "play", str(BEFORE + 3.0), "0", "0", "0.5")
    async with python("-m", "bench.receiving.receiver", *arguments, stderr=asyncio.subprocess.PIPE) as receiver:
        async with asyncio.timeout(LIMIT):  # on a busy machine, beginning takes longer than what is asked for
            out, errors = await receiver.running.communicate()
    assert receiver.running.returncode == 0, errors
    one = json.loads(out)
    recovered = recovery(one["delays"], BEFORE, one["freed"])
    assert 0 < recovered.before < PERIOD
