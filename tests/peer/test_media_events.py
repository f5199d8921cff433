"""What a peer is told of the others' pictures and sound, through a real call."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import TypeVar

import numpy as np
from aiortc import MediaStreamTrack
from av import VideoFrame

from peer import AudioSource, Peer, RemoteUserFirstFrame, RemoteUserResumed, TestPattern, Track
from peer.events import Event
from tests.journal import Journal

Join = Callable[..., "asyncio.Future[Peer]"]
LIMIT = 30.0  # seconds
EventT = TypeVar("EventT", bound=Event)
SMALL = {"width": 160, "height": 120, "fps": 10, "tone": 0}


class Stalling(MediaStreamTrack):
    """Grey pictures at 20 fps, for as long as it `flows`."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.flows = asyncio.Event()
        self.flows.set()

    async def recv(self) -> VideoFrame:
        await asyncio.sleep(0.05)
        await self.flows.wait()
        return VideoFrame.from_ndarray(np.full((90, 160, 3), 128, np.uint8), format="rgb24")


def told(journal: Journal, kind: type[EventT]) -> list[EventT]:
    """Return what bo was told of one kind."""
    return [event for user, event in journal.events if user == "bo" and isinstance(event, kind)]


async def see(user: str, me: Peer, count: int = 5) -> None:
    """Wait until so many pictures of a user have come."""
    pictures = me.users[user].video.frames(latest=False)
    async with asyncio.timeout(LIMIT), aclosing(pictures):
        for _ in range(count):
            await anext(pictures)


async def test_the_first_picture_a_freeze_and_its_end_are_told_once_each(join: Join, journal: Journal) -> None:
    ana, bo = await join("ana"), await join("bo")
    track = Stalling()
    await ana.publish(Track(track))
    await journal.until_media("bo", "remoteUserFirstFrame ana")
    (first,) = told(journal, RemoteUserFirstFrame)
    assert (first.kind, first.session) == ("video", ana.session)
    await see("ana", bo)
    track.flows.clear()
    await journal.until_media("bo", "remoteUserFrozen ana")
    track.flows.set()
    await journal.until_media("bo", "remoteUserResumed ana")
    assert all(0.15 < resumed.frozen_for < LIMIT for resumed in told(journal, RemoteUserResumed))
    assert len(told(journal, RemoteUserFirstFrame)) == 1


async def test_a_muted_picture_is_no_frozen_one(join: Join, journal: Journal) -> None:
    ana, bo = await join("ana"), await join("bo")
    await ana.publish(TestPattern(**SMALL))
    video = (await bo.user("ana", timeout=LIMIT)).video
    await video.first_frame(timeout=LIMIT)
    ana.mute("video")
    await journal.until_media("bo", "remoteUserMuted ana")
    async with asyncio.timeout(LIMIT):
        async for frame in video.frames("gray"):
            if frame.array.max() < 30:
                break
        for _ in range(2):  # black comes once a second
            await anext(video.frames("gray"))
    ana.unmute("video")
    await journal.until_media("bo", "remoteUserUnmuted ana")
    events = journal.media_of("bo")  # before and after, a machine that is busy may let a picture freeze
    muted = events[events.index("remoteUserMuted ana") : events.index("remoteUserUnmuted ana")]
    assert "remoteUserFrozen ana" not in muted


async def test_what_is_no_longer_published_is_told_as_that_and_is_no_freeze(join: Join, journal: Journal) -> None:
    ana, bo = await join("ana"), await join("bo")
    sent = await ana.publish(TestPattern(**SMALL))
    await journal.until_media("bo", "remoteUserPublished ana")
    await see("ana", bo)
    ana.mute("audio")  # which is not published: whoever wants to know is told all the same
    await ana.unpublish(sent)
    await journal.until_media("bo", "remoteUserUnpublished ana")
    assert (bo.users["ana"].published, bo.users["ana"].muted) == (frozenset(), {"audio"})
    assert bo.users["ana"].video.ledger.flow.next_deadline() is None  # there is no freeze to come
    await ana.publish(TestPattern(**SMALL))
    await journal.until_true(lambda: journal.media_of("bo").count("remoteUserPublished ana") == 2)
    await see("ana", bo)
    cleo = await join("cleo")
    await journal.until_media("cleo", "remoteUserMuted ana")
    assert cleo.users["ana"].published == {"video"}
    await ana.leave()
    await journal.until("cleo", "remoteUserLeave ana left")
    freezes = ("remoteUserFrozen ana", "remoteUserResumed ana")  # by a machine that is busy
    events = [event for event in journal.media_of("bo") if event not in freezes]
    assert set(events[:2]) == {"remoteUserPublished ana", "remoteUserFirstFrame ana"}  # they come by different ways
    assert events[2:] == ["remoteUserMuted ana", "remoteUserUnpublished ana", "remoteUserPublished ana"]


async def test_who_is_loud_is_speaking_until_it_is_quiet(join: Join, journal: Journal) -> None:
    ana, _ = await join("ana"), await join("bo")
    source = AudioSource()
    await ana.publish(source)
    tone = 0.3 * np.sin(np.arange(48_000 * 60) * 2 * np.pi * 300 / 48_000)
    speaking = asyncio.create_task(source.write(tone))
    await journal.until_media("bo", "remoteUserSpeaking ana")
    assert "remoteUserSilent ana" not in journal.media_of("bo")
    source.clear()
    await journal.until_media("bo", "remoteUserSilent ana")
    assert await speaking is False
