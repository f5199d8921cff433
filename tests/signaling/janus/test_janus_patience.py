"""Silence is what we could have heard: while our own loop stands still, nobody is silent."""

import asyncio
from collections.abc import Awaitable, Callable

from signaling.janus.patience import PARTS, Patience

LIMIT = 6.0  # seconds


class Clock(asyncio.SelectorEventLoop):
    """A loop whose time can be put forward, as if it had stood still: what is due by then runs next."""

    ahead = 0.0  # seconds

    def time(self) -> float:
        return super().time() + self.ahead

    async def stand_still(self, seconds: float) -> None:
        self.ahead += seconds
        for _ in range(5):  # rounds of the loop
            await asyncio.sleep(0)


def run(scene: Callable[[Clock, Patience, list[str]], Awaitable[None]]) -> list[str]:
    """Play a scene; return what was called in it."""
    called: list[str] = []

    async def play() -> None:
        clock = asyncio.get_running_loop()
        assert isinstance(clock, Clock)
        await scene(clock, Patience(LIMIT, lambda: called.append("over")), called)

    with asyncio.Runner(loop_factory=Clock) as runner:
        runner.run(play())
    return called


def test_a_wait_is_over_after_all_its_parts_and_once() -> None:
    async def scene(clock: Clock, patience: Patience, called: list[str]) -> None:
        patience.begin()
        patience.begin()  # as good as once
        for _ in range(PARTS - 1):
            await clock.stand_still(LIMIT / PARTS)
        assert called == []
        for _ in range(PARTS):
            await clock.stand_still(LIMIT / PARTS)

    assert run(scene) == ["over"]


def test_a_loop_that_stood_still_takes_in_what_came_before_anybody_counts_as_gone() -> None:
    async def scene(clock: Clock, patience: Patience, called: list[str]) -> None:
        patience.begin()
        await clock.stand_still(100 * LIMIT)
        assert called == []
        patience.end()  # the answer was here
        patience.end()
        await clock.stand_still(100 * LIMIT)

    assert run(scene) == []


def test_who_answers_has_the_whole_limit_again() -> None:
    async def scene(clock: Clock, patience: Patience, called: list[str]) -> None:
        patience.renew()  # nobody waits: nothing begins
        patience.begin()
        for _ in range(3 * PARTS):
            await clock.stand_still(LIMIT / PARTS)
            patience.renew()

    assert run(scene) == []


def test_a_wait_that_was_over_can_begin_again() -> None:
    async def scene(clock: Clock, patience: Patience, called: list[str]) -> None:
        for _ in range(2):
            patience.begin()
            for _ in range(PARTS):
                await clock.stand_still(LIMIT / PARTS)

    assert run(scene) == ["over", "over"]
