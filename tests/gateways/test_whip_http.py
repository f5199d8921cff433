"""WHIP and WHEP as HTTP sees them (RFC 9725): what is answered, refused and let through, and with which headers."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from peer.gateways.whip import add_whip
from signaling.config import Duplicate, Options
from signaling.messages import IceServer
from signaling.server import SignalingServer
from signaling.tokens import make
from tests.devices.turn import turn_server
from tests.gateways.clients import SDP, client
from tests.gateways.test_offers import AUDIO, SESSION, VIDEO, sdp
from tests.gateways.whip_room import WhipRoom, whip_room

KEY = "a key of more than sixteen bytes"
FRIEND = "https://friend.example"
OFFER = sdp(SESSION, [*AUDIO, "a=sendonly"])
WATCH = sdp(SESSION, [*AUDIO, "a=recvonly"])
OBS = (
    """v=0
o=rtc 1851227107 0 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=group:LS 0 1
a=msid-semantic:WMS *
a=setup:actpass
a=ice-ufrag:3gSq
a=ice-pwd:AzyTfaNvSTw0JVJ1UBpHGy
a=ice-options:ice2,trickle
a=fingerprint:sha-256 """
    + ":".join(["5A"] * 32)
    + """
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=sendonly
a=ssrc:1310 cname:obs
a=ssrc:1310 msid:obs obs-audio
a=msid:obs obs-audio
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1
a=candidate:1 1 UDP 2122317823 192.0.2.7 40001 typ host
m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=mid:1
a=sendonly
a=ssrc:1311 cname:obs
a=msid:obs obs-video
a=rtcp-mux
a=rtpmap:96 H264/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 goog-remb
a=fmtp:96 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1
""".replace("\n", "\r\n")
)  # by libdatachannel, which OBS uses
FRAGMENT = "application/trickle-ice-sdpfrag"


def bearer(**claims: object) -> dict[str, str]:
    return {"Authorization": f"Bearer {make(KEY, **{'room': 'lobby', **claims})}"}


@asynccontextmanager
async def asked(
    room: WhipRoom, path: str, *, method: str = "POST", body: str | bytes = OFFER, **headers: str
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Ask the server; header names are written with _."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with aiohttp.ClientSession() as http:
        wanted = {**SDP, **named}
        async with http.request(method, room.site.url + path, data=body, headers=wanted) as response:
            yield response


async def problem(response: aiohttp.ClientResponse) -> str:
    """Return the code of a refusal, which has a text for people as well."""
    assert response.content_type == "application/json"
    content = json.loads(await response.text())
    assert content["text"]
    return str(content["code"])


async def test_a_session_begins_takes_candidates_and_ends_as_the_rfc_says() -> None:
    async with whip_room({"allowed_origins": (FRIEND,)}) as room, client(publishes=True) as obs:
        ana = await room.join("ana")
        async with asked(room, "/whip/lobby?user=obs", body=await obs.offer(), Origin=FRIEND) as response:
            assert (response.status, response.content_type) == (201, "application/sdp")
            assert (await response.text()).startswith("v=0")
            path, tag = response.headers["Location"], response.headers["ETag"]
            assert response.headers["Access-Control-Allow-Origin"] == FRIEND
            assert "Location" in response.headers["Access-Control-Expose-Headers"]
        assert path.startswith("/whip/lobby/")
        assert len(path) > len("/whip/lobby/") + 30  # nobody guesses it
        assert tag.startswith('"')
        assert "obs" in ana.users
        obs.session, obs.tag = room.site.url + path, tag
        candidate = "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 2122260223 192.0.2.9 61764 typ host\r\n"
        unusable = "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 tcp\r\n"
        assert await obs.patch(candidate) == 204
        assert await obs.patch(unusable) == 204
        assert await obs.patch(candidate, If_Match="") == 428
        assert await obs.patch(candidate, If_Match='"other"') == 412
        assert await obs.patch("a=ice-ufrag:another\r\na=ice-pwd:x\r\n", If_Match="*") == 422
        assert await obs.patch("hello") == 400
        assert await obs.patch(candidate, Content_Type="application/sdp") == 415
        for method in ("GET", "POST", "PUT"):
            async with asked(room, path, method=method) as response:
                assert (response.status, response.headers["Allow"]) == (405, "PATCH, DELETE, OPTIONS")
                assert await problem(response) == "method_not_allowed"
        async with asked(room, path, method="OPTIONS") as response:
            assert response.headers["Accept-Patch"] == FRAGMENT
        assert await obs.delete() == 200
        assert await obs.delete() == 404
        assert "obs" not in ana.users


async def test_an_offer_as_obs_writes_it_is_answered_with_its_codecs() -> None:
    async with whip_room() as room, asked(room, "/whip/lobby?user=obs", body=OBS) as response:
        answer = await response.text()
        assert response.status == 201, answer
        assert "a=rtpmap:96 H264/90000" in answer
        assert "a=rtpmap:111 opus/48000/2" in answer
        assert answer.count("a=recvonly") == 2
        assert "a=candidate:" in answer


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "code"),
    [
        ("/whip/lobby", {"Content_Type": "text/plain"}, OFFER, 415, "unsupported_media_type"),
        ("/whip/lobby", {}, "", 400, "bad_message"),
        ("/whip/lobby", {}, b"\xff\xfe", 400, "bad_message"),
        ("/whip/lobby", {}, OFFER, 400, "bad_message"),  # nothing that aiortc would answer
        ("/whip/lobby", {}, "v" * 70_000, 413, "too_large"),
        ("/whip/lobby", {"Accept": "text/html"}, OFFER, 406, "not_acceptable"),
        ("/whip/lobby", {}, WATCH, 406, "not_acceptable"),
        ("/whip/lobby", {}, sdp(SESSION, VIDEO, VIDEO), 406, "not_acceptable"),
        ("/whip/lobby?user=-", {}, OFFER, 400, "bad_name"),
        ("/whip/.lobby", {}, OFFER, 400, "bad_name"),
        ("/whip/lobby", {"Origin": "https://evil.example"}, OFFER, 403, "not_allowed"),
        ("/whep/lobby/ana", {}, OFFER, 406, "not_acceptable"),
        ("/whep/lobby/ana?user=ana", {}, WATCH, 409, "user_taken"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_a_reason(
    path: str, headers: Mapping[str, str], body: str, status: int, code: str
) -> None:
    async with whip_room() as room, asked(room, path, body=body, **headers) as response:
        assert (response.status, await problem(response)) == (status, code)
        assert "Access-Control-Allow-Origin" not in response.headers
        assert room.server.rooms() == []  # nobody came, not even for a moment
        assert room.gateway.sessions == ()


async def test_mounted_in_another_application_a_session_is_where_its_location_says() -> None:
    server = SignalingServer()
    gateway = add_whip(server)
    parent = web.Application()
    parent.add_subapp("/rooms", server.app)
    runner = web.AppRunner(parent)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with client(publishes=True, kinds=("audio",)) as obs:
            await obs.begin(f"http://127.0.0.1:{runner.addresses[0][1]}/rooms/whip/lobby?user=obs")
            assert "/rooms/whip/lobby/" in obs.session
            assert server.room("lobby") is not None
            assert await obs.delete() == 200
            assert gateway.sessions == ()
    finally:
        await runner.cleanup()


async def test_only_post_and_options_are_for_the_endpoints() -> None:
    async with whip_room() as room:
        for path in ("/whip/lobby", "/whep/lobby/ana"):
            async with asked(room, path, method="GET") as response:
                assert (response.status, response.headers["Allow"]) == (405, "POST, OPTIONS")


async def test_somebody_who_is_not_there_cannot_be_played() -> None:
    async with whip_room() as room, client(publishes=False) as screen:
        async with asked(room, "/whep/lobby/ana", body=await screen.offer()) as response:
            assert (response.status, await problem(response)) == (404, "no_such_user")
        assert room.server.rooms() == []


async def test_tokens_decide_who_may_publish_and_who_may_watch() -> None:
    async with whip_room({"key": KEY}) as room, client(publishes=True) as obs:
        async with asked(room, "/whip/lobby") as response:
            assert (response.status, await problem(response)) == (401, "token_required")
            assert response.headers["WWW-Authenticate"] == "Bearer"
        refused = [
            ({"Authorization": "Bearer nonsense"}, "/whip/lobby", 401, "token_invalid"),
            (bearer(expires=1.0), "/whip/lobby", 401, "token_expired"),
            (bearer(room="attic"), "/whip/lobby", 401, "token_invalid"),
            (bearer(user="eva"), "/whip/lobby?user=ana", 401, "token_invalid"),
            (bearer(grants=["subscribe"]), "/whip/lobby", 403, "not_allowed"),
            (bearer(grants=["publish"]), "/whep/lobby/ana", 403, "not_allowed"),
        ]
        for headers, path, status, code in refused:
            async with asked(room, path, body=WATCH if "whep" in path else OFFER, **headers) as response:
                assert (response.status, await problem(response)) == (status, code), path
        token = bearer(user="obs")["Authorization"].split()[1]
        await obs.begin(f"{room.site.url}/whip/lobby", token)
        assert await room.server.kick("lobby", "obs", ban_for=60)
        await room.until_empty()
        async with client(publishes=True) as again:
            headers = bearer(user="obs")
            async with asked(room, "/whip/lobby", body=await again.offer(), **headers) as response:
                assert (response.status, await problem(response)) == (403, "banned")


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"duplicate": Duplicate.REJECT}, 409, "user_taken"),
        ({"capacity": 1}, 503, "room_full"),
        ({"connections_per_address": 1}, 429, "rate_limited"),
        ({"max_connections": 1}, 503, "server_full"),
        ({"join_rate": 1}, 429, "rate_limited"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
async def test_the_limits_of_rooms_and_addresses_hold(options: Options, status: int, code: str) -> None:
    async with whip_room(options) as room, client(publishes=True) as obs:
        ana = await room.join("ana")
        user = "ana" if "duplicate" in options else "obs"
        async with asked(room, f"/whip/lobby?user={user}", body=await obs.offer()) as response:
            assert (response.status, await problem(response)) == (status, code)
            assert ("Retry-After" in response.headers) is (status != 409)
        assert list(ana.users) == []
        assert room.gateway.sessions == ()


async def test_a_session_that_is_over_counts_no_more() -> None:
    async with whip_room({"connections_per_address": 2}) as room:  # of the publisher, and of its user in the room
        for _ in range(3):
            async with client(publishes=True, kinds=("audio",)) as obs:
                await obs.begin(room.whip)
                assert await obs.delete() == 200


async def test_too_many_wrong_tokens_are_not_looked_at() -> None:
    async with whip_room({"key": KEY, "wrong_keys": 1}) as room:
        for status in (401, 429):
            async with asked(room, "/whip/lobby", Authorization="Bearer nonsense") as response:
                assert response.status == status


async def test_a_page_of_an_allowed_origin_may_ask_and_read_the_answer() -> None:
    async with whip_room({"allowed_origins": (FRIEND,)}) as room:
        preflight = {"Origin": FRIEND, "Access_Control_Request_Method": "POST"}
        async with asked(room, "/whip/lobby", method="OPTIONS", body="", **preflight) as response:
            assert response.status == 200
            assert response.headers["Accept-Post"] == "application/sdp"
            assert response.headers["Access-Control-Allow-Origin"] == FRIEND
            assert response.headers["Access-Control-Allow-Methods"] == "POST, OPTIONS"
            assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
        async with asked(room, "/whip/lobby", body="", Origin=FRIEND) as response:  # refusals can be read, too
            assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (400, FRIEND)


async def test_ice_servers_are_named_to_whoever_may_come_in_before_and_after_the_offer() -> None:
    async with turn_server(secret="shared") as turn, client(publishes=True) as obs:
        options: Options = {"key": KEY, "turn_urls": (turn.url,), "turn_secret": "shared"}
        async with whip_room(options) as room:
            async with asked(room, "/whip/lobby", method="OPTIONS", body="") as response:
                assert response.status == 401
            async with asked(room, "/whip/lobby", method="OPTIONS", body="", **bearer(user="obs")) as response:
                (before,) = response.headers.getall("Link")
            async with asked(room, "/whip/lobby", body=await obs.offer(), **bearer(user="obs")) as response:
                assert response.status == 201, await response.text()
                (after,) = response.headers.getall("Link")
            for link in (before, after):
                assert link.startswith(f'<{turn.url}>; rel="ice-server"; username="')
                assert ':obs"; credential="' in link


async def test_public_ice_servers_are_links_without_credentials() -> None:
    servers = (IceServer(urls=["stun:192.0.2.1"]),)
    async with (
        whip_room({"ice_servers": servers}) as room,
        asked(room, "/whep/lobby/ana", method="OPTIONS", body="") as response,
    ):
        assert response.headers.getall("Link") == ['<stun:192.0.2.1>; rel="ice-server"']
