"""Two nodes that are one server: a publisher at one is known to a peer at the other, however it ends."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from peer import Peer, TestPattern
from peer.gateways.whip import Gateway, add_whip
from peer.hooks import Hook
from peer.whip import WhipPublisher
from signaling.messages import RemoteUserLeave
from signaling.reasons import Detection, Reason
from signaling.server import SignalingServer, Site
from tests.command import Command, exeunt, python
from tests.gateways.clients import LIMIT, client
from tests.gateways.test_whip import see
from tests.gateways.whip_room import FAST, SILENCE
from tests.journal import Journal
from tests.signaling.cluster.links import Balancer
from tests.signaling.cluster.servers import PREFIX, Database

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SMALL = {"width": 160, "height": 120, "fps": 15}


@dataclass
class Pair:
    """The nodes, each its address and gateway, what is before them, and a peer who is at the second."""

    nodes: tuple[tuple[str, Gateway], ...]
    balancer: Balancer
    ana: Peer
    journal: Journal
    deletes: list[int]  # the answers to each DELETE
    database: Database

    @property
    def balanced(self) -> str:
        return f"http://127.0.0.1:{self.balancer.port}/whip/lobby?user=obs"

    @property
    def first(self) -> str:
        return f"{self.nodes[0][0]}/whip/lobby?user=obs"

    async def turn_away(self) -> None:
        """End all connections through the balancer; the next goes to the node without a session, then by turns."""
        await self.balancer.refuse()
        is_home = {url.rpartition(":")[2]: bool(gateway.sessions) for url, gateway in self.nodes}
        self.balancer.ports.sort(key=lambda port: is_home[str(port)])
        self.balancer._turn = count()
        await self.balancer.listen()

    async def until_empty(self) -> None:
        """Wait until no session is left."""
        for session in [session for _, gateway in self.nodes for session in gateway.sessions]:
            await session.wait_over()

    def told(self) -> RemoteUserLeave:
        """Return the one leave that ana was told of."""
        (leave,) = [event for _, event in self.journal.events if isinstance(event, RemoteUserLeave)]
        return leave


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        database = Database(tmp_path, stack)
        await database.start()
        await database.age()
        deletes: list[int] = []
        nodes = [await stack.enter_async_context(node(database.url, deletes)) for _ in range(2)]
        balancer = await stack.enter_async_context(Balancer().listening())
        balancer.ports += [site.port for site, _ in nodes]
        ana, journal = Peer(nodes[1][0].ws_url, room="lobby", user="ana", config=FAST), Journal()
        for hook in [hook for hook in vars(ana).values() if isinstance(hook, Hook)]:
            hook(lambda event: journal.add("ana", event))
        await stack.enter_async_context(ana)
        yield Pair(tuple((site.url, gateway) for site, gateway in nodes), balancer, ana, journal, deletes, database)


@asynccontextmanager
async def node(database: str, deletes: list[int]) -> AsyncIterator[tuple[Site, Gateway]]:
    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        status = 500
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            if request.method == "DELETE":
                deletes.append(status)
        return response

    server = SignalingServer(redis=database, redis_prefix=PREFIX, grace=2.0)
    server.app.middlewares.append(note)
    gateway = add_whip(server, silence_limit=SILENCE)
    async with server.listen() as site:
        yield site, gateway


@asynccontextmanager
async def mortal_node(database: str) -> AsyncIterator[tuple[Command, int]]:
    """A node in a process of its own; returns its port, too."""
    redis = ("--redis", database, "--redis-prefix", PREFIX)
    async with exeunt("serve", "--port", "0", "--whip", "--grace", "2", "--json", *redis) as command:
        yield command, URL(str((await command.until("join"))["text"])).port or 0


@asynccontextmanager
async def asked(method: str, url: str) -> AsyncIterator[aiohttp.ClientResponse]:
    headers = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*"}
    end = "a=end-of-candidates\r\n"
    async with aiohttp.ClientSession() as http, http.request(method, url, data=end, headers=headers) as response:
        yield response


async def test_the_other_node_says_where_a_session_is_not_and_its_own_ends_it(pair: Pair) -> None:
    async with client(publishes=True, kinds=("video",)) as obs:
        await obs.begin(pair.first)
        await see(pair.ana, "obs")
        elsewhere = obs.session.replace(pair.nodes[0][0], pair.nodes[1][0])
        for method in ("PATCH", "DELETE"):
            async with asked(method, elsewhere) as response:
                assert (response.status, response.headers["Connection"]) == (421, "close")
                problem = json.loads(await response.text())
                assert problem["code"] == "misdirected"
                assert "at another node" in problem["text"]
        async with asked("DELETE", f"{elsewhere}x".replace("/lobby/", "/lobby/0")) as response:
            assert response.status == 404  # of no node that there is
        assert await obs.patch("a=end-of-candidates\r\n") == 204
        assert await obs.delete() == 200
        await pair.journal.until("ana", "remoteUserLeave obs left")
        assert pair.told().detected_by is Detection.NOTICE
        assert await obs.delete() == 404


async def test_our_publisher_finds_its_node_behind_a_balancer_when_it_leaves(pair: Pair) -> None:
    async with WhipPublisher(pair.balanced) as obs:
        await obs.publish(TestPattern(**SMALL))
        await see(pair.ana, "obs")
        await pair.turn_away()
        assert (await obs.leave()).reason is Reason.LEFT
    assert pair.deletes[0] == 421
    await pair.journal.until("ana", "remoteUserLeave obs left")
    assert pair.told().detected_by is Detection.NOTICE


async def test_of_a_publisher_that_is_killed_its_guard_finds_the_node(pair: Pair) -> None:
    async with python("-m", "tests.peer.whip.mortal_publisher", pair.balanced) as obs:
        await see(pair.ana, "obs")
        await pair.turn_away()
        obs.signal(signal.SIGKILL)
        await pair.journal.until("ana", "remoteUserLeave obs left")
        await pair.until_empty()
    assert (pair.deletes[0], pair.deletes[-1]) == (421, 200)
    assert pair.told().detected_by is Detection.NOTICE


async def test_a_publisher_that_dies_without_a_word_is_lost_for_those_at_the_other_node(pair: Pair) -> None:
    async with python("-m", "tests.gateways.clients", pair.first) as obs:
        assert await obs.line() == "connected"
        await see(pair.ana, "obs")
        obs.signal(signal.SIGKILL)
        async with asyncio.timeout(LIMIT):
            await pair.journal.until("ana", "remoteUserLeave obs network_lost")
    assert pair.told().detected_by is Detection.MEDIA
    assert pair.told().silent_for >= SILENCE


async def test_a_publisher_whose_node_is_killed_is_lost_for_all_and_publishes_at_another(pair: Pair) -> None:
    async with mortal_node(pair.database.url) as (doomed, port):
        pair.balancer.ports.insert(0, port)
        options = ("--test", "--size", "160x120", "--reconnect", "--longest-wait", "1", "--json")
        async with exeunt("publish", pair.balanced, *options) as obs:
            await see(pair.ana, "obs")
            assert [gateway.sessions for _, gateway in pair.nodes] == [(), ()]
            doomed.signal(signal.SIGKILL)
            await pair.journal.until("ana", "remoteUserLeave obs network_lost")
            assert "obs" not in pair.ana.users
            await see(pair.ana, "obs")
            assert sorted(len(gateway.sessions) for _, gateway in pair.nodes) == [0, 1]
            lost = await obs.until("exitRoom")
            obs.signal()
            await pair.journal.until("ana", "remoteUserLeave obs left")
            left = await obs.exited()
    assert [line["reason"] for line in (lost, left)] == [Reason.NETWORK_LOST, Reason.LEFT]
    assert "nothing was heard from the server" in str(lost["text"])
