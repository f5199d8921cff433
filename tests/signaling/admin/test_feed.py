"""What happens in the rooms, live, by server-sent events."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from signaling import SignalingServer
from signaling.admin.feed import INTERVAL, MOST, SIGN, WAITING, Feed
from signaling.members import RoomStatus
from signaling.tokens import Admission, make
from tests.signaling.admin.asking import ADMIN_KEY, KEY, ask
from tests.signaling.client import PATIENCE, Place, listening, mounted

ALL = Admission(None, None)
SIGN_OF_LIFE = ": still here"


class Watcher:
    """One connection to `/api/events`."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def block(self) -> list[str]:
        """Return the lines of the next event or comment; none at the end."""
        async with asyncio.timeout(PATIENCE + 5 * INTERVAL):
            lines = []
            while (line := (await self.response.content.readline()).decode()) not in {"\n", ""}:
                lines.append(line.rstrip("\n"))
        return lines

    async def event(self) -> tuple[str, Any]:
        while (block := await self.block()) == [SIGN_OF_LIFE]:
            pass  # on a busy machine what is waited for may come after several looks
        name, data = block
        return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@contextlib.asynccontextmanager
async def watching(place: Place, bearer: str | None = None) -> AsyncIterator[Watcher]:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    async with place.http.get(f"{place.url}/api/events", headers=headers) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        yield Watcher(response)


@pytest.mark.parametrize("serve", [listening, mounted])
async def test_who_watches_hears_what_is_there_and_then_what_changes(serve: Any) -> None:
    async with serve(SignalingServer(grace=60.0)) as place:
        ana = await place.connect()
        await ana.join("ana")
        async with watching(place) as watcher:
            event, content = await watcher.event()
            assert (event, [room["name"] for room in content["rooms"]]) == ("rooms", ["42"])
            ben = await place.connect()
            await ben.join("ben", room="attic")
            event, room = await watcher.event()
            assert (event, room["name"], [user["user"] for user in room["users"]]) == ("room", "attic", ["ben"])
            await ben.socket.close()
            assert (await watcher.event())[1]["users"][0]["unreachable"] is True
            await ask(place, "POST", "rooms/attic/dismiss", {})
            assert await watcher.event() == ("gone", {"name": "attic"})


async def test_somebody_who_comes_later_hears_everything_as_well() -> None:
    async with listening(SignalingServer()) as place, watching(place) as first:
        assert await first.event() == ("rooms", {"rooms": []})
        await place.enter("ana")
        assert (await first.event())[0] == "room"
        async with watching(place) as second:
            assert len((await second.event())[1]["rooms"]) == 1


async def test_one_hears_of_the_rooms_that_the_token_is_for() -> None:
    token = make(KEY, "attic", grants=["moderate"])
    async with listening(SignalingServer(key=KEY)) as place, watching(place, token) as watcher:
        assert await watcher.event() == ("rooms", {"rooms": []})
        await (await place.connect()).join("ana", room="hall", token=make(KEY))
        await (await place.connect()).join("ana", room="attic", token=make(KEY))
        assert (await watcher.event())[1]["name"] == "attic"


async def test_who_may_not_is_refused() -> None:
    async with listening(SignalingServer(key=KEY, admin_key=ADMIN_KEY)) as place:
        assert (await ask(place, "GET", "events"))[0] == 401
        assert (await ask(place, "GET", "events", bearer=make(KEY)))[0] == 403
        async with watching(place, ADMIN_KEY) as watcher:
            assert (await watcher.event())[0] == "rooms"


async def test_it_ends_when_the_token_does() -> None:
    async with listening(SignalingServer(key=KEY)) as place:
        token = make(KEY, grants=["moderate"], expires=time.time() + 1.5)
        async with watching(place, token) as watcher:
            assert (await watcher.event())[0] == "rooms"
            with contextlib.suppress(aiohttp.ClientError):
                while await watcher.block():
                    pass
        assert (await ask(place, "GET", "events", bearer=token))[0] == 401


async def test_it_ends_at_once_when_the_server_does() -> None:
    async with aiohttp.ClientSession() as http, contextlib.AsyncExitStack() as stack:
        async with listening(SignalingServer()) as place:
            watcher = await stack.enter_async_context(watching(Place(place.url, http)))
            await watcher.event()
            ending = asyncio.create_task(watcher.block())
        assert await ending == []  # whoever is cut off when the server's patience is over hears of an error


async def test_when_nothing_happens_there_are_signs_of_life() -> None:
    with Feed(_nobody).listening(ALL.covers, cut=lambda: None) as listener:
        for _ in range(2 * SIGN):
            listener.tell(b"")
        listener.end()
        assert [frames async for frames in listener] == [f"{SIGN_OF_LIFE}\n\n".encode()] * 2


async def test_who_comes_when_the_server_ends_is_let_go() -> None:
    feed = Feed(_nobody)
    feed.end()
    with feed.listening(ALL.covers, cut=lambda: None) as listener:
        assert [frames async for frames in listener] == []


async def test_only_so_many_may_watch() -> None:
    server = SignalingServer()
    async with listening(server) as place, contextlib.AsyncExitStack() as stack:
        for _ in range(MOST):
            await stack.enter_async_context(watching(place))
        status, problem = await ask(place, "GET", "events")
        assert (status, problem["code"]) == (503, "too_many")


def test_who_does_not_read_is_cut_off() -> None:
    feed = Feed(_nobody)
    cut = []
    with feed.listening(ALL.covers, cut=lambda: cut.append(True)) as listener:
        for _ in range(WAITING):
            listener.tell(b"something")
        assert cut == []
        listener.tell(b"one too many")
        assert cut == [True]


async def test_a_look_that_fails_does_not_end_the_looking(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[list[RoomStatus] | Exception] = [ConnectionError("the bus is away"), []]

    async def rooms() -> list[RoomStatus]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    feed = Feed(rooms)
    with feed.listening(ALL.covers, cut=lambda: None) as listener:
        async with asyncio.timeout(PATIENCE):
            task = asyncio.create_task(feed.run())
            async for frames in listener:
                assert frames == b'event: rooms\ndata: {"rooms":[]}\n\n'
                break
    task.cancel()
    await asyncio.wait({task})
    assert "could not be looked at" in caplog.text


async def _nobody() -> list[RoomStatus]:
    return []
