"""Peers and a real server: who is told what, in which order, once."""

import asyncio
import re
import time
from collections.abc import Callable

import pytest

from peer import ExitReport, ExitRoom, Outcome, Peer, Reason, Refused, RemoteUserLeave, TestPattern, UsageError
from peer.exit import ExitState
from signaling.config import Duplicate, SignalingConfig
from signaling.effects import Effect, Send
from signaling.messages import ExitRoom as LastWord
from signaling.observer import Observer
from signaling.server import SignalingServer, Site
from tests.cable import Cable
from tests.journal import Journal

Join = Callable[..., "asyncio.Future[Peer]"]
SMALL = TestPattern(width=320, height=180, fps=10)
SOUND = TestPattern(width=64, height=64, fps=1)
LIMIT = 40.0  # seconds; a first call may fail on a busy machine, and another is made


class Said(Observer):
    """What the server says of leaves, in its order: who hears it first is the network's affair."""

    def __init__(self, server: SignalingServer) -> None:
        self.words: list[str] = []
        server.observers.add(self)

    def did(self, effect: Effect) -> None:
        if isinstance(effect, Send) and isinstance(effect.message, RemoteUserLeave | LastWord):
            self.words.append(type(effect.message).__name__)


async def test_everybody_is_told_of_everybody_and_the_leaver_last(
    make_peer: Callable[..., Peer], journal: Journal, server: SignalingServer
) -> None:
    said = Said(server)
    async with make_peer("ana", extra={"colour": "red"}), make_peer("bo") as bo:
        await journal.until("ana", "remoteUserJoin bo")
        assert bo.users["ana"].extra == {"colour": "red"}
        report = await bo.leave()
        await journal.until("ana", "remoteUserLeave bo left")
        assert said.words == ["RemoteUserLeave", "ExitRoom"]
    assert journal.of("ana") == ["enterRoom", "remoteUserJoin bo", "remoteUserLeave bo left", "exitRoom left"]
    assert journal.of("bo") == ["enterRoom", "remoteUserJoin ana", "exitRoom left"]
    assert report.notice == "acknowledged"
    assert [step.ended for step in report.steps] == ["ok"] * 4


async def test_the_device_is_free_when_on_exit_room_fires_and_the_others_know_before(
    make_peer: Callable[..., Peer], journal: Journal, server: SignalingServer
) -> None:
    ana, said = make_peer("ana"), Said(server)

    @ana.on_exit_room
    async def open_again(event: ExitRoom) -> None:
        journal.note("ana", f"{event.report.devices[0].device} {event.report.devices[0].outcome}")

    async with make_peer("bo"):
        async with ana as me:
            await me.publish(SMALL)
            await journal.until("bo", "remoteUserJoin ana")
        await journal.until("bo", "remoteUserLeave ana left")
        assert journal.of("ana")[-2:] == ["exitRoom left", f"test pattern {Outcome.VERIFIED}"]
        assert said.words == ["RemoteUserLeave", "ExitRoom"]


async def test_an_exception_in_the_block_is_told_as_an_error(make_peer: Callable[..., Peer], journal: Journal) -> None:
    async with make_peer("ana"):
        with pytest.raises(ZeroDivisionError):
            async with make_peer("bo"):
                raise ZeroDivisionError("no")
        await journal.until("ana", "remoteUserLeave bo error")
    own = journal.last("bo")
    assert isinstance(own, ExitRoom)
    assert (own.reason, own.text) == (Reason.ERROR, "ZeroDivisionError: no")


async def test_leaving_from_many_tasks_and_handlers_is_one_exit(
    make_peer: Callable[..., Peer], journal: Journal
) -> None:
    ana, reports = make_peer("ana"), []

    @ana.on_remote_user_join
    async def leave_in_a_handler(_: object) -> None:
        reports.append(await ana.leave())

    @ana.on_exit_room
    async def leave_while_exiting(_: object) -> None:
        reports.append(await ana.leave())

    async with ana, make_peer("bo"):
        await ana.wait_exited()
        assert await asyncio.gather(*(ana.leave() for _ in range(5))) == [await ana.leave()] * 5
        await journal.until("bo", "remoteUserLeave ana left")
    assert journal.of("ana").count("exitRoom left") == 1
    assert journal.of("bo").count("remoteUserLeave ana left") == 1
    assert [report.reason for report in reports] == [Reason.LEFT, Reason.LEFT]


@pytest.mark.parametrize("times", [1, 2, 5])
async def test_cancellation_leaves_properly_and_is_not_swallowed(
    make_peer: Callable[..., Peer], journal: Journal, times: int
) -> None:
    async def visit() -> None:
        async with make_peer("bo") as bo:
            await bo.publish(SMALL)
            await bo.wait_exited()

    async with make_peer("ana"):
        task = asyncio.create_task(visit())
        await journal.until("ana", "remoteUserJoin bo")
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait({task})
        assert task.cancelled()
        await journal.until("ana", "remoteUserLeave bo left")
    assert journal.of("bo")[-1] == "exitRoom left"


async def test_a_moderator_kicks_with_a_text(join: Join, journal: Journal) -> None:
    ana, bo = await join("ana"), await join("bo")
    await journal.until("ana", "remoteUserJoin bo")
    await ana.kick("bo", "be kind")
    report = await bo.wait_exited()
    assert (report.reason, report.text) == (Reason.KICKED, "be kind")
    assert journal.of("ana")[-1] == "remoteUserLeave bo kicked"
    told = journal.last("ana")
    assert isinstance(told, RemoteUserLeave)
    assert (told.text, told.detected_by) == ("be kind", "admin")
    with pytest.raises(Refused, match="bo"):
        await ana.kick("bo")


async def test_a_moderator_keeps_somebody_out(join: Join, make_peer: Callable[..., Peer], journal: Journal) -> None:
    ana, bo = await join("ana"), await join("bo")
    began = time.monotonic()
    await ana.kick("bo", "enough", ban_for=60)
    assert (await bo.wait_exited()).reason is Reason.KICKED
    with pytest.raises(Refused, match="bo is kept out of lobby for") as refused:
        async with make_peer("bo"):
            pass
    assert_seconds_left(refused.value, 60, began)
    with pytest.raises(UsageError, match="a ban must last"):
        await ana.kick("bo", ban_for=-1)


async def test_a_server_kicks_and_dismisses_from_python(join: Join, journal: Journal, server: SignalingServer) -> None:
    ana, bo, cy = [await join(name) for name in ("ana", "bo", "cy")]
    assert await server.kick("lobby", "cy", text="enough")
    assert (await cy.wait_exited()).text == "enough"
    assert not await server.kick("lobby", "cy")
    assert await server.dismiss("lobby")
    reasons = [(await peer.wait_exited()).reason for peer in (ana, bo)]
    assert reasons == [Reason.DISMISSED, Reason.DISMISSED]
    assert "remoteUserLeave bo dismissed" not in journal.of("ana")


async def test_a_dismissal_ends_the_one_who_asked_too(join: Join) -> None:
    ana, bo = await join("ana"), await join("bo")
    assert (await ana.dismiss("closing time")).reason is Reason.DISMISSED
    assert (await bo.wait_exited()).text == "closing time"


async def test_the_same_user_elsewhere_replaces_the_first(join: Join, journal: Journal) -> None:
    await join("ana")
    first = await join("bo")
    second = await join("bo")
    assert (await first.wait_exited()).reason is Reason.REPLACED
    await journal.until_true(lambda: journal.of("ana").count("remoteUserJoin bo") == 2)
    assert journal.of("ana")[1:] == ["remoteUserJoin bo", "remoteUserLeave bo replaced", "remoteUserJoin bo"]
    assert second.state is ExitState.ACTIVE


@pytest.mark.parametrize("server_config", [SignalingConfig(duplicate=Duplicate.REJECT, capacity=2)])
async def test_a_refusal_says_why_and_leaves_nothing(join: Join) -> None:
    await join("ana")
    with pytest.raises(Refused, match="ana") as taken:
        await join("ana")
    assert taken.value.code == "user_taken"
    await join("bo")
    with pytest.raises(Refused) as full:
        await join("cy")
    assert full.value.code == "room_full"


async def test_extra_travels_and_is_limited(join: Join, journal: Journal) -> None:
    ana, bo = await join("ana"), await join("bo")
    bo.update_extra({"mood": "calm"})
    await journal.until("ana", "remoteUserUpdate bo")
    assert ana.users["bo"].extra == {"mood": "calm"}
    with pytest.raises(UsageError, match="8192"):
        bo.update_extra({"mood": "x" * 9000})
    with pytest.raises(UsageError, match="JSON"):
        bo.update_extra({"mood": object()})


async def test_a_cut_within_the_grace_is_seen_as_unreachable_and_never_as_a_leave(
    join: Join, journal: Journal, site: Site
) -> None:
    async with Cable(site.url).laid() as cable:
        ana = await join("ana")
        bo = await join("bo", url=f"{cable.url.replace('http', 'ws')}/ws")
        await journal.until("ana", "remoteUserJoin bo")
        cable.cut()
        await journal.until("ana", "remoteUserUnreachable bo")
        await journal.until("bo", "connectionLost")
        assert ana.users["bo"].unreachable
        ana.update_extra({"news": 1})
        bo.update_extra({"kept": 1})
        cable.mend()
        await journal.until("bo", "remoteUserUpdate ana")
        await journal.until("ana", "remoteUserUpdate bo")
        assert bo.users["ana"].extra == {"news": 1}
        await bo.leave()
        await journal.until("ana", "remoteUserLeave bo left")
    assert journal.of("ana")[1:] == [
        "remoteUserJoin bo",
        "remoteUserUnreachable bo",
        "remoteUserBack bo",
        "remoteUserUpdate bo",
        "remoteUserLeave bo left",
    ]
    assert journal.of("bo")[2:] == ["connectionLost", "connectionBack", "remoteUserUpdate ana", "exitRoom left"]


async def test_who_is_kicked_while_cut_off_learns_it_on_coming_back(join: Join, journal: Journal, site: Site) -> None:
    async with Cable(site.url).laid() as cable:
        ana = await join("ana")
        bo = await join("bo", url=f"{cable.url.replace('http', 'ws')}/ws")
        await journal.until("ana", "remoteUserJoin bo")
        cable.cut()
        await journal.until("ana", "remoteUserUnreachable bo")
        await ana.kick("bo", "too late")
        cable.mend()
        report = await bo.wait_exited()
    assert (report.reason, report.text, report.notice) == (Reason.KICKED, "too late", "acknowledged")


@pytest.mark.parametrize("server_config", [SignalingConfig(grace=0.3)])
async def test_a_cut_beyond_the_grace_ends_both_views(join: Join, journal: Journal, site: Site) -> None:
    async with Cable(site.url).laid() as cable:
        await join("ana")
        bo = await join("bo", url=f"{cable.url.replace('http', 'ws')}/ws")
        await bo.publish(SMALL)
        await journal.until("ana", "remoteUserJoin bo")
        for call in tuple(bo._here.topology._connections):  # or bo, who gives up at the same time, might say so first
            bo._here.topology._close(call)
        cable.cut()
        report = await bo.wait_exited()
        await journal.until("ana", "remoteUserLeave bo network_lost")
    assert (report.reason, report.notice) == (Reason.NETWORK_LOST, "none")
    assert [device.outcome for device in report.devices] == [Outcome.VERIFIED]
    told = journal.last("ana")
    assert isinstance(told, RemoteUserLeave)
    assert told.detected_by == "socket_closed"
    assert told.silent_for >= 0.3


async def test_a_server_that_goes_down_politely_is_no_lost_network(
    make_peer: Callable[..., Peer], server_config: SignalingConfig
) -> None:
    server = SignalingServer(server_config)
    async with server.listen() as site:
        ana = make_peer("ana", url=site.ws_url)
        async with ana, make_peer("bo", url=site.ws_url) as bo:
            ended: asyncio.Task[ExitReport] = asyncio.create_task(bo.wait_exited())
            await server.app.shutdown()
            assert (await ended).reason is Reason.SERVER_SHUTDOWN
            assert (await ana.wait_exited()).reason is Reason.SERVER_SHUTDOWN


async def test_a_connection_that_breaks_is_replaced_and_the_picture_goes_on(join: Join, journal: Journal) -> None:
    ana, bo = await join("ana"), await join("bo")
    await ana.publish(SMALL)
    await journal.until("bo", "remoteUserJoin ana")
    await next_frames(bo, "ana")
    for side in (ana, bo):  # the one that answers, then the one that offers
        await break_connection(side)
        await next_frames(bo, "ana")
    assert journal.of("bo") == ["enterRoom", "remoteUserJoin ana"]


async def test_many_who_come_at_the_same_moment_all_see_each_other(join: Join) -> None:
    names = [f"user-{number}" for number in range(5)]
    peers = dict(zip(names, await asyncio.gather(*(join(name) for name in names)), strict=True))
    await asyncio.gather(*(peer.publish(SOUND) for peer in peers.values()))
    pairs = [(peer, other) for name, peer in peers.items() for other in names if other != name]
    async with asyncio.timeout(LIMIT):
        await asyncio.gather(*(next_sound(peer, other) for peer, other in pairs))
    await asyncio.gather(*(peer.leave() for peer in peers.values()))


def assert_seconds_left(refused: Refused, of: int, began: float) -> None:
    """Check for how long somebody is kept out who has been for as long as it took to get here."""
    (left,) = re.findall(r"for (\d+) more seconds", str(refused))
    assert of - (time.monotonic() - began) <= int(left) <= of


async def break_connection(peer: Peer) -> None:
    """End a peer's only connection, once it is there, behind its back; return once it has noticed."""
    connections = peer._here.topology._connections
    async with asyncio.timeout(LIMIT):
        while not (there := [one for one in connections.values() if one._pc.connectionState == "connected"]):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
        (connection,) = there
        await connection._pc.close()
        while connection in connections.values():  # noqa: ASYNC110 - a connection has no event for being forgotten
            await asyncio.sleep(0.02)


async def next_frames(peer: Peer, user: str) -> None:
    """Wait until more pictures of a user have come than can have been on their way through a connection that broke."""
    video = peer.users[user].video
    wanted = video.frame_count + 5
    async with asyncio.timeout(LIMIT):
        async for _ in video.frames():
            if video.frame_count >= wanted:
                return


async def next_sound(peer: Peer, user: str) -> None:
    while user not in peer.users:  # noqa: ASYNC110 - bounded by the caller
        await asyncio.sleep(0.01)
    async for _ in peer.users[user].audio.frames():
        return


async def test_events_as_a_stream_end_with_the_exit(join: Join) -> None:
    ana = await join("ana")
    stream = ana.events()
    bo = await join("bo")
    await bo.leave()
    await ana.leave()
    names = [type(event).__name__ async for event in stream]
    assert names == ["EnterRoom", "RemoteUserJoin", "RemoteUserLeave", "ExitRoom"]
    assert [event async for event in stream] == []


async def test_a_handler_that_fails_or_never_returns_does_not_hold_up_the_exit(
    make_peer: Callable[..., Peer], journal: Journal
) -> None:
    ana = make_peer("ana")

    @ana.on_remote_user_join
    async def hang(_: object) -> None:
        await asyncio.Event().wait()

    @ana.on_exit_room
    def fail(_: object) -> None:
        raise ValueError("handlers may do that")

    async with ana as me, make_peer("bo"):
        await journal.until("ana", "remoteUserJoin bo")
        report = await me.leave()
    assert journal.of("ana")[-1] == "exitRoom left"
    assert report.total < 5.0


async def test_a_peer_enters_once_and_says_what_is_wrong_before(make_peer: Callable[..., Peer]) -> None:
    ana = make_peer("ana")
    with pytest.raises(UsageError, match="async with"):
        await ana.publish(SMALL)
    with pytest.raises(UsageError, match="async with"):
        ana.request_exit()
    async with ana:
        with pytest.raises(UsageError, match="enters once"):
            await ana.__aenter__()
    with pytest.raises(UsageError, match="there is no event"):
        ana.on("onRemoteUserExplode")
    assert ana.on("onExitRoom") is ana.on_exit_room
