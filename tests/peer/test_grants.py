"""What a token allows, in a real call: who may publish, who may watch, who may speak, and how long one may stay."""

import asyncio
import time
from collections.abc import Callable

import pytest
from aiortc import RTCRtpTransceiver

from peer import OutboundRtpStats, Peer, Reason, Refused, TestPattern, TokenExpiring, UsageError
from signaling.config import SignalingConfig
from signaling.tokens import make
from tests.journal import Journal

Join = Callable[..., "asyncio.Future[Peer]"]
KEY = "a key of thirty-two letters, sure"
SMALL = TestPattern(width=320, height=180, fps=10)
LIMIT = 30.0  # seconds
SHORT = 4.0  # seconds that a token lasts whose end is announced at once, and with which one still comes in


@pytest.fixture
def server_config() -> SignalingConfig:
    return SignalingConfig(grace=5.0, key=KEY)


def token(*grants: str, lasts: float | None = None) -> str:
    return make(KEY, "lobby", grants=grants, expires=None if lasts is None else time.time() + lasts)


async def first_picture(me: Peer, user: str) -> None:
    async with asyncio.timeout(LIMIT):
        async for frame in (await me.user(user)).video.frames():
            if frame.array.any():
                return


async def until_connected(me: Peer, user: str) -> None:
    """Wait until there is a call, whatever flows in it."""
    async with asyncio.timeout(LIMIT):
        while not any(one._pc.connectionState == "connected" for one in me._here.topology._connections.values()):  # noqa: ASYNC110 - no event says so
            await asyncio.sleep(0.02)
    assert user in me.users


@pytest.mark.parametrize("viewer_comes_first", [True, False])
@pytest.mark.parametrize("grants", [("publish",), ("publish", "subscribe")])
async def test_who_may_only_watch_sees_who_may_publish(
    join: Join, viewer_comes_first: bool, grants: tuple[str, ...], journal: Journal
) -> None:
    options = {"ana": token(*grants), "bo": token("subscribe")}
    order = ["bo", "ana"] if viewer_comes_first else ["ana", "bo"]
    peers = {user: await join(user, token=options[user]) for user in order}
    await journal.until(order[0], f"remoteUserJoin {order[1]}")
    await peers["ana"].publish(SMALL)
    await first_picture(peers["bo"], "ana")
    with pytest.raises(UsageError, match="publish"):
        await peers["bo"].publish(TestPattern())
    assert peers["bo"].publications == ()
    directions = [
        transceiver.currentDirection
        for connection in peers["bo"]._here.topology._connections.values()
        for transceiver in connection._pc.getTransceivers()
    ]
    assert directions == ["recvonly", "recvonly"]


async def test_two_who_may_only_watch_are_there_for_each_other_and_a_goodbye_goes_straight(
    join: Join, journal: Journal
) -> None:
    ana, bo = await join("ana", token=token("subscribe")), await join("bo", token=token())
    await until_connected(ana, "bo")
    await until_connected(bo, "ana")
    await bo.leave()
    await journal.until("ana", "remoteUserLeave bo left")


async def test_whoever_lacks_a_grant_is_told_at_once(join: Join) -> None:
    ana = await join("ana", token=token("publish"))
    assert ana.grants == {"publish"}
    with pytest.raises(UsageError, match="message"):
        ana.send_message("chat", "hello")
    with pytest.raises(Refused, match="moderate"):
        await ana.mute_user("bo", "audio")


async def test_a_token_that_is_refreshed_in_time_ends_nothing(
    join: Join, make_peer: Callable[..., Peer], journal: Journal
) -> None:
    ana = make_peer("ana", token=token("publish", lasts=SHORT))

    @ana.on_token_expiring
    async def refresh(event: TokenExpiring) -> None:
        assert 0 < event.expires_in <= SHORT
        await ana.refresh_token(token("publish", "subscribe", "message", lasts=60.0))
        journal.note("ana", "refreshed")

    async with ana:
        await journal.until("ana", "refreshed")  # before bo comes, who would hear of it
        bo = await join("bo", token=token("subscribe", lasts=SHORT))
        assert ana.grants == {"publish", "subscribe", "message"}
        assert (await bo.wait_exited()).reason is Reason.TOKEN_EXPIRED
        await journal.until("ana", "remoteUserLeave bo token_expired")
        assert ana.state.name == "ACTIVE"
        assert journal.of("ana").count("tokenExpiring") == 1
    assert journal.of("bo")[-2:] == ["tokenExpiring", "exitRoom token_expired"]


async def test_a_token_that_does_not_fit_is_refused_and_the_older_goes_on(join: Join) -> None:
    ana = await join("ana", token=token("publish"))
    with pytest.raises(Refused, match="another room"):
        await ana.refresh_token(make(KEY, "attic"))
    with pytest.raises(Refused, match="key has signed"):
        await ana.refresh_token("nonsense")
    assert ana.grants == {"publish"}


@pytest.mark.parametrize("cheats", [False, True])
async def test_who_loses_the_grant_to_publish_is_not_seen_any_more_until_it_is_back(
    join: Join, journal: Journal, cheats: bool
) -> None:
    """A peer that cheats goes on sending: the others hang up on it, and the server passes no new description on."""
    ana, bo = await join("ana", token=token("publish")), await join("bo", token=token("subscribe"))
    await ana.publish(SMALL)
    await first_picture(bo, "ana")
    honest = ana._here.topology.allow
    if cheats:
        ana._here.topology.allow = lambda _grants: None  # type: ignore[method-assign] # what a cheat would change
    (before,) = bo._here.topology._connections.values()
    await ana.refresh_token(token())
    await journal.until("bo", "remoteUserUpdate ana")
    assert before not in bo._here.topology._connections.values()
    assert before._closing is not None
    if cheats:
        ana._here.topology.allow = honest  # type: ignore[method-assign] # back to what it was
        ana._here.topology.allow(ana.grants)
    await until_connected(bo, "ana")
    assert {one.currentDirection for one in transceivers(bo)} == {"inactive"}
    assert not [one for one in ana.stats() if isinstance(one, OutboundRtpStats)]
    await ana.refresh_token(token("publish"))
    await first_picture(bo, "ana")


async def test_who_loses_the_grant_to_subscribe_is_not_sent_anything_any_more(join: Join, journal: Journal) -> None:
    ana, bo = await join("ana", token=token("publish")), await join("bo", token=token("subscribe"))
    await ana.publish(SMALL)
    await first_picture(bo, "ana")
    await bo.refresh_token(token())
    await journal.until("ana", "remoteUserUpdate bo")
    await until_connected(ana, "bo")
    assert {one.currentDirection for one in transceivers(ana)} == {"inactive"}


def transceivers(me: Peer) -> list[RTCRtpTransceiver]:
    return [one for connection in me._here.topology._connections.values() for one in connection._pc.getTransceivers()]
