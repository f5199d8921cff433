"""What is said in a room and asked from outside: messages, muting, moving; as peers live it."""

import asyncio
from collections.abc import Callable

import pytest

from peer import (
    ExitReport,
    ExitRoom,
    Message,
    Muted,
    Peer,
    Reason,
    Refused,
    RemoteUserLeave,
    RoomChanged,
    TestPattern,
    UsageError,
)
from peer.dispatch import MOST_MESSAGES, Dispatcher
from peer.hooks import Hooks
from signaling.calls import RoomSettings
from signaling.config import Duplicate
from signaling.server import SignalingServer, Site
from tests.cable import Cable
from tests.journal import Journal
from tests.peer.test_grants import LIMIT, SMALL, first_picture

Join = Callable[..., "asyncio.Future[Peer]"]


def heard(journal: Journal, user: str) -> list[Message]:
    return [event for who, event in journal.events if who == user and isinstance(event, Message)]


async def test_messages_arrive_in_their_order_at_all_or_at_one(join: Join, journal: Journal) -> None:
    ana, bo, _ = [await join(user) for user in ("ana", "bo", "cy")]
    for number in range(50):
        ana.send_message("chat", {"n": number})
    ana.send_message("secret", ["psst"], to="bo")
    bo.send_message("chat", None)
    await journal.until_true(lambda: [len(heard(journal, user)) for user in ("ana", "bo", "cy")] == [1, 51, 51])
    assert heard(journal, "bo")[:50] == [Message(user="ana", topic="chat", data={"n": n}) for n in range(50)]
    assert heard(journal, "bo")[50] == Message(user="ana", topic="secret", data=["psst"])
    assert [message for message in heard(journal, "cy") if message.topic == "secret"] == []
    assert heard(journal, "ana") == [Message(user="bo", topic="chat", data=None)]


@pytest.mark.parametrize(
    ("topic", "data", "said"),
    [("", 1, "topic"), ("x" * 65, 1, "topic"), ("chat", "x" * 16_384, "16386 bytes"), ("chat", object(), "JSON")],
)
async def test_what_cannot_be_said_is_refused_at_once(join: Join, topic: str, data: object, said: str) -> None:
    ana = await join("ana")
    with pytest.raises(UsageError, match=said):
        ana.send_message(topic, data)


async def test_the_server_speaks_to_all(join: Join, journal: Journal, server: SignalingServer) -> None:
    await join("ana")
    told = await server.broadcast("lobby", "news", {"at": 7})
    assert told is not None
    assert told.told == ["ana"]
    await journal.until("ana", "message")
    assert heard(journal, "ana") == [Message(user=None, topic="news", data={"at": 7})]


async def test_a_moderator_mutes_and_whoever_is_muted_may_unmute(join: Join, journal: Journal) -> None:
    ana, bo = await join("ana"), await join("bo")
    await bo.publish(TestPattern(width=64, height=64, fps=5))
    await ana.mute_user("bo", "audio")
    await journal.until("bo", "muted")
    assert [fanout.muted for fanout in bo._here.publishing.fanouts.values()] == [True, False]
    assert journal.last("bo") == Muted(kind="audio")
    bo.unmute("audio")
    assert not any(fanout.muted for fanout in bo._here.publishing.fanouts.values())
    with pytest.raises(Refused, match="cy"):
        await ana.mute_user("cy", "video")


async def test_the_server_mutes_and_knows_that_it_was_heard(
    join: Join, server: SignalingServer, journal: Journal
) -> None:
    await join("ana")
    told = await server.mute("lobby", "ana", "video", "please")
    assert told is not None
    assert (told.told, told.unacknowledged) == (["ana"], [])
    assert journal.last("ana") == Muted(kind="video", text="please")
    assert await server.mute("lobby", "bo", "video") is None


async def test_a_kick_from_outside_is_acknowledged_by_all_who_remain(join: Join, server: SignalingServer) -> None:
    for user in ("ana", "bo", "cy"):
        await join(user)
    told = await server.kick("lobby", "bo")
    assert told is not None
    assert (sorted(told.told), told.unacknowledged) == (["ana", "bo", "cy"], [])


async def test_an_extra_that_is_replaced_from_outside_is_known_to_its_user(
    join: Join, server: SignalingServer, journal: Journal
) -> None:
    ana, bo = await join("ana"), await join("bo")
    await server.update("lobby", "bo", {"role": "host"})
    await journal.until("ana", "remoteUserUpdate bo")
    async with asyncio.timeout(LIMIT):
        while not bo.extra:  # noqa: ASYNC110 - bo is told over another connection, and no event says so
            await asyncio.sleep(0.01)
    assert (ana.users["bo"].extra, bo.extra) == ({"role": "host"}, {"role": "host"})


async def test_who_is_moved_keeps_the_camera_and_meets_those_of_the_new_room(
    join: Join, make_peer: Callable[..., Peer], journal: Journal, server: SignalingServer
) -> None:
    ana, bo = await join("ana"), await join("bo")
    async with Peer(ana.url, room="attic", user="eva") as eva:
        publication = await bo.publish(SMALL)
        await first_picture(ana, "bo")
        told = await server.move("lobby", "bo", "attic")
        assert told is not None
        assert (sorted(told.told), told.unacknowledged) == (["ana", "bo"], [])
        await journal.until("ana", "remoteUserLeave bo moved")
        await journal.until("bo", "remoteUserJoin eva")
        assert (bo.room, list(bo.users), list(ana.users)) == ("attic", ["eva"], [])
        assert bo.publications == (publication,)
        await first_picture(eva, "bo")
        left = journal.last("ana")
        assert isinstance(left, RemoteUserLeave)
        assert (left.reason, left.detected_by) == (Reason.MOVED, "admin")
        assert journal.of("bo") == ["enterRoom", "remoteUserJoin ana", "roomChanged", "remoteUserJoin eva"]
        assert ("bo", RoomChanged(room="attic", users=("eva",))) in journal.events
        report = await bo.leave()
    assert [device.outcome for device in report.devices] == ["verified"]
    assert isinstance(journal.last("bo"), ExitRoom)
    assert server.room("attic") is None


async def test_who_is_moved_there_and_back_meets_the_same_again(
    join: Join, journal: Journal, server: SignalingServer
) -> None:
    ana, bo = await join("ana"), await join("bo")
    await server.move("lobby", "bo", "attic")
    await server.move("attic", "bo", "lobby")
    await journal.until_true(lambda: journal.of("bo").count("remoteUserJoin ana") == 2)
    await journal.until_true(lambda: journal.of("ana").count("remoteUserJoin bo") == 2)
    await bo.publish(SMALL)
    await first_picture(ana, "bo")
    assert journal.of("ana").count("remoteUserLeave bo moved") == 1
    assert journal.of("ana").count("remoteUserJoin bo") == 2


async def test_who_is_moved_while_away_comes_back_to_the_new_room(
    site: Site, make_peer: Callable[..., Peer], journal: Journal, server: SignalingServer
) -> None:
    cable = Cable(site.url)
    async with cable.laid(), make_peer("ana"), make_peer("bo", url=f"{cable.url}/ws") as bo:
        cable.cut()
        await journal.until("ana", "remoteUserUnreachable bo")
        told = await server.move("lobby", "bo", "attic")
        assert told is not None
        assert told.unacknowledged == ["bo"]
        cable.mend()
        await journal.until("bo", "roomChanged")
        assert (bo.room, dict(bo.users)) == ("attic", {})
        cable.cut()
        await journal.until_true(lambda: journal.of("bo").count("connectionLost") == 2)
        cable.mend()
        await journal.until_true(lambda: journal.of("bo").count("connectionBack") == 2)
        assert journal.of("bo").count("roomChanged") == 1
        assert bo.room == "attic"


async def test_a_room_with_settings_takes_no_more_than_it_should(join: Join, server: SignalingServer) -> None:
    settings = RoomSettings(name="lobby", capacity=1, duplicate=Duplicate.REJECT, grace=1.0)
    assert await server.create(settings)
    assert not await server.create(settings)
    await join("ana")
    with pytest.raises(Refused, match="full"):
        await join("bo")


async def test_messages_that_wait_for_a_slow_handler_are_bounded_and_the_newest_are_kept() -> None:
    hooks, heard = Hooks(), []
    hooks.on_message(lambda event: heard.append(event.data))
    dispatcher = Dispatcher(hooks)
    for number in range(MOST_MESSAGES + 10):
        dispatcher.put(Message(user="ana", topic="chat", data=number))
    dispatcher.start()
    report = ExitReport(reason=Reason.LEFT)
    await dispatcher.drain()
    await dispatcher.finish(ExitRoom(reason=Reason.LEFT, report=report))
    dispatcher.put(Message(user="ana", topic="chat", data="late"))
    await dispatcher.close(1.0)
    assert heard == list(range(10, MOST_MESSAGES + 10))
