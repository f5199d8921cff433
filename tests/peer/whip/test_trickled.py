"""Servers of ICE that are known by the answer only: what is gathered then is used, and told by PATCH."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from peer import ServerUnreachable, TestPattern
from peer.gateways.whip import add_whip
from peer.media.inbound_stats import CandidatePairStats
from peer.whip import WhepPlayer, WhipPublisher
from signaling.messages import IceServer
from signaling.server import SignalingServer
from tests.devices.turn import Turn, turn_server
from tests.gateways.clients import LIMIT
from tests.peer.whip.plain_server import HEIGHT, WIDTH, Plain, serving

SMALL = {"width": WIDTH, "height": HEIGHT, "fps": 10}


@pytest.fixture
async def plain() -> AsyncIterator[Plain]:
    async with serving() as plain:
        yield plain


@pytest.fixture
async def turn() -> AsyncIterator[Turn]:
    async with turn_server() as turn:
        yield turn


def link(turn: Turn) -> str:
    return f'<{turn.url}?transport=udp>; rel="ice-server"; username="ana"; credential="secret"'


def way(me: WhipPublisher | WhepPlayer) -> str:
    """Return the kind of our candidate that media pass."""
    (pair,) = [one for one in me.stats() if isinstance(one, CandidatePairStats)]
    return pair.local_candidate_type


@pytest.mark.parametrize("tag", ['"7"', ""])
async def test_media_pass_a_relay_that_only_the_answer_names_with_and_without_patch(
    plain: Plain, turn: Turn, tag: str
) -> None:
    plain.late_link, plain.tag = link(turn), tag
    async with WhipPublisher(f"{plain.url}/whip", ice_transport_policy="relay") as me:
        await me.publish(TestPattern(**SMALL))
        await plain.until(lambda: len(plain.pictures) > 3 and bool(plain.added))
        assert way(me) == "relay"
    assert "a=candidate" not in plain.offers[0]
    assert "a=end-of-candidates" not in plain.offers[0]
    ((if_match, body),) = plain.added
    assert if_match == (tag or None)
    assert body.count("a=candidate:") == body.count(" typ relay ") == 1
    assert body.endswith("a=end-of-candidates\r\n")
    assert plain.asked == ["OPTIONS /whip", "POST /whip", "PATCH /session/1", "DELETE /session/1"]


async def test_a_server_that_takes_more_and_names_none_is_told_that_there_is_no_more(plain: Plain) -> None:
    plain.tag = '"7"'
    async with WhipPublisher(f"{plain.url}/whip"):
        await plain.until(lambda: bool(plain.added))
    assert "typ host" in plain.offers[0]
    assert plain.added[0][1].endswith("a=end-of-candidates\r\n")
    assert "a=candidate" not in plain.added[0][1]


async def test_an_offer_of_one_who_knows_the_servers_is_whole_and_nothing_follows(plain: Plain, turn: Turn) -> None:
    plain.tag, plain.late_link = '"7"', link(turn)
    own = (IceServer(urls=[f"{turn.url}?transport=udp"], username="ana", credential="secret"),)
    async with WhipPublisher(f"{plain.url}/whip", ice_servers=own, ice_transport_policy="relay"):
        pass
    assert "typ relay" in plain.offers[0]
    assert "a=end-of-candidates" in plain.offers[0]
    assert plain.asked == ["POST /whip", "DELETE /session/1"]


@pytest.mark.parametrize(("own", "asked"), [((), []), (None, ["OPTIONS /whip", "POST /whip", "DELETE /session/1"])])
async def test_who_may_use_relays_only_and_is_given_none_is_told_so(
    plain: Plain, own: tuple[()] | None, asked: list[str]
) -> None:
    with pytest.raises(ServerUnreachable, match="names none: give one as ice_servers"):
        await WhipPublisher(f"{plain.url}/whip", ice_servers=own, ice_transport_policy="relay").__aenter__()
    assert plain.asked == asked


async def test_our_own_server_takes_what_follows_and_passes_media_on_to_a_player_behind_a_relay(turn: Turn) -> None:
    patched = asyncio.Event()

    @web.middleware
    async def only_by_the_answer(request: web.Request, handler: object) -> web.StreamResponse:
        if request.method == "OPTIONS":
            raise web.HTTPMethodNotAllowed(request.method, [])
        assert callable(handler)
        response: web.StreamResponse = await handler(request)
        if request.method == "PATCH" and response.status == 204:
            patched.set()
        return response

    server = SignalingServer(ice_servers=(turn.ice_server("udp"),))
    server.app.middlewares.append(only_by_the_answer)
    add_whip(server)
    async with (
        asyncio.timeout(2 * LIMIT),
        server.listen() as site,
        WhipPublisher(f"{site.url}/whip/lobby?user=obs", ice_transport_policy="relay") as me,
    ):
        await me.publish(TestPattern(**SMALL))
        await patched.wait()
        async with WhepPlayer(f"{site.url}/whep/lobby/obs", ice_transport_policy="relay") as player:
            async for frame in player.video.frames():
                if frame.array.mean() > 1:
                    break
            assert (way(me), way(player)) == ("relay", "relay")
