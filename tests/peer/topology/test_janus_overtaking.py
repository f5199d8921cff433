"""Who publishes is told by a list and by words that may overtake it: nobody is lost between the two."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
from aiohttp import web

from peer.channel import ChannelMedia
from peer.topology.janus import JanusVideoRoom
from signaling.janus.failures import Code
from signaling.janus.protocol import SUBPROTOCOL
from signaling.messages import Janus, janus_id

LIMIT = 20.0  # seconds for anything that is waited for here
ANA, BO, ME = janus_id("s-ana"), janus_id("s-bo"), janus_id("s-me")
Said = dict[str, Any]
BEGINS: Said = {"videoroom": "event", "publishers": [{"id": ANA}]}
ENDS: Said = {"videoroom": "event", "unpublished": ANA}
REFUSED: Said = {"videoroom": "event", "error_code": Code.NO_SUCH_FEED, "error": "No such feed"}
OVER: Said = {"videoroom": "event", "error_code": Code.NO_SUCH_ROOM, "error": "No such room"}
WITHOUT_US: Said = {"videoroom": "participants", "participants": [{"id": BO}]}
NOT_NOW: Said = {"videoroom": "event", "error_code": 499, "error": "An unknown error occurred"}


def joined(*publishers: int) -> Said:
    """Return how a VideoRoom says who publishes to who comes in."""
    return {"videoroom": "joined", "private_id": 7, "publishers": [{"id": one} for one in publishers]}


class StandIn:
    """Says what a Janus says to one peer that comes in: `script`, in one go, of which `joined` is the answer.

    With `lists`, the socket is lost then, and these answer in turn when the peer has come back and asks who publishes.
    `asked` is for which feeds the peer asks at last; they are refused. `came_again` is set at its second coming.
    """

    def __init__(self, script: Sequence[Said], lists: Sequence[Said] = ()) -> None:
        self.asked: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self.came_again = asyncio.Event()
        self._comings = count(1)
        self._script, self._lists = script, list(lists)
        self._ids = count(1)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Answer over one WebSocket."""
        socket = web.WebSocketResponse(protocols=(SUBPROTOCOL,))
        await socket.prepare(request)
        async for frame in socket:
            said = json.loads(frame.data)
            for word in self._answers(said):
                await socket.send_str(json.dumps(word))
            if self._lists and said.get("body", {}).get("ptype") == "publisher":
                await socket.close()
        return socket

    def _answers(self, said: Said) -> list[Said]:
        done = {"janus": "success", "transaction": said["transaction"], "data": {"id": next(self._ids)}}
        match said.get("body"):
            case None:
                return [done]
            case {"request": "listparticipants"}:
                return [{**done, "plugindata": {"data": self._lists.pop(0)}}]
            case {"ptype": "publisher"}:
                if next(self._comings) == 2:
                    self.came_again.set()
                return [event(said, word) for word in self._script]
            case subscription:
                if not self.asked.done():
                    self.asked.set_result([one["feed"] for one in subscription["streams"]])
                return [event(said, REFUSED)]


def event(said: Said, word: Said) -> Said:
    """Return how Janus passes on what the VideoRoom says: as the answer to what was said, or by itself."""
    about = {"transaction": said["transaction"]} if word is REFUSED or word["videoroom"] == "joined" else {}
    return {"janus": "event", "sender": said["handle_id"], "plugindata": {"data": word}, **about}


@asynccontextmanager
async def serving(janus: StandIn) -> AsyncIterator[str]:
    """Serve a stand-in for Janus; yield its address."""
    app = web.Application()
    app.router.add_get("/", janus.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def peer_at(url: str) -> AsyncIterator[None]:
    """Be a peer in a room that ana and bo are in, too, and whose media pass there."""
    room = JanusVideoRoom(
        "s-me",
        Janus(url=url, room=5, token="token", pin="pin"),
        say=lambda _: None,
        on_track=lambda user, track: None,
        on_said=lambda user, session, message: None,
        greeting=ChannelMedia,
        outgoing={},
        ice_servers=(),
        grants=frozenset({"subscribe"}),
    )
    try:
        room.add("ana", "s-ana", offers=True)
        room.add("bo", "s-bo", offers=True)
        yield
    finally:
        await room.close()


@pytest.mark.parametrize(
    ("script", "asked"),
    [
        ([BEGINS, joined(BO)], {ANA, BO}),
        ([joined(BO), BEGINS], {ANA, BO}),
        ([ENDS, joined(ANA, BO)], {BO}),
        ([joined(ANA, BO), ENDS], {BO}),
    ],
    ids=["begins, list", "list, begins", "ends, list", "list, ends"],
)
async def test_what_begins_or_ends_while_we_come_in_is_known_whatever_the_list_says(
    script: list[Said], asked: set[int]
) -> None:
    janus = StandIn(script)
    async with serving(janus) as url, peer_at(url), asyncio.timeout(LIMIT):
        assert set(await janus.asked) == asked


async def test_who_publishes_is_asked_until_it_is_said_after_words_may_have_been_lost() -> None:
    present = [{"id": ME, "publisher": False}, {"id": BO}]
    janus = StandIn([joined()], lists=[NOT_NOW, {"videoroom": "participants", "participants": present}])
    async with serving(janus) as url, peer_at(url), asyncio.timeout(LIMIT):
        assert await janus.asked == [BO]


@pytest.mark.parametrize("said", [WITHOUT_US, OVER], ids=["we are not in it", "it is over"])
async def test_who_was_thrown_out_while_the_socket_was_lost_comes_in_again(said: Said) -> None:
    janus = StandIn([joined()], lists=[said])
    async with serving(janus) as url, peer_at(url), asyncio.timeout(LIMIT):
        await janus.came_again.wait()
