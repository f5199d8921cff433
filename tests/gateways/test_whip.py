"""WHIP publishers and WHEP players in a room with Python peers: what is seen, and every way to leave."""

import asyncio
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from peer import Peer, RemoteUserLeave
from peer.capture import TestPattern
from peer.gateways.player import Player
from peer.media.passage import NO_ENCODER
from peer.media.stats import OutboundRtpStats, outbound
from signaling.reasons import Detection, Reason
from signaling.tokens import make
from tests.command import exeunt, python
from tests.gateways.clients import COLOUR, LIMIT, Client, client
from tests.gateways.whip_room import SILENCE, WhipRoom, whip_room

KEY = "a key of more than sixteen bytes"
TOLERANCE = 12  # of a colour that went through an encoder


async def see(peer: Peer, user: str) -> np.ndarray:
    """Return the first picture of a user that is not a beginning."""
    async with asyncio.timeout(LIMIT):
        async for frame in (await peer.user(user)).video.frames():
            if frame.array.mean() > 1:
                return frame.array
    raise AssertionError("the pictures have ended")


async def hear(peer: Peer, user: str) -> None:
    """Wait for some sound of a user."""
    async with asyncio.timeout(LIMIT):
        async for _ in (await peer.user(user)).audio.chunks():
            return


def sent(room: WhipRoom, number: int = 0) -> dict[str, tuple[str, str]]:
    """Return by kind how a session's user sends what it sends."""
    streams = [one for one in room.gateway.sessions[number].proxy.stats() if isinstance(one, OutboundRtpStats)]
    return {one.kind: (one.encoder_implementation, one.codec) for one in streams}


def shown(room: WhipRoom) -> dict[str, tuple[str, str]]:
    """Return by kind how a player is sent what it shows."""
    (player,) = [session for session in room.gateway.sessions if isinstance(session, Player)]
    streams = outbound(fanout.audience for fanout in player._publishing.fanouts.values())
    return {one.kind: (one.encoder_implementation, one.codec) for one in streams}


def told(room: WhipRoom, user: str, of: str) -> RemoteUserLeave:
    """Return the one leave of somebody that a user was told of."""
    (leave,) = [e for who, e in room.journal.events if who == user and isinstance(e, RemoteUserLeave) and e.user == of]
    return leave


@pytest.mark.parametrize("codec", ["video/VP8", "video/H264"])
async def test_a_publisher_is_seen_and_heard_as_it_sends_and_leaves_by_delete(codec: str) -> None:
    async with whip_room() as room, client(publishes=True, codec=codec) as obs:
        ana = await room.join("ana")
        await obs.begin(room.whip)
        picture = await see(ana, "obs")
        assert np.abs(picture.mean(axis=(0, 1)) - COLOUR).max() < TOLERANCE
        await hear(ana, "obs")
        assert sent(room) == {"video": (NO_ENCODER, codec[6:]), "audio": (NO_ENCODER, "OPUS")}
        began = time.monotonic()
        assert await obs.delete() == 200
        assert "remoteUserLeave obs left" in room.journal.of("ana")  # before the answer came
        assert time.monotonic() - began < LIMIT
        assert await obs.delete() == 404
        assert await obs.patch("a=end-of-candidates") == 404
        assert told(room, "ana", "obs").detected_by is Detection.NOTICE
        assert room.gateway.sessions == ()


async def test_who_comes_later_sees_a_publisher_and_each_in_their_own_codec() -> None:
    async with whip_room() as room, client(publishes=True, codec="video/VP8", kinds=("video",)) as obs:
        await obs.begin(room.whip)
        ana = await room.join("ana")
        await see(ana, "obs")
        assert sent(room)["video"] == (NO_ENCODER, "VP8")
        async with client(publishes=False, codec="video/H264", kinds=("video",)) as screen:
            await screen.begin(room.whep("obs"))
            await screen.until(lambda: len(screen.frames) >= 3)
            assert np.abs(screen.frames[-1].to_ndarray(format="rgb24").mean(axis=(0, 1)) - COLOUR).max() < TOLERANCE
            assert shown(room) == {"video": ("libx264", "H264")}
            await screen.delete()
        await obs.delete()


async def test_a_player_shows_a_peer_goes_on_when_that_comes_back_and_leaves() -> None:
    async with whip_room() as room, client(publishes=False) as screen:
        await room.join("ana")
        ben = await room.join("ben")
        await ben.publish(TestPattern(width=320, height=180, fps=15))
        await screen.begin(room.whep("ben"))
        await screen.until(lambda: len(screen.frames) >= 5)
        (session,) = room.gateway.sessions
        assert session.proxy.users["ana"].video.frame_count == 0  # it takes nobody else's
        again = await room.join("ben")  # replaces the other
        await again.publish(TestPattern(width=160, height=120, fps=15))
        await screen.until(lambda: screen.frames[-1].width == 160)
        assert await screen.delete() == 200
        assert told(room, "ana", "screen").reason is Reason.LEFT


async def test_a_moderator_mutes_a_publisher_who_knows_nothing_of_that() -> None:
    async with whip_room() as room, client(publishes=True, kinds=("video",)) as obs:
        ana = await room.join("ana")
        await obs.begin(room.whip)
        await see(ana, "obs")
        assert await room.server.mute("lobby", "obs", "video")
        async with asyncio.timeout(LIMIT):
            async for frame in ana.users["obs"].video.frames():
                if frame.array.mean() < TOLERANCE:
                    break
        await obs.delete()


async def test_a_token_that_expires_ends_the_session() -> None:
    async with whip_room({"key": KEY}) as room, client(publishes=True, kinds=("audio",)) as obs:
        await room.join("ana", token=make(KEY, "lobby", "ana"))
        await obs.begin(room.whip, make(KEY, "lobby", "obs", expires=time.time() + 6))  # not before it is connected
        await room.journal.until("ana", "remoteUserLeave obs token_expired")
        await room.until_empty()
        assert await obs.delete() == 404


async def kicked(room: WhipRoom, _: Client) -> None:
    assert await room.server.kick("lobby", "obs", "too loud")


async def replaced(room: WhipRoom, _: Client) -> None:
    await room.join("obs")


async def closed(_: WhipRoom, obs: Client) -> None:
    await obs.pc.close()


async def dismissed(room: WhipRoom, _: Client) -> None:
    await room.server.dismiss("lobby")


@pytest.mark.parametrize(
    ("act", "reason", "known_by"),
    [
        (kicked, Reason.KICKED, Detection.ADMIN),
        (replaced, Reason.REPLACED, Detection.ADMIN),
        (closed, Reason.LEFT, Detection.NOTICE),
        (dismissed, Reason.DISMISSED, None),
    ],
)
async def test_whoever_ends_it_both_sides_learn_of_it(act: object, reason: Reason, known_by: Detection | None) -> None:
    assert callable(act)
    async with whip_room() as room, client(publishes=True) as obs:
        ana = await room.join("ana")
        await obs.begin(room.whip)
        await see(ana, "obs")
        (session,) = room.gateway.sessions
        await act(room, obs)
        await room.until_empty()
        assert (await session.proxy.wait_exited()).reason is reason
        if known_by is not None:
            await room.journal.until("ana", f"remoteUserLeave obs {reason}")
            assert told(room, "ana", "obs").detected_by is known_by
        await obs.until(lambda: obs.pc.connectionState == "closed")
        assert await obs.delete() == 404


async def test_a_server_that_ends_takes_its_sessions_with_it() -> None:
    async with client(publishes=True) as obs:
        async with whip_room() as room:
            await obs.begin(room.whip)
            (session,) = room.gateway.sessions
        assert (await session.proxy.wait_exited()).reason is Reason.SERVER_SHUTDOWN
        await obs.until(lambda: obs.pc.connectionState == "closed")


async def test_a_publisher_that_is_killed_is_lost_known_by_its_media(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    async with whip_room({"journal": journal}, silence=SILENCE) as room:
        ana = await room.join("ana")
        async with python("-m", "tests.gateways.clients", room.whip) as obs:
            assert await obs.line() == "connected"
            await see(ana, "obs")
            obs.signal(signal.SIGKILL)
            await room.journal.until("ana", "remoteUserLeave obs network_lost")
        leave = told(room, "ana", "obs")
        assert leave.detected_by is Detection.MEDIA
        assert SILENCE <= leave.silent_for < SILENCE + LIMIT
        await room.until_empty()
    async with exeunt("why", str(journal), "obs") as why:
        assert "by the media" in (await why.end())[1]
