"""Pages, scripts and the admin API by HTTP."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from yarl import URL

from signaling import SignalingServer
from signaling.messages import Error, ErrorCode, ExitRoom, Join, RemoteUserJoin, RemoteUserLeave
from signaling.pages import CONTENT_TYPES, WEB
from signaling.reasons import Reason
from signaling.tokens import make
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
        "/admin",
        "/metrics",
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


# -- admin --


@both_ways
async def test_a_server_says_what_it_is(serve: Serve) -> None:
    async with serve(SignalingServer(key=KEY)) as place:
        answer = await (await get(place, "/healthz")).json()
        assert answer["server"] == "exeunt"
        assert answer["version"]


async def test_the_list_shows_everybody() -> None:
    async with listening(SignalingServer()) as place:
        ana = await place.connect()
        joined = await ana.join("ana", extra={"role": "host"})
        (room,) = (await (await get(place, "/api/rooms")).json())["rooms"]
        (user,) = room["users"]
        assert room["name"] == "42"
        assert user.pop("since") > 1.7e9
        assert user == {"user": "ana", "session": joined.session, "extra": {"role": "host"}, "unreachable": False}


@both_ways
async def test_kick_and_dismiss_by_http(serve: Serve) -> None:
    async with serve(SignalingServer()) as place:
        ana, ben = await place.enter("ana", "ben")
        assert await post(place, "/api/rooms/42/kick", {"user": "ben", "text": "too loud"}) == (
            200,
            {"room": "42", "user": "ben"},
        )
        assert await ben.hear() == ExitRoom(reason=Reason.KICKED, text="too loud")
        await ana.hear()
        assert await post(place, "/api/rooms/42/dismiss", {}) == (200, {"room": "42"})
        assert await ana.hear() == ExitRoom(reason=Reason.DISMISSED)


async def test_what_is_not_there_is_named() -> None:
    async with listening(SignalingServer()) as place:
        await place.enter("ana")
        status, problem = await post(place, "/api/rooms/attic/kick", {"user": "ana"})
        assert (status, problem["code"]) == (404, "no_such_room")
        assert "attic" in problem["text"]
        status, problem = await post(place, "/api/rooms/42/kick", {"user": "ben"})
        assert (status, problem["code"]) == (404, "no_such_user")
        assert "ben" in problem["text"]
        assert (await post(place, "/api/rooms/attic/dismiss", {}))[0] == 404


@pytest.mark.parametrize("body", [{}, [], {"user": 7}, {"user": ""}, {"user": "ana", "text": "x" * 1001}])
async def test_a_body_that_makes_no_sense_is_a_bad_request(body: object) -> None:
    async with listening(SignalingServer()) as place:
        await place.enter("ana")
        status, problem = await post(place, "/api/rooms/42/kick", body)
        assert (status, problem["code"]) == (400, "bad_message")


async def test_a_body_that_is_no_json_is_a_bad_request() -> None:
    async with listening(SignalingServer()) as place:
        for body in (b"", b"{", b'{"text":"\xff"}', b"[" * 10_000):
            headers = {"Content-Type": "application/json"}
            async with place.http.post(f"{place.url}/api/rooms/42/dismiss", data=body, headers=headers) as response:
                assert response.status == 400


async def test_a_body_that_is_too_large_is_refused() -> None:
    async with listening(SignalingServer()) as place:
        status, problem = await post(place, "/api/rooms/42/dismiss", {"text": "x" * 100_000})
        assert (status, problem["code"]) == (413, "too_large")


async def test_what_a_form_can_send_is_refused() -> None:
    async with listening(SignalingServer()) as place:
        await place.enter("ana")
        async with place.http.post(f"{place.url}/api/rooms/42/kick", data='{"user":"ana"}') as response:
            assert response.status == 415
            assert (await response.json())["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        (None, 401, "token_required"),
        ("nonsense", 401, "token_invalid"),
        (make(KEY, expires=1.0, grants=["admin"]), 401, "token_expired"),
        (make(KEY), 403, "not_allowed"),
        (make(KEY, room="attic", grants=["moderate"]), 403, "not_allowed"),
        (make(KEY, room="42", grants=["moderate"]), 404, "no_such_user"),
        (make(KEY, grants=["admin"]), 404, "no_such_user"),
    ],
)
async def test_with_a_key_it_takes_a_token_for_that_room(token: str | None, status: int, code: str) -> None:
    async with listening(SignalingServer(key=KEY)) as place:
        client = await place.connect()
        await client.join("ana", token=make(KEY))
        answered, problem = await post(place, "/api/rooms/42/kick", {"user": "ben"}, token)
        assert (answered, problem["code"]) == (status, code)


async def test_the_list_holds_the_rooms_that_the_token_is_for() -> None:
    async with listening(SignalingServer(key=KEY)) as place:
        for room in ("42", "attic"):
            await (await place.connect()).join("ana", room=room, token=make(KEY))
        assert (await get(place, "/api/rooms")).status == 401
        assert (await get(place, "/api/rooms", Authorization=f"Bearer {make(KEY)}")).status == 403
        for token, expected in (
            (make(KEY, grants=["moderate"]), ["42", "attic"]),
            (make(KEY, "attic", grants=["moderate"]), ["attic"]),
        ):
            answer = await (await get(place, "/api/rooms", Authorization=f"bearer {token}")).json()
            assert [found["name"] for found in answer["rooms"]] == expected


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


async def test_a_farewell_that_is_none_is_refused() -> None:
    async with listening(SignalingServer()) as place:
        assert (await post(place, "/ws", {"session": "s", "ticket": "t", "reason": "kicked"}))[0] == 400
        async with place.http.post(f"{place.url}/ws", data="{}") as response:
            assert response.status == 415
        async with place.http.post(f"{place.url}/ws", json={}, headers={"Origin": "https://e.example"}) as response:
            assert response.status == 403


async def test_a_kick_by_http_can_keep_out() -> None:
    async with listening(SignalingServer()) as place:
        await place.enter("ana")
        assert (await post(place, "/api/rooms/42/kick", {"user": "ana", "banFor": 0}))[0] == 400
        assert (await post(place, "/api/rooms/42/kick", {"user": "ana", "banFor": 60}))[0] == 200
        again = await place.connect()
        await again.say(Join(room="42", user="ana"))
        assert (await again.hear_a(Error)).code == ErrorCode.BANNED
