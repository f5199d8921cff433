"""A peer in rooms whose media pass through Janus: what becomes of them when Janus, or the way to it, does not hold."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from peer import File, Peer, Quality, Recorder, TestPattern, UsageError
from peer.events import RemoteUserLeave
from peer.hooks import Hook
from peer.media.inbound_stats import CandidatePairStats
from peer.media.stats import OutboundRtpStats
from peer.topology.janus.line import VIEWER
from signaling.calls import RoomSettings
from signaling.config import SignalingConfig
from signaling.janus.session import JanusSession
from signaling.server import SignalingServer, Site
from tests.cable import Cable
from tests.devices.janus import Janus, janus_server
from tests.e2e.rooms import through
from tests.journal import Journal
from tests.peer.recording.frames import read
from tests.peer.recording.sync import apart, make_film

LIMIT = 40.0  # seconds for anything that is waited for here
SMALL = TestPattern(width=160, height=120, fps=10, tone=0)
IN_SYNC = 0.04  # seconds
CODECS = (("h264", "vp8"), ("opus",))
Enter = Callable[..., "asyncio.Future[Peer]"]


@pytest.fixture
async def janus() -> AsyncIterator[Janus]:
    async with janus_server() as janus:
        yield janus


@pytest.fixture
def journal() -> Journal:
    return Journal()


@asynccontextmanager
async def room(journal: Journal, *servers: Janus, url: str | None = None) -> AsyncIterator[tuple[Site, Enter]]:
    """Serve rooms through these; yield the site, and what lets a peer come in until the end."""
    config = SignalingConfig(**through(*servers, url=url))
    async with SignalingServer(config).listen() as site, AsyncExitStack() as stack:

        async def enter(user: str, **options: object) -> Peer:
            peer = Peer(site.ws_url, room="lobby", user=user, guard=False, **options)
            for hook in [hook for hook in vars(peer).values() if isinstance(hook, Hook)]:
                hook(lambda event: journal.add(user, event))
            return await stack.enter_async_context(peer)

        yield site, enter


async def sees(viewer: Peer, user: str) -> None:
    """Wait for the next picture of a user's."""
    async with asyncio.timeout(LIMIT):
        remote = await viewer.user(user)
        async for _ in remote.video.frames():
            return


async def sees_new(viewer: Peer, user: str) -> None:
    """Wait until pictures of a user's come that were not there before."""
    counts = viewer.users[user].video.counts
    before = counts.packets_received
    async with asyncio.timeout(LIMIT):
        while counts.packets_received < before + 10:
            await sees(viewer, user)


def lose_socket(session: JanusSession, cable: Cable) -> None:
    """End the WebSocket of a session with Janus, which can be had again by the cable alone, once that is mended."""
    line: Any = session._line
    line.url = cable.url
    cable.cut()
    line._socket._response.connection.transport.abort()


def leaves(journal: Journal) -> list[object]:
    return [event for _, event in journal.events if isinstance(event, RemoteUserLeave)]


async def test_one_uplink_and_one_downlink_however_many_there_are(janus: Janus, journal: Journal) -> None:
    async with room(journal, janus) as (_, enter):
        ana = await enter("ana", topology="janus")
        await ana.publish(SMALL)
        others = [await enter(f"viewer-{number}") for number in range(3)]
        await others[0].publish(TestPattern(width=96, height=64, fps=10, tone=0))
        await asyncio.gather(*(sees(other, "ana") for other in others), sees(ana, "viewer-0"))
        sent = [one for one in ana.stats() if isinstance(one, OutboundRtpStats)]
        assert sorted((one.user, one.kind) for one in sent) == [(VIEWER, "audio"), (VIEWER, "video")]
        assert [one.user for one in ana.stats() if isinstance(one, CandidatePairStats)] == [VIEWER, VIEWER]
        assert [one.user for one in others[1].stats() if isinstance(one, CandidatePairStats)] == [VIEWER]


async def test_media_go_on_while_the_socket_to_janus_is_lost_and_who_publishes_then_is_seen(
    janus: Janus, journal: Journal
) -> None:
    async with Cable(janus.url).laid() as cable, room(journal, janus) as (_, enter):
        ana, bo = await enter("ana"), await enter("bo")
        await ana.publish(SMALL)
        await sees(bo, "ana")
        stay = bo._here.topology._stay
        session = stay._downlink._session
        lose_socket(session, cable)
        cy = await enter("cy")
        await cy.publish(TestPattern(width=96, height=64, fps=10, tone=0))
        await sees_new(bo, "ana")
        assert session.state.name == "CLAIMING"
        assert not bo.users["cy"].video.counts.packets_received
        cable.mend()
        await sees(bo, "cy")
        assert bo._here.topology._stay is stay, "the session was claimed"
        assert leaves(journal) == []


async def test_who_publishes_anew_while_the_socket_to_janus_is_lost_is_seen_again(
    janus: Janus, journal: Journal
) -> None:
    async with Cable(janus.url).laid() as cable, room(journal, janus) as (_, enter):
        ana, bo = await enter("ana"), await enter("bo")
        await ana.publish(SMALL)
        await sees(bo, "ana")
        stay, up = bo._here.topology._stay, ana._here.topology._stay._uplink
        session = stay._downlink._session
        lose_socket(session, cable)
        before = up._line
        await before._connection._pc.close()
        async with asyncio.timeout(LIMIT):
            while up._line in {before, None} or up.pair() is None:  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.05)
        cable.mend()
        await sees_new(bo, "ana")
        assert bo._here.topology._stay is stay, "the session was claimed"
        assert leaves(journal) == []


async def test_a_janus_that_starts_anew_carries_the_room_again_and_nobody_leaves(
    janus: Janus, journal: Journal
) -> None:
    async with room(journal, janus) as (_, enter):
        ana, bo = await enter("ana"), await enter("bo")
        await asyncio.gather(ana.publish(SMALL), bo.publish(TestPattern(width=96, height=64, fps=10, tone=0)))
        await asyncio.gather(sees(ana, "bo"), sees(bo, "ana"))
        await janus.kill()
        await janus.start()
        await asyncio.gather(sees_new(ana, "bo"), sees_new(bo, "ana"))
        assert leaves(journal) == []


async def test_a_room_whose_janus_dies_is_carried_by_the_other(janus: Janus, journal: Journal) -> None:
    async with janus_server() as second, room(journal, janus, second) as (_, enter):
        ana, bo = await enter("ana"), await enter("bo")
        await ana.publish(SMALL)
        await sees(bo, "ana")
        first = ana._here.topology._media
        assert first is not None
        await (janus if first.url == janus.url else second).kill()
        await sees_new(bo, "ana")
        now = ana._here.topology._media
        assert now is not None
        assert now.url != first.url
        assert leaves(journal) == []


async def test_a_connection_that_fails_is_made_anew_up_and_down(janus: Janus, journal: Journal) -> None:
    async with room(journal, janus) as (_, enter):
        ana, bo = await enter("ana"), await enter("bo")
        await ana.publish(SMALL)
        await sees(bo, "ana")
        for link in (ana._here.topology._stay._uplink, bo._here.topology._stay._downlink):
            await link._line._connection._pc.close()
            await sees_new(bo, "ana")


async def test_a_janus_that_trickles_is_connected_to(journal: Journal) -> None:
    async with janus_server(trickles=True) as janus, room(journal, janus) as (_, enter):
        ana, bo = await enter("ana"), await enter("bo")
        await ana.publish(SMALL)
        await sees(bo, "ana")
        for link in (ana._here.topology._stay._uplink, bo._here.topology._stay._downlink):
            for ice in link._line._connection._pc._RTCPeerConnection__iceTransports:
                assert [one.type for one in ice._connection.remote_candidates] == ["host"]


async def test_a_frozen_janus_delays_no_exit(janus: Janus, journal: Journal) -> None:
    async with room(journal, janus) as (_, enter):
        ana, bo = await enter("ana"), await enter("bo")
        await ana.publish(SMALL)
        await sees(bo, "ana")
        janus.freeze()
        before = time.monotonic()
        report = await ana.leave()
        assert time.monotonic() - before < 5
        assert [(step.name, step.ended) for step in report.steps[:3]] == [
            ("notifying", "ok"),
            ("releasing", "ok"),
            ("closing", "ok"),
        ]
        await journal.until("bo", "remoteUserLeave ana left")
        janus.thaw()


async def test_a_recording_of_what_came_through_janus_is_complete_and_in_sync(
    janus: Janus, journal: Journal, tmp_path: Path
) -> None:
    film, path, ended = File(make_film(tmp_path / "film.webm", 3)), tmp_path / "room.mkv", asyncio.Event()
    async with room(journal, janus) as (_, enter):
        me, ana = await enter("me", quality_interval=0.5), await enter("ana")
        ana.on_source_ended(lambda _: ended.set())
        before = await ana.publish(SMALL)
        await sees(me, "ana")  # the connections are there, and stay for the film
        await ana.unpublish(before)
        await Recorder(me, path).start()
        await ana.publish(film)
        async with asyncio.timeout(LIMIT):
            await ended.wait()
        assert me.quality("ana") is not Quality.UNKNOWN
        await me.leave()
    names = read(path).names
    skews = apart(
        path, *(next(n for n, name in enumerate(names) if name in {f"ana {one}" for one in of}) for of in CODECS)
    )
    assert skews
    assert max(map(abs, skews)) < IN_SYNC, skews


@pytest.mark.parametrize(("has_janus", "wanted"), [(True, "mesh"), (False, "janus")])
async def test_a_room_whose_media_pass_otherwise_is_not_entered(
    janus: Janus, journal: Journal, has_janus: bool, wanted: str
) -> None:
    config = SignalingConfig(**through(janus)) if has_janus else SignalingConfig()
    bo_in = AsyncExitStack()
    async with SignalingServer(config).listen() as site, bo_in:
        bo = await bo_in.enter_async_context(Peer(site.ws_url, room="lobby", user="bo", guard=False))
        for hook in [hook for hook in vars(bo).values() if isinstance(hook, Hook)]:
            hook(lambda event: journal.add("bo", event))
        with pytest.raises(UsageError, match=f"not by {wanted}: leave `topology` out"):
            async with Peer(site.ws_url, room="lobby", user="ana", guard=False, topology=wanted):
                pass
        await journal.until("bo", "remoteUserLeave ana left")


async def test_a_server_of_rtcmulticonnection_has_no_janus() -> None:
    with pytest.raises(UsageError, match="media pass by mesh in this room, not by janus"):
        async with Peer("rtcmulticonnection+http://127.0.0.1:1/", room="lobby", user="ana", topology="janus"):
            pass


async def test_the_codec_that_a_program_asks_for_is_what_everybody_gets(janus: Janus, journal: Journal) -> None:
    async with room(journal, janus) as (_, enter):
        bo = await enter("bo")
        for codec in ("vp8", "h264"):
            user = await enter(f"in-{codec}")
            await user.publish(TestPattern(width=96, height=64, fps=10, tone=0), codec=codec)
            await sees(bo, f"in-{codec}")
            assert bo.users[f"in-{codec}"].video.counts.codec == codec


async def test_who_is_moved_from_a_mesh_into_a_room_of_janus_and_back_goes_on_sending_and_seeing(janus: Janus) -> None:
    config = SignalingConfig(**{**through(janus), "topology": "mesh"})
    server, by_janus = SignalingServer(config), []
    await server.create(replace(RoomSettings.usual("hall", config), topology="janus", close_when_empty=False))
    async with (
        server.listen() as site,
        Peer(site.ws_url, room="lobby", user="ana", guard=False) as ana,
        Peer(site.ws_url, room="lobby", user="bo", guard=False) as bo,
    ):
        await asyncio.gather(ana.publish(SMALL), bo.publish(TestPattern(width=96, height=64, fps=10, tone=0)))
        for here, there in (("lobby", "hall"), ("hall", "lobby"), ("lobby", "lobby")):
            await asyncio.gather(sees(ana, "bo"), sees(bo, "ana"))
            by_janus.append(VIEWER in {one.user for one in ana.stats()})
            for user in ("ana", "bo") if here != there else ():
                assert await server.move(here, user, there)
            async with asyncio.timeout(LIMIT):
                await asyncio.gather(*(until_in(one, there) for one in (ana, bo)))
    assert by_janus == [False, True, False]


async def until_in(peer: Peer, room: str) -> None:
    """Wait until a peer is in a room, in which there is somebody else."""
    events = peer.events()
    while peer.room != room or not peer.users:
        await anext(events)
