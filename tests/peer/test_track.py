"""A track of the program's own: sent like a device, and whatever its author got wrong, the exit goes on."""

import asyncio
import threading
from collections.abc import Callable

import numpy as np
import pytest
from aiortc import MediaStreamTrack
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError
from av import VideoFrame

from peer import DeviceFailed, ExitReport, Outcome, Peer, SourceEnded, Track, UsageError
from tests.journal import Journal

MakePeer = Callable[..., Peer]


class Grey(MediaStreamTrack):
    """Grey pictures at 20 fps; subclasses go wrong."""

    kind = "video"

    def __init__(self, *, limit: int = 10**9) -> None:
        super().__init__()
        self.count = 0
        self.limit = limit
        self.stops = 0

    async def recv(self) -> VideoFrame:
        await asyncio.sleep(0.05)
        self.count += 1
        if self.count > self.limit:
            return await self.at_the_limit()
        return VideoFrame.from_ndarray(np.full((91, 161, 3), 128, np.uint8), format="rgb24")

    async def at_the_limit(self) -> VideoFrame:
        raise MediaStreamError

    def stop(self) -> None:
        self.stops += 1
        super().stop()


class Raising(Grey):
    async def at_the_limit(self) -> VideoFrame:
        raise ZeroDivisionError("recv")


class Hanging(Grey):
    async def at_the_limit(self) -> VideoFrame:
        await asyncio.Event().wait()
        raise AssertionError


class StopRaises(Grey):
    def stop(self) -> None:
        super().stop()
        raise ZeroDivisionError("stop")


class StopHangs(Grey):
    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def stop(self) -> None:
        self.let_go.wait(30)


async def test_pictures_of_a_track_arrive_in_our_form(make_peer: MakePeer, journal: Journal) -> None:
    track = Grey()
    async with make_peer("bo") as bo, make_peer("ana") as ana:
        publication = await ana.publish(Track(track))
        assert publication.format.describe() == "161x91, rgb24"
        await journal.until("bo", "remoteUserJoin ana")
        async with asyncio.timeout(30):
            frame = await anext(bo.users["ana"].video.frames())
        assert frame.array.shape == (90, 160, 3)
        report = await ana.leave()
    assert is_well(report)
    assert track.stops == 1


async def test_sound_of_a_track_arrives(make_peer: MakePeer, journal: Journal) -> None:
    async with make_peer("bo") as bo, make_peer("ana") as ana:
        await ana.publish(Track(AudioStreamTrack()))
        await journal.until("bo", "remoteUserJoin ana")
        async with asyncio.timeout(30):
            chunk = await anext(bo.users["ana"].audio.frames())
        assert chunk.array.dtype == np.int16


@pytest.mark.parametrize(("kind", "text"), [(Grey, None), (Raising, "ZeroDivisionError")])
async def test_a_track_that_ends_or_raises_is_told_and_let_go(
    make_peer: MakePeer, journal: Journal, kind: type[Grey], text: str | None
) -> None:
    track = kind(limit=3)
    async with make_peer("ana") as ana:
        await ana.publish(Track(track))
        await journal.until("ana", "sourceEnded")
        ended = next(event for _, event in journal.events if isinstance(event, SourceEnded))
        assert (ended.text is None) == (text is None)
        assert (text or "") in (ended.text or "")
        report = await ana.leave()
    assert is_well(report)
    assert track.stops == 1


@pytest.mark.parametrize("track", [lambda: Hanging(limit=3), StopRaises])
async def test_a_track_that_hangs_or_cannot_be_stopped_does_not_hold_up_the_exit(
    make_peer: MakePeer, track: Callable[[], Grey]
) -> None:
    mine = track()
    async with make_peer("ana") as ana:
        await ana.publish(Track(mine))
        while mine.count < 4:  # noqa: ASYNC110 - the track tells nobody
            await asyncio.sleep(0.01)
        report = await ana.leave()
    assert is_well(report)
    assert mine.stops == 1


async def test_a_stop_that_hangs_is_named_and_the_exit_goes_on(make_peer: MakePeer) -> None:
    mine = StopHangs()
    async with make_peer("ana") as ana:
        await ana.publish(Track(mine))
        report = await ana.leave()
        (device,) = report.devices
        assert (device.outcome, device.text) == (Outcome.STUCK, "its stop() does not return")
        assert is_well(report)
        mine.let_go.set()


async def test_a_track_that_gives_nothing_of_use_cannot_be_published(make_peer: MakePeer) -> None:
    class Wrong(Grey):
        async def recv(self) -> object:
            return "a picture"

    async with make_peer("ana") as ana:
        with pytest.raises(DeviceFailed, match=r"no av\.VideoFrame"):
            await ana.publish(Track(Wrong()))


def test_a_track_is_made_where_its_loop_runs() -> None:
    with pytest.raises(UsageError, match="in a coroutine"):
        Track(object())


def is_well(report: ExitReport) -> bool:
    return [step.ended for step in report.steps] == ["ok"] * 4
