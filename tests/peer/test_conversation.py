"""What peers say to each other: straight, through the server, to whoever is away; requests and their answers."""

import asyncio
from collections.abc import Callable

import pytest

from peer import (
    Delivery,
    Message,
    NoAnswer,
    NoResponder,
    Peer,
    Request,
    RequestFailed,
    Unreachable,
    UsageError,
    UserGone,
)
from peer.conversation.conversation import is_open
from peer.conversation.letter import MAX_LOSSY, MAX_RELIABLE, Head
from peer.conversation.responding import MOST_AT_A_TIME
from peer.conversation.window import KEPT_BYTES
from signaling.server import SignalingServer
from tests.cable import Cable
from tests.journal import Journal

Join = Callable[..., "asyncio.Future[Peer]"]
LARGE = bytes(range(256)) * 800  # 200 KiB
SECONDS = 40  # for anything that is waited for; a first call may fail on a busy machine, and another is made


def heard(journal: Journal, user: str) -> list[object]:
    return [event.data for who, event in journal.events if who == user and isinstance(event, Message)]


async def until_straight(me: Peer, user: str) -> None:
    """Wait until there are data channels to a user."""
    conversations = me._here.conversations._of
    async with asyncio.timeout(SECONDS):
        while not (one := conversations.get(user)) or not (is_open(one._talk) and is_open(one._lossy)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def meet(join: Join, **options: object) -> tuple[Peer, Peer]:
    ana, bo = await join("ana"), await join("bo", **options)
    await until_straight(ana, "bo")
    await until_straight(bo, "ana")
    return ana, bo


async def test_bytes_and_json_go_straight_in_their_order_large_and_small(join: Join, journal: Journal) -> None:
    ana, bo = await meet(join)
    said = [LARGE, {"n": [1, None, "ä"]}, b"", *range(200), bytes(MAX_RELIABLE)]
    for data in said:
        assert await ana.send(data, to="bo", topic="chat") == Delivery("bo", "channel")
    assert await bo.send("hello") == (Delivery("ana", "channel"),)
    await journal.until_true(lambda: len(heard(journal, "bo")) == len(said) and "hello" in heard(journal, "ana"))
    assert heard(journal, "bo") == said
    lossy = [await ana.send({"n": n}, to="bo", topic="pose", reliable=False) for n in range(5)]
    assert lossy == [Delivery("bo", "channel")] * 5
    await journal.until_true(lambda: len(heard(journal, "bo")) == len(said) + 5)


async def test_there_is_the_server_where_there_is_no_channel_and_nothing_is_heard_twice(
    join: Join, journal: Journal
) -> None:
    ana, bo = await join("ana"), await join("bo")
    await journal.until("ana", "remoteUserJoin bo")  # their call is being made
    deliveries = [await ana.send(data, to=["bo", "nobody"]) for data in ("early", b"\x00\xff")]
    assert [[one.path for one in each] for each in deliveries] == [["server", "failed"]] * 2
    assert isinstance(deliveries[0][1].error, UserGone)
    assert (await ana.send(1, to="bo", reliable=False)).path == "dropped"
    large = asyncio.create_task(ana.send(LARGE, to="bo"))
    await until_straight(bo, "ana")
    assert (await large).path == "channel"
    await ana.send("late", to="bo")
    await journal.until_true(lambda: "late" in heard(journal, "bo"))
    assert heard(journal, "bo") == ["early", b"\x00\xff", LARGE, "late"]


async def test_what_is_said_while_all_ways_are_cut_is_kept_or_refused_and_heard_in_order_at_the_return(
    join: Join, journal: Journal
) -> None:
    ana = await join("ana")
    cable = Cable(ana.url.removesuffix("/ws").replace("ws", "http", 1))
    async with cable.laid():
        bo = await join("bo", url=f"{cable.url}/ws")
        await until_straight(ana, "bo")
        await ana.send("before", to="bo")
        cable.cut()
        await journal.until("ana", "remoteUserUnreachable bo")
        assert (await ana.send("straight", to="bo")).path == "channel"  # the server is not needed for that
        for connection in tuple(bo._here.topology._connections):
            bo._here.topology._state_changed(connection, "failed")
        async with asyncio.timeout(SECONDS):
            while not ana._here.conversations._of["bo"].is_unreachable:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        assert [(await ana.send(n, to="bo")).path for n in range(20)] == ["kept"] * 20
        with pytest.raises(Unreachable, match="bo"):
            await ana.send("now or never", to="bo", if_unreachable="refuse")
        with pytest.raises(Unreachable, match="bo"):
            await ana.request("bo", "time")
        for _ in range(KEPT_BYTES // len(LARGE)):
            await ana.send(LARGE, to="bo")
        with pytest.raises(Unreachable, match="no more can be kept"):
            await ana.send(LARGE, to="bo")
        cable.mend()
        await journal.until_true(lambda: heard(journal, "bo")[:22] == ["before", "straight", *range(20)])
        await journal.until_true(lambda: heard(journal, "bo")[22:] == [LARGE] * (KEPT_BYTES // len(LARGE)))


async def test_a_letter_that_the_server_said_into_a_dead_socket_is_asked_for_at_the_return(
    join: Join, journal: Journal
) -> None:
    """The server has not noticed that bo was cut off, so nobody tells ana to say it again."""
    ana = await join("ana")
    async with Cable(ana.url.removesuffix("/ws").replace("ws", "http", 1)).laid() as cable:
        bo = await join("bo", url=f"{cable.url}/ws", ice_transport_policy="relay")  # no relay, and so no channel
        await ana.user("bo", timeout=SECONDS)
        cable.swallow()
        assert await ana.send("first", to="bo") == Delivery("bo", "server")
        cable.snap()
        cable.mend()
        await journal.until_true(lambda: heard(journal, "bo") == ["first"])
        assert await bo.send("heard", to="ana") == Delivery("ana", "server")
        await journal.until_true(lambda: heard(journal, "ana") == ["heard"])
        assert "remoteUserUnreachable bo" not in journal.of("ana")


async def test_a_request_is_answered_by_whoever_responds_or_by_a_clear_error(join: Join) -> None:
    ana, bo = await meet(join)
    asked: list[Request] = []
    release = asyncio.Event()

    @bo.respond("double")
    def double(request: Request) -> object:
        asked.append(request)
        return request.data * 2

    @bo.respond("fail")
    async def fail(_: Request) -> object:
        raise KeyError("no such lamp")

    @bo.respond("wait")
    async def wait(_: Request) -> object:
        await release.wait()
        return "released"

    bo.respond("array")(lambda _: object())
    assert await ana.request("bo", "double", LARGE[:100_000]) == LARGE[:100_000] * 2
    assert await asyncio.gather(*(ana.request("bo", "double", n) for n in range(5))) == [0, 2, 4, 6, 8]
    assert asked[1] == Request("ana", "double", 0)
    with pytest.raises(RequestFailed, match=r"^bo: KeyError: 'no such lamp'$"):
        await ana.request("bo", "fail")
    with pytest.raises(RequestFailed, match="JSON"):
        await ana.request("bo", "array")
    with pytest.raises(NoResponder, match="nobody answers 'sing'"):
        await ana.request("bo", "sing")
    with pytest.raises(NoAnswer, match=r"'wait' within 0\.05 s"):
        await ana.request("bo", "wait", timeout=0.05)
    with pytest.raises(UserGone, match="cy is not in the room"):
        await ana.request("cy", "wait")
    with pytest.raises(UsageError, match="already"):
        bo.respond("wait")(wait)
    waiting = asyncio.create_task(ana.request("bo", "wait"))
    await asyncio.sleep(0)
    await bo.leave()
    with pytest.raises(UserGone, match="bo has left"):
        await waiting


async def test_a_responder_may_leave_and_too_many_questions_at_once_are_refused(join: Join) -> None:
    ana, bo = await meet(join)

    @bo.respond("wait")
    async def wait(_: Request) -> None:
        await asyncio.Event().wait()

    asking = [asyncio.create_task(ana.request("bo", "wait", timeout=SECONDS)) for _ in range(MOST_AT_A_TIME)]
    await asyncio.sleep(0)
    with pytest.raises(RequestFailed, match="ask later"):
        await ana.request("bo", "wait", timeout=SECONDS)
    for task in asking:
        task.cancel()
    await asyncio.wait(asking)
    cy = await join("cy")
    cy.respond("leave")(lambda _: cy.leave())
    await until_straight(ana, "cy")
    with pytest.raises(UserGone, match="cy has left"):
        await ana.request("cy", "leave")
    assert (await cy.wait_exited()).steps[2].ended == "ok"


async def test_bad_words_are_refused_at_once(join: Join) -> None:
    ana = await join("ana")
    with pytest.raises(UsageError, match="at most 1000"):
        await ana.send(bytes(MAX_LOSSY + 1), reliable=False)
    with pytest.raises(UsageError, match="if_unreachable"):
        await ana.send(1, if_unreachable="maybe")
    with pytest.raises(UsageError, match="timeout"):
        await ana.request("bo", "a", timeout=0)
    assert await ana.send("nobody is here") == ()


async def test_messages_are_read_by_topic_and_end_with_the_visit(join: Join) -> None:
    ana, bo = await meet(join)
    chat = bo.messages("chat")
    everything = bo.messages()
    for topic in ("chat", "pose", "chat"):
        await ana.send(topic, topic=topic)
    assert [(await anext(chat)).topic for _ in range(2)] == ["chat", "chat"]
    await bo.leave()
    assert [message async for message in chat] == []
    assert [message.topic async for message in everything] == ["chat", "pose", "chat"]


async def test_what_was_said_before_a_leave_is_heard_before_it(join: Join, journal: Journal) -> None:
    ana, _ = await meet(join)
    await ana.send(LARGE, to="bo")
    await ana.leave()
    await journal.until("bo", "remoteUserLeave ana left")
    assert heard(journal, "bo") == [LARGE]
    assert journal.of("bo")[-2:] == ["message", "remoteUserLeave ana left"]


async def test_one_who_does_not_take_anything_holds_up_neither_the_others_nor_the_leave(
    join: Join, journal: Journal
) -> None:
    ana, bo = await meet(join)
    await join("cy")
    await until_straight(ana, "cy")
    deaf = bo._here.conversations._of["ana"]
    deaf._talk.remove_all_listeners("message")  # as a program that does not read
    for _ in range(12):
        paths = await ana.send(LARGE)
        assert [one.path for one in paths if one.user == "cy"] == ["channel"]
    await journal.until_true(lambda: heard(journal, "cy") == [LARGE] * 12)
    conversation = ana._here.conversations._of["bo"]
    while conversation._outgoing.has_room(len(LARGE)):
        assert (await ana.send(LARGE, to="bo")).path == "channel"
    with pytest.raises(Unreachable, match="has not taken"):
        await conversation.send(Head(topic="t"), LARGE, keep=True, limit=0.1)
    async with asyncio.timeout(SECONDS):
        with pytest.raises(Unreachable, match="has not taken"):
            await conversation.send(Head(topic="t"), LARGE, keep=True, limit=10 * SECONDS)  # not waited for again
    report = await ana.leave()
    assert report.notice == "acknowledged"
    assert report.steps[0].ended == "ok"


async def test_a_message_of_the_servers_own_words_is_still_one(
    join: Join, journal: Journal, server: SignalingServer
) -> None:
    ana, _ = await join("ana"), await join("bo")
    ana.send_message("exeunt", {"type": "no letter"})
    await server.broadcast("lobby", "exeunt", {"type": "taken", "number": 1})
    await journal.until_true(lambda: len(heard(journal, "bo")) == 2)
    assert {"type": "no letter"} in heard(journal, "bo")
