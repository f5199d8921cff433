"""The bus to a real Redis: what nodes say to each other arrives once and in order, whatever happens on the way."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from redis.asyncio import Redis

from signaling.bus.redis import RedisBus
from signaling.cluster.acts import Beat, Claim, Claimed, Commit, Post
from signaling.cluster.wire import AnyFrame, Bye, Deliver, Drop
from tests.signaling.cluster.links import Cut, Wire
from tests.signaling.cluster.servers import PATIENCE, Database, until

PREFIX = "bus:"


class Ear:
    """Keeps what a bus tells."""

    def __init__(self) -> None:
        self.frames: list[AnyFrame] = []
        self.lags: list[float] = []
        self.claims: list[Claimed] = []
        self.commits: list[tuple[int, bool]] = []
        self.fails_at: AnyFrame | None = None

    def beat(self, beat: Beat) -> None:
        pass

    def bus_changed(self, *, is_up: bool) -> None:
        pass

    def claimed(self, claim: Claimed) -> None:
        self.claims.append(claim)

    def committed(self, room: str, epoch: int, number: int, is_done: bool) -> None:
        self.commits.append((number, is_done))

    def lagged(self, seconds: float) -> None:
        self.lags.append(seconds)

    def received(self, sender: str, frames: Sequence[AnyFrame]) -> None:
        self.frames += frames
        if self.fails_at in frames:
            raise ValueError("a test")


@contextlib.asynccontextmanager
async def two(folder: Path) -> AsyncIterator[tuple[RedisBus, Ear, RedisBus, Ear, Wire, Redis]]:
    """Have two nodes; the wire is the first one's."""
    async with contextlib.AsyncExitStack() as stack:
        database = Database(folder, stack)
        await database.start()
        wire = await stack.enter_async_context(Wire(database.path).listening())
        pair = []
        for name, url in (("one", wire.url), ("two", database.url)):
            bus, ear = RedisBus(url, prefix=PREFIX, node=name), Ear()
            await bus.start(ear)
            stack.push_async_callback(bus.close)
            pair += [bus, ear]
        redis = Redis.from_url(database.url)
        stack.push_async_callback(redis.aclose)
        one, ear_of_one, two, ear_of_two = pair
        yield one, ear_of_one, two, ear_of_two, wire, redis  # type: ignore[misc] # a bus and an ear, twice


def drops(*numbers: int) -> list[AnyFrame]:
    return [Drop(session=str(number), connection=str(number)) for number in numbers]


async def test_what_is_said_while_redis_is_out_of_reach_arrives_once_and_in_order(tmp_path: Path) -> None:
    async with two(tmp_path) as (one, _, _, ear, wire, _):
        one.put(Post("two", tuple(drops(0))))
        await until(lambda: len(ear.frames) == 1, "the first")
        await wire.cut(Cut.REFUSED)
        for number in range(1, 300):
            one.put(Post("two", tuple(drops(number))))
        await wire.mend()
        await until(lambda: len(ear.frames) >= 300, "all")
        assert ear.frames == drops(*range(300))
        assert all(0 <= lag < 5 for lag in ear.lags)
        assert len(ear.lags) < 100  # many went as one


async def test_scripts_that_redis_has_forgotten_are_told_it_again(tmp_path: Path) -> None:
    async with two(tmp_path) as (one, _, _, ear, _, redis):
        await redis.script_flush()
        one.put(Post("two", tuple(drops(1))))
        await until(lambda: ear.frames == drops(1), "it arrives")


async def test_a_room_is_its_owners_alone_to_write_and_what_it_sends_goes_with_it(tmp_path: Path) -> None:
    async with two(tmp_path) as (one, ear, other, far, _, _):
        one.put(Claim("42"))
        await until(lambda: bool(ear.claims), "it is claimed")
        other.put(Claim("42"))
        await until(lambda: bool(far.claims), "the other knows")
        epoch = ear.claims[0].epoch
        assert (ear.claims[0].owner, far.claims[0].owner, far.claims[0].epoch) == ("one", "one", epoch)
        said: AnyFrame = Deliver(room="42", seq=1, sessions=("s",), text=b"hello")
        for number in (1, 2):
            one.put(Commit(room="42", epoch=epoch, number=number, seq=number, frames={"two": [said]}))
        other.put(Commit(room="42", epoch=epoch, number=9, seq=9, frames={"one": [said]}))
        await until(lambda: len(far.frames) == 2 and bool(far.commits), "it is said")
        await until(lambda: len(ear.commits) >= 2, "who has said it hears so, by another way than who is told")
        assert (ear.commits, far.commits, ear.frames) == ([(1, True), (2, True)], [(9, False)], [])
        assert await one.owner_of("42") == "one"
        assert await one.owner_of("43") is None


async def owner(bus: RedisBus, room: str) -> str | None:
    """Ask until Redis answers."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(OSError):
                return await bus.owner_of(room)


async def test_a_redis_that_is_silent_is_given_up_and_no_question_gets_the_answer_to_another(tmp_path: Path) -> None:
    async with two(tmp_path) as (one, ear, _, _, wire, _):
        one.put(Claim("42"))
        await until(lambda: bool(ear.claims), "it is claimed")
        await wire.cut(Cut.SILENT)
        asking = [asyncio.create_task(one.owner_of("42")) for _ in range(3)]
        await asyncio.sleep(0)  # all have asked
        asking[1].cancel()
        answers = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(answers[1], asyncio.CancelledError)
        assert [str(answers[number]) for number in (0, 2)] == ["Redis does not answer: no answer within 1.5 s"] * 2
        await wire.mend()
        assert [await owner(one, room) for room in ("43", "42", "44")] == [None, "one", None]


async def test_one_thing_that_cannot_be_taken_in_makes_no_node_deaf(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with two(tmp_path) as (one, _, _, ear, _, _):
        ear.fails_at = Bye()
        with caplog.at_level(logging.ERROR):
            one.put(Post("two", (Bye(),)))
            await until(lambda: ear.frames == [Bye()], "the first")
            one.put(Post("two", tuple(drops(1))))
            await until(lambda: ear.frames == [Bye(), *drops(1)], "the second")
        assert "could not be taken in" in caplog.text
