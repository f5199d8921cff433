"""What a peer publishes: opened once, given up in the middle, always released."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from peer import DeviceNotFound, ExitState, File, Kind, Outcome, Peer, SourceEnded, TestPattern, UsageError
from peer.publishing import Publishing
from tests.e2e.movie import make_movie
from tests.journal import Journal

Join = Callable[..., "asyncio.Future[Peer]"]
SMALL = {"width": 320, "height": 180, "fps": 10}


async def test_one_source_of_each_kind_at_a_time(join: Join) -> None:
    me = await join("ana")
    pattern = TestPattern(**SMALL)
    sent = await me.publish(pattern, kinds=["video"])
    assert sent.kinds == (Kind.VIDEO,)
    with pytest.raises(UsageError, match="published already"):
        await me.publish(pattern)
    with pytest.raises(UsageError, match="test pattern is our video already"):
        await me.publish(TestPattern(**SMALL))
    await me.publish(TestPattern(**SMALL), kinds=["audio"])
    assert len(me.publications) == 2


async def test_two_at_the_same_moment_are_one_too_many(join: Join) -> None:
    me = await join("ana")
    outcomes = await asyncio.gather(
        me.publish(TestPattern(**SMALL)), me.publish(TestPattern(**SMALL)), return_exceptions=True
    )
    (refused,) = [outcome for outcome in outcomes if isinstance(outcome, UsageError)]
    (sent,) = [outcome for outcome in outcomes if outcome is not refused]
    assert me.publications == (sent,)


async def test_a_source_without_the_kind_that_is_wanted(join: Join) -> None:
    me = await join("ana")
    with pytest.raises(UsageError, match="has no audio"):
        await me.publish(TestPattern(tone=0, **SMALL), kinds=["audio"])
    assert me.publications == ()


async def test_unpublishing_releases_and_another_can_follow(join: Join) -> None:
    me = await join("ana")
    sent = await me.publish(TestPattern(**SMALL))
    assert (await me.unpublish(sent)).outcome is Outcome.VERIFIED
    with pytest.raises(UsageError, match="not published"):
        await me.unpublish(sent)
    await me.publish(TestPattern(**SMALL))


async def test_a_failing_source_leaves_the_peer_in_the_room(join: Join, tmp_path: Path) -> None:
    me = await join("ana")
    with pytest.raises(DeviceNotFound, match="nothing"):
        await me.publish(File(tmp_path / "nothing.webm"))
    assert me.state is ExitState.ACTIVE


async def test_a_file_that_is_over_says_so_once_and_is_released(join: Join, journal: Journal, tmp_path: Path) -> None:
    me = await join("ana")
    movie = File(make_movie(tmp_path / "movie.webm", seconds=0.4))
    await me.publish(movie)
    await journal.until("ana", "sourceEnded")
    assert journal.last("ana") == SourceEnded(device=movie.label)
    assert me.publications == ()


async def test_two_peers_share_one_device_and_the_last_one_closes_it(join: Join) -> None:
    ana, bo = await join("ana"), await join("bo")
    pattern = TestPattern(**SMALL)
    await ana.publish(pattern)
    await bo.publish(pattern)
    first, second = await ana.leave(), await bo.leave()
    assert [(device.outcome, device.text) for device in first.devices] == [
        (Outcome.CLOSED, "given back, still used by 1 more")
    ]
    assert [device.outcome for device in second.devices] == [Outcome.VERIFIED]


@pytest.mark.parametrize("turns", range(12))
async def test_leaving_while_a_device_opens_gives_it_up_at_any_moment(join: Join, turns: int) -> None:
    me = await join("ana")
    publishing = asyncio.create_task(me.publish(TestPattern(**SMALL)))
    for _ in range(turns):
        await asyncio.sleep(0)
    report = await me.leave()
    assert [step.ended for step in report.steps] == ["ok"] * 4
    await asyncio.wait({publishing})
    assert isinstance(publishing.exception(), UsageError | None)
    assert all(device.outcome is Outcome.VERIFIED for device in report.devices)
    # nothing_is_left_behind: the reader's thread is gone


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancelled_publish_publishes_nothing(join: Join, turns: int) -> None:
    me = await join("ana")
    publishing = asyncio.create_task(me.publish(TestPattern(**SMALL)))
    for _ in range(turns):
        await asyncio.sleep(0)
    publishing.cancel()
    await asyncio.wait({publishing})
    assert publishing.cancelled()
    assert me.publications == ()


async def test_a_publication_says_what_is_sent() -> None:
    publishing = Publishing(lambda _: None)
    sent = await publishing.publish(TestPattern(**SMALL), None)
    assert repr(sent).startswith("Publication(source=TestPattern(width=320, height=180")
    assert (sent.kinds, sent.format.width, sent.is_lost) == ((Kind.AUDIO, Kind.VIDEO), 320, False)
    assert publishing.publications == [sent]
    assert [release.outcome for release in await publishing.close()] == [Outcome.VERIFIED]


async def test_an_exit_whose_release_is_begun_again_reports_every_device_all_the_same() -> None:
    publishing = Publishing(lambda _: None)
    await publishing.publish(TestPattern(**SMALL), None)
    closing = asyncio.create_task(publishing.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait({closing})
    for _ in range(2):
        assert [(one.device, one.outcome) for one in await publishing.close()] == [("test pattern", Outcome.VERIFIED)]
    assert publishing.publications == []
