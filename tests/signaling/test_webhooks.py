"""Webhooks as their receivers see them."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from itertools import pairwise

import aiohttp
import msgspec
import pytest

from signaling import SignalingServer
from signaling.effects import Adopt
from signaling.messages import ExitRoom, Leave, RemoteUserBack, RemoteUserLeave, RemoteUserUnreachable
from signaling.reasons import Detection, Reason
from signaling.webhook_events import WebhookEvent, WebhookEvents
from signaling.webhook_queue import Event, WebhookQueue
from signaling.webhooks import FLUSH_TIMEOUT, POST_TIMEOUT, BadSignature, Receiver, verify, webhooks
from tests.signaling.client import PATIENCE, Place, listening
from tests.signaling.receiver import KEY, Office, office

OLD = "the key before that one, longer"


@pytest.fixture
async def there() -> AsyncIterator[Office]:
    async with office() as there:
        yield there


def server_for(there: Office, **options: float) -> SignalingServer:
    return SignalingServer(webhooks=(there.url,), webhook_keys=(KEY, OLD), **options)


async def test_a_stay_from_its_beginning_to_its_end(there: Office) -> None:
    async with listening(server_for(there)) as place:
        ana, ben = await place.enter("ana", "ben")
        await ben.say(Leave())
        await ben.hear_a(ExitRoom)
        await ana.hear_a(RemoteUserLeave)
        await ana.say(Leave(failed=True))
        await ana.hear_a(ExitRoom)
        types = await there.until(6)
    assert types == ["roomCreated", "userJoined", "userJoined", "userLeft", "userLeft", "roomClosed"]
    assert [event.seq for event in there.events] == [1, 2, 3, 4, 5, 6]
    assert [event.user for event in there.events] == [None, "ana", "ben", "ben", "ana", None]
    assert {event.room for event in there.events} == {"42"}
    assert len({event.id for event in there.events}) == 6
    left = there.events[4]
    assert (left.reason, left.detected_by, left.silent_for) == (Reason.ERROR, Detection.NOTICE, 0.0)


async def test_who_is_away_is_back_or_gone_and_how_that_is_known(there: Office) -> None:
    async with listening(server_for(there, grace=1.5)) as place:
        ana = await place.connect()
        joined = await ana.join("ana")
        (ben,) = await place.enter("ben")
        await ana.socket.close()
        await ben.hear_a(RemoteUserUnreachable)
        again = await place.connect()
        await again.resume(joined)
        await ben.hear_a(RemoteUserBack)
        await again.socket.close()
        await ben.hear_a(RemoteUserUnreachable)
        await ben.hear_a(RemoteUserLeave)
        types = await there.until(7)
    assert types[:7] == [
        *("roomCreated", "userJoined", "userJoined"),
        *("userUnreachable", "userBack", "userUnreachable", "userLeft"),
    ]
    gone = there.events[6]
    assert (gone.reason, gone.detected_by) == (Reason.NETWORK_LOST, Detection.SOCKET_CLOSED)
    assert gone.silent_for is not None
    assert gone.silent_for >= 1.5


async def test_a_kick_says_with_which_words_and_a_move_is_a_leave_there_and_a_join_here(there: Office) -> None:
    server = server_for(there)
    async with listening(server) as place:
        ana, ben = await place.enter("ana", "ben")
        await asyncio.gather(server.kick("42", "ana", "enough"), ana.hear_a(ExitRoom), ben.hear_a(RemoteUserLeave))
        await there.until(4)  # rooms do not wait for each other
        await server._node.move("42", "ben", "attic")
        await there.until(8)
    assert there.events[3].text == "enough"
    assert [(event.type, event.reason) for event in there.events[4:] if event.room == "42"][:2] == [
        ("userLeft", Reason.MOVED),
        ("roomClosed", None),
    ]
    assert [event.type for event in there.events if event.room == "attic"][:2] == ["roomCreated", "userJoined"]


async def test_what_failed_comes_again_with_the_same_id_and_in_order(there: Office) -> None:
    there.answers = [500, None, 302]
    async with listening(server_for(there)) as place:
        await place.enter("ana")
        await there.until(4)
    ids = [event.id for event in there.events[:4]]
    assert len(set(ids)) == 1
    assert [event.type for event in there.events[3:5]] == ["roomCreated", "userJoined"]


async def test_a_receiver_that_does_not_answer_holds_up_nobody(there: Office) -> None:
    there.is_open.clear()
    async with listening(server_for(there)) as place:
        async with asyncio.timeout(0.8 * POST_TIMEOUT):
            clients = await place.enter(*(f"user{number}" for number in range(20)))
        assert len(clients) == 20
        assert await there.until(1) == ["roomCreated"]
        there.is_open.set()
        await there.until(21)
    assert [earlier.seq + 1 == later.seq for earlier, later in pairwise(there.events)] == [True] * len(there.events[1:])


async def test_what_waits_when_the_server_ends_is_still_delivered(there: Office) -> None:
    there.answers = [500]
    async with aiohttp.ClientSession() as http:
        async with listening(server_for(there)) as place:
            _clients = await Place(place.url, http).enter("ana", "ben")  # kept: one that nobody holds is closed
        assert there.answers == []
    assert [event.type for event in there.events[1:]] == [
        *("roomCreated", "userJoined", "userJoined"),
        *("userLeft", "userLeft", "roomClosed"),
    ]
    assert there.events[-2].reason is Reason.SERVER_SHUTDOWN


async def test_what_cannot_be_delivered_is_counted_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with webhooks([f"http://127.0.0.1:{port}/secret-path"], [KEY]) as (receiver,):
        receiver._queue = WebhookQueue(attempts=1)
        with caplog.at_level(logging.DEBUG, "signaling.webhooks"):
            for number in range(3):
                receiver.put(Event(str(number), "42", b"{}"))
            await _until_empty(receiver)
        assert (receiver.deliveries.failed, receiver.deliveries.given_up, receiver.waiting) == (3, 3, 0)
    ours = [record for record in caplog.records if record.name == "signaling.webhooks"]
    warnings = [record.getMessage() for record in ours if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "event 0 of room 42 is lost: it failed 1 times" in warnings[0]
    assert "secret-path" not in caplog.text


async def _until_empty(receiver: Receiver) -> None:
    async with asyncio.timeout(PATIENCE):
        await receiver._is_empty.wait()


async def test_a_receiver_that_hangs_does_not_hold_up_the_end(there: Office) -> None:
    there.is_open.clear()
    clock = asyncio.get_running_loop().time
    async with webhooks([there.url], [KEY]) as (receiver,):
        receiver.put(Event("1", "42", b'{"id":"1","type":"roomClosed","time":1,"room":"42","seq":1}'))
        receiver.put(Event("2", "42", b'{"id":"2","type":"roomClosed","time":1,"room":"42","seq":2}'))
        await there.until(1)
        began = clock()
    assert FLUSH_TIMEOUT - 0.1 < clock() - began < POST_TIMEOUT
    assert receiver.deliveries.given_up == 2


async def test_the_metrics_count_deliveries(there: Office) -> None:
    server = server_for(there)
    async with listening(server) as place:
        (_ana,) = await place.enter("ana")  # kept: a client that nobody holds is closed
        await there.until(2)
        await _until_empty(server._upkeep._receivers[0])
        async with place.http.get(f"{place.url}/metrics") as response:
            found = await response.text()
    assert "exeunt_webhook_deliveries_total 2.0" in found
    assert "exeunt_webhook_queue 0.0" in found


def test_the_documented_check_refuses_what_is_not_ours() -> None:
    with pytest.raises(BadSignature):
        verify(b"{}", "t=1,v1=0", [KEY])


def test_the_id_of_an_event_never_repeats_though_its_number_begins_anew_with_every_server() -> None:
    told: list[WebhookEvent] = []
    for _server in range(2):
        events = WebhookEvents(lambda event: told.append(msgspec.json.decode(event.body, type=WebhookEvent)))
        events.restored("s1", "42", "ana")
        events.did(Adopt("s2", "s1"))
    first, second = told
    assert (first.seq, first.type) == (second.seq, second.type) == (1, "userBack")
    assert first.id != second.id
