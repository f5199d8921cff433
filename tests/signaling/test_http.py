"""Pages, scripts and the admin API by HTTP."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from yarl import URL

from signaling import SignalingServer
from signaling.entry import decode_entry
from signaling.messages import ExitRoom, Joined, Leave, RemoteUserJoin, RemoteUserLeave
from signaling.pages import CONTENT_TYPES, WEB
from signaling.reasons import Reason
from tests.signaling.client import Place, listening, mounted

Serve = Callable[[SignalingServer], AbstractAsyncContextManager[Place]]

KEY = "a key of thirty-two letters, sure"

both_ways = pytest.mark.parametrize("serve", [listening, mounted])


async def get(place: Place, path: str, **headers: str) -> aiohttp.ClientResponse:
    async with place.http.get(URL(f"{place.url}{path}", encoded=True), headers=headers) as response:
        await response.read()
        return response


async def post(place: Place, path: str, body: object = None, token: str | None = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with place.http.post(f"{place.url}{path}", json=body, headers=headers) as response:
        assert response.content_type == "application/json"
        return response.status, await response.json()


# -- pages --


@both_ways
@pytest.mark.parametrize("path", ["/", "/lobby", "/a.b-c@d+e_f"])
async def test_every_room_has_its_page_and_it_is_locked_down(serve: Serve, path: str) -> None:
    async with serve(SignalingServer()) as place:
        page = await get(place, path)
        assert (page.status, page.content_type) == (200, "text/html")
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Cache-Control"] == "no-cache"


@both_ways
@pytest.mark.parametrize("path", ["/admin", "/api/docs", "/-/admin.html"])
async def test_the_pages_of_operators_load_nothing_but_our_own_files(serve: Serve, path: str) -> None:
    async with serve(SignalingServer()) as place:
        page = await get(place, path)
        assert (page.status, page.content_type) == (200, "text/html")
        policy = page.headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= set(policy)
        assert "unsafe" not in str(policy)
        assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["X-Frame-Options"] == "DENY"


def test_no_page_has_a_script_or_style_of_its_own_or_an_address_elsewhere() -> None:
    for path in WEB.glob("*.html"):
        page = path.read_text()
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|javascript:|=\"(https?:)?//", page), path


@both_ways
async def test_every_file_of_the_pages_is_served_as_what_it_is(serve: Serve) -> None:
    files = [path for path in WEB.iterdir() if path.is_file()]
    assert {"index.html", "exeunt.js"} <= {path.name for path in files}
    async with serve(SignalingServer()) as place:
        for path in files:
            async with place.http.get(f"{place.url}/-/{path.name}") as response:
                assert response.status == 200, path.name
                assert response.headers["Content-Type"] == CONTENT_TYPES[path.suffix]
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert await response.read() == path.read_bytes()


async def test_a_file_that_is_still_the_same_is_not_sent_again() -> None:
    async with listening(SignalingServer()) as place:
        first = await get(place, "/-/exeunt.js")
        again = await get(place, "/-/exeunt.js", **{"If-None-Match": first.headers["ETag"]})
        assert again.status == 304


@both_ways
@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/nothing",
        "/admin/",
        "/-",
        "/-/",
        "/-x",
        "/a%0A",
        "/a%20b",
        "/a/b",
        "/-/nothing.js",
        "/-/.hidden.js",
        "/-/..%2Fserver.py",
        "/-/..%2F..%2Fpyproject.toml",
        "/-/%2Fetc%2Fpasswd",
        "/-/..%2Fweb%2Fexeunt.js",
        "/-/server.py",
        "/-/a%00.js",
    ],
)
async def test_there_is_nothing_else(serve: Serve, path: str) -> None:
    async with serve(SignalingServer()) as place:
        assert (await get(place, path)).status == 404


@both_ways
async def test_a_server_says_what_it_is(serve: Serve) -> None:
    async with serve(SignalingServer(key=KEY)) as place:
        answer = await (await get(place, "/healthz")).json()
        assert answer["server"] == "exeunt"
        assert answer["version"]


# -- pages of other sites --


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://127.0.0.1:1", "http://localhost", "null", "", "http://x:nan", "file://"]
)
async def test_pages_of_other_sites_are_refused(origin: str) -> None:
    async with listening(SignalingServer(allowed_origins=("https://friend.example",))) as place:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await place.connect(headers={"Origin": origin})
        assert refused.value.status == 403
        assert (await get(place, "/api/rooms", Origin=origin)).status == 403


@both_ways
async def test_our_own_pages_and_those_of_friends_are_let_in(serve: Serve) -> None:
    async with serve(SignalingServer(allowed_origins=("https://friend.example",))) as place:
        ours = f"http://{urlsplit(place.url).netloc}"
        for origin in (ours, "https://friend.example"):
            await (await place.connect(headers={"Origin": origin})).join("ana")
            assert (await get(place, "/api/rooms", Origin=origin)).status == 200


async def test_behind_a_proxy_that_ends_tls_our_page_is_still_ours() -> None:
    async with listening(SignalingServer()) as place:
        for host in ("meet.example", "meet.example:443"):
            assert (await get(place, "/api/rooms", Origin="https://meet.example", Host=host)).status == 200
        assert (await get(place, "/api/rooms", Origin="https://meet.example", Host="meet.example:80")).status == 403


# -- who speaks for a session that cannot --


@both_ways
async def test_the_ticket_of_a_session_ends_it_by_http_and_only_once(serve: Serve) -> None:
    async with serve(SignalingServer()) as place:
        ana = await place.connect()
        joined = await ana.join("ana")
        ben = await place.connect()
        await ben.join("ben")
        words = {"session": joined.session, "ticket": joined.ticket, "reason": "crashed"}
        assert (await post(place, "/ws", {**words, "ticket": "guessed"}))[0] == 404
        async with place.http.post(f"{place.url}/ws", json=words) as response:
            assert response.status == 204
        leave = await ben.hear_a(RemoteUserLeave)
        assert (leave.user, leave.reason, leave.detected_by) == ("ana", "crashed", "guard")
        await ana.hear_a(RemoteUserJoin)
        assert await ana.hear() == ExitRoom(reason=Reason.CRASHED)
        status, problem = await post(place, "/ws", words)
        assert (status, problem["code"]) == (404, "session_gone")


async def page_says_farewell(place: Place, joined: Joined, **words: str) -> int:
    """Post it as `navigator.sendBeacon` does, as a text; return the status."""
    word = {"session": joined.session, "ticket": joined.ticket, "reason": "left", "by": "page", **words}
    async with place.http.post(f"{place.url}/ws", data=json.dumps(word), headers={"Origin": place.url}) as response:
        return response.status


async def test_a_page_says_farewell_beside_its_leave_and_whichever_comes_first_is_told(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    async with listening(SignalingServer(journal=journal)) as place:
        (cleo,) = await place.enter("cleo")
        ana, ben = await place.connect(), await place.connect()
        for user, client in (("ana", ana), ("ben", ben)):
            joined = await client.join(user)
            await cleo.hear_a(RemoteUserJoin)
            assert await page_says_farewell(place, joined, ticket="guessed") == 204
            if user == "ben":
                await ben.say(Leave())
                assert await ben.hear() == ExitRoom(reason=Reason.LEFT)
            assert await page_says_farewell(place, joined) == 204
            await client.say(Leave())
            leave = await cleo.hear_a(RemoteUserLeave)
            assert (leave.user, leave.reason, leave.detected_by) == (user, "left", "notice")
    told = [(line.event, line.by) for line in map(decode_entry, journal.read_bytes().splitlines()) if line]
    assert ("farewell", "page") in told
    assert "turnedAway" not in dict(told)


async def test_a_farewell_that_is_none_is_refused() -> None:
    async with listening(SignalingServer()) as place:
        assert (await post(place, "/ws", {"session": "s", "ticket": "t", "reason": "kicked"}))[0] == 400
        async with place.http.post(f"{place.url}/ws", data={"session": "s"}) as response:
            assert response.status == 415
        async with place.http.post(f"{place.url}/ws", json={}, headers={"Origin": "https://e.example"}) as response:
            assert response.status == 403
