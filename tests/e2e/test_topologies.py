"""The same program in a mesh and through Janus: what is seen, heard, said and told is the same."""

import asyncio
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from peer import Peer, TestPattern
from peer.hooks import Hook
from signaling.config import SignalingConfig
from signaling.server import SignalingServer, Site
from signaling.tokens import make
from tests.e2e.rooms import TOPOLOGIES, rooms_of
from tests.journal import Journal

LIMIT = 30.0  # seconds for anything that is waited for here
KEY = "a key for the tests of the topologies"
EVERYTHING = ("publish", "subscribe", "message", "moderate")
BLACK = 24  # of 255: what a black picture's mean is under
PATTERNS = {
    "ana": TestPattern(width=320, height=240, fps=10, tone=400),
    "bo": TestPattern(width=160, height=120, fps=10, tone=800),
    "cy": TestPattern(width=128, height=96, fps=10, tone=1600),
}
MakePeer = Callable[..., Peer]


@pytest.fixture(params=TOPOLOGIES)
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    async with (
        rooms_of(request.param) as settings,
        SignalingServer(SignalingConfig(key=KEY, **settings)).listen() as site,
    ):
        yield site


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def make_peer(site: Site, journal: Journal) -> MakePeer:
    def make_one(user: str, grants: tuple[str, ...] = EVERYTHING, **options: object) -> Peer:
        token = make(KEY, "lobby", user, grants)
        peer = Peer(site.ws_url, room="lobby", user=user, token=token, guard=False, **options)
        for hook in [hook for hook in vars(peer).values() if isinstance(hook, Hook)]:
            hook(lambda event: journal.add(user, event))
        return peer

    return make_one


async def picture(viewer: Peer, user: str, accept: Callable[[np.ndarray], bool] = lambda _: True) -> np.ndarray:
    """Return the next picture of a user's that is accepted."""
    async with asyncio.timeout(LIMIT):
        remote = await viewer.user(user)
        async for frame in remote.video.frames():
            if accept(frame.array):
                return frame.array
    raise AssertionError(f"{user} has left")


async def pitch(listener: Peer, user: str) -> int:
    """Return the frequency of a user's tone, Hz, in steps of 50."""
    async with asyncio.timeout(LIMIT):
        remote = await listener.user(user)
        heard: list[np.ndarray] = []
        async for chunk in remote.audio.frames():
            assert chunk.rate is not None
            heard.append(chunk.array[:, 0])
            samples = np.concatenate(heard)[-chunk.rate // 5 :]
            spectrum = np.abs(np.fft.rfft(samples))
            loudest = int(np.argmax(spectrum))
            if len(samples) == chunk.rate // 5 and spectrum[loudest] > 1e5:  # the first packets may fade in
                return round(loudest * chunk.rate / len(samples) / 50) * 50
    raise AssertionError(f"{user} has left")


async def sees(viewer: Peer, user: str) -> None:
    """Wait until a viewer sees what this user publishes, and nobody else does."""
    pattern = PATTERNS[user]
    shown = await picture(viewer, user, lambda shown: shown.shape[:2] == (pattern.height, pattern.width))
    assert shown.std() > 20, "a pattern has light and dark parts"


async def test_two_see_and_hear_each_other_and_a_third_who_comes_late_both(make_peer: MakePeer) -> None:
    async with make_peer("ana") as ana, make_peer("bo") as bo:
        await asyncio.gather(ana.publish(PATTERNS["ana"]), bo.publish(PATTERNS["bo"]))
        await asyncio.gather(sees(ana, "bo"), sees(bo, "ana"))
        assert await asyncio.gather(pitch(ana, "bo"), pitch(bo, "ana")) == [800, 400]
        async with make_peer("cy") as cy:
            await asyncio.gather(sees(cy, "ana"), sees(cy, "bo"), cy.publish(PATTERNS["cy"]))
            assert await asyncio.gather(pitch(cy, "ana"), pitch(cy, "bo")) == [400, 800]
            await asyncio.gather(sees(ana, "cy"), sees(bo, "cy"), sees(bo, "ana"))
            stats = [one for one in cy.stats() if hasattr(one, "frames_received")]
            assert {(one.user, one.kind) for one in stats if one.frames_received} == {
                (user, kind) for user in ("ana", "bo") for kind in ("audio", "video")
            }


async def test_who_comes_in_the_place_of_one_who_left_is_seen_as_who_they_are(
    make_peer: MakePeer, journal: Journal
) -> None:
    async with make_peer("bo") as bo:
        async with make_peer("ana") as ana:
            await ana.publish(PATTERNS["ana"])
            await sees(bo, "ana")
        for user in ("cy", "ana"):
            async with make_peer(user) as one:
                await one.publish(PATTERNS[user])
                await sees(bo, user)
                assert await pitch(bo, user) == PATTERNS[user].tone
    assert [line for line in journal.of("bo") if line.startswith("remoteUser")] == [
        f"remoteUser{what}" for user in ("ana", "cy", "ana") for what in (f"Join {user}", f"Leave {user} left")
    ]


async def test_mute_and_unpublish_are_told_and_what_is_published_again_is_seen(
    make_peer: MakePeer, journal: Journal
) -> None:
    async with make_peer("ana") as ana, make_peer("bo") as bo:
        await ana.publish(PATTERNS["ana"])
        await sees(bo, "ana")
        ana.mute("video")
        await journal.until_media("bo", "remoteUserMuted ana")
        await picture(bo, "ana", lambda shown: shown.mean() < BLACK)
        ana.unmute("video")
        await journal.until_media("bo", "remoteUserUnmuted ana")
        await picture(bo, "ana", lambda shown: shown.mean() > BLACK)
        await ana.unpublish(PATTERNS["ana"])
        await journal.until_media("bo", "remoteUserUnpublished ana")
        await ana.publish(PATTERNS["cy"])
        shown = await picture(bo, "ana", lambda shown: shown.shape[0] == PATTERNS["cy"].height)
        assert shown.std() > 20
        assert "remoteUserFrozen ana" not in journal.media_of("bo")


async def test_what_is_said_and_asked_arrives_small_and_large(make_peer: MakePeer) -> None:
    async with make_peer("ana") as ana, make_peer("bo") as bo:

        @bo.respond("sum")
        def add(request: object) -> int:
            return sum(request.data)

        await ana.user("bo", timeout=LIMIT)
        messages = bo.messages("chat")
        for number in range(20):
            await ana.send({"number": number}, to="bo", topic="chat")
        async with asyncio.timeout(LIMIT):
            assert [(await anext(messages)).data["number"] for _ in range(20)] == list(range(20))
        assert await ana.request("bo", "sum", [1, 2, 3], timeout=LIMIT) == 6
        large = bytes(range(256)) * 800
        await ana.send(large, to="bo", topic="chat")
        async with asyncio.timeout(LIMIT):
            assert (await anext(messages)).data == large
            while not await said(ana, b"now or never"):  # noqa: ASYNC110 - its channel tells nobody that it opens
                await asyncio.sleep(0.05)
            assert (await anext(messages)).data == b"now or never"
            handed_over = [await ana.send(b"x", to="bo", topic="flood", reliable=False) for _ in range(200)]
        assert {delivery.path for delivery in handed_over} <= {"channel", "server", "dropped"}
        assert await ana.request("bo", "sum", [4], timeout=LIMIT) == 4, "the flood kept nothing else away"


async def said(peer: Peer, data: bytes) -> bool:
    """Say something that may be lost; whether it was said at all."""
    return (await peer.send(data, to="bo", topic="chat", reliable=False)).path != "dropped"


async def test_a_leave_that_waits_for_everyone_is_acknowledged_by_everyone(
    make_peer: MakePeer, journal: Journal
) -> None:
    async with make_peer("bo"), make_peer("cy"), make_peer("ana") as ana:
        await ana.publish(PATTERNS["ana"])
        report = await ana.leave(wait="everyone")
        assert report.unacknowledged == ()
        assert [line for user in ("bo", "cy") for line in journal.of(user) if "Leave" in line] == [
            "remoteUserLeave ana left"
        ] * 2


async def test_who_may_not_publish_sees_and_who_may_not_subscribe_does_not(make_peer: MakePeer) -> None:
    async with (
        make_peer("ana") as ana,
        make_peer("bo", ("subscribe",)) as bo,
        make_peer("cy", ("publish", "message")) as cy,
    ):
        await asyncio.gather(ana.publish(PATTERNS["ana"]), cy.publish(PATTERNS["cy"]))
        await asyncio.gather(sees(bo, "ana"), sees(bo, "cy"), sees(ana, "cy"))
        assert cy.users["ana"].video.counts.packets_received == 0
        narrower = make(KEY, "lobby", "ana", ("publish", "message"))
        await ana.refresh_token(narrower)
        seen = ana.users["cy"].video.counts
        async with asyncio.timeout(LIMIT):
            before = -1
            while before != seen.packets_received:
                before = seen.packets_received
                await asyncio.sleep(0.5)  # five pictures' time
        await ana.refresh_token(make(KEY, "lobby", "ana", EVERYTHING))
        await sees(ana, "cy")
