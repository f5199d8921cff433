"""What operators can do by HTTP, and what really happened is what is answered."""

import asyncio
from typing import Any

import pytest

from signaling import SignalingServer
from signaling.messages import (
    Error,
    ErrorCode,
    ExitRoom,
    Join,
    Moved,
    Muted,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUpdate,
    Said,
)
from signaling.reasons import Reason
from tests.signaling.admin.asking import acknowledge, ask
from tests.signaling.client import listening, mounted

both_ways = pytest.mark.parametrize("serve", [listening, mounted])


async def test_the_list_shows_everybody() -> None:
    async with listening(SignalingServer()) as place:
        ana = await place.connect()
        joined = await ana.join("ana", extra={"role": "host"})
        status, answer = await ask(place, "GET", "rooms")
        (room,) = answer["rooms"]
        (user,) = room["users"]
        assert (status, room["name"]) == (200, "42")
        assert user.pop("since") > 1.7e9
        assert user == {"user": "ana", "session": joined.session, "extra": {"role": "host"}, "unreachable": False}
        assert (await ask(place, "GET", "rooms/42"))[1] == (await ask(place, "GET", "rooms"))[1]["rooms"][0]
        assert (await ask(place, "GET", "rooms/42/users/ana"))[1]["session"] == joined.session


@both_ways
async def test_a_kick_says_who_was_told_and_who_did_not_acknowledge_it(serve: Any) -> None:
    async with serve(SignalingServer()) as place:
        ana, _ben, cem = await place.enter("ana", "ben", "cem")
        asked = asyncio.create_task(
            ask(place, "POST", "rooms/42/kick", {"user": "cem", "text": "too loud"}), name="kick"
        )
        assert isinstance(await acknowledge(cem), ExitRoom)
        leave = await acknowledge(ana)
        assert isinstance(leave, RemoteUserLeave)
        assert (leave.user, leave.reason, leave.text) == ("cem", Reason.KICKED, "too loud")
        status, answer = await asked
        (kicked,) = answer["kicked"]
        assert (status, answer["room"], answer["missing"], kicked["user"]) == (200, "42", [], "cem")
        assert {"ana", "ben"} <= set(kicked["told"])
        assert kicked["unacknowledged"] == ["ben"]


async def test_many_are_kicked_at_once_and_who_is_missing_is_named() -> None:
    async with listening(SignalingServer()) as place:
        others = ["ben", "cem", "dora", "eva", "finn"]
        await place.enter("ana", *others)
        began = asyncio.get_running_loop().time()
        status, answer = await ask(place, "POST", "rooms/42/kick", {"user": ["ben", "nobody", *others[1:], "ben"]})
        assert asyncio.get_running_loop().time() - began < 0.8 * len(others), "they are waited for one after the other"
        assert status == 200
        assert [one["user"] for one in answer["kicked"]] == others
        assert answer["missing"] == ["nobody"]
        assert [user["user"] for user in (await ask(place, "GET", "rooms/42"))[1]["users"]] == ["ana"]


async def test_a_kick_can_keep_out() -> None:
    async with listening(SignalingServer()) as place:
        await place.enter("ana")
        assert (await ask(place, "POST", "rooms/42/kick", {"user": "ana", "banFor": 60}))[0] == 200
        again = await place.connect()
        await again.say(Join(room="42", user="ana"))
        assert (await again.hear_a(Error)).code == ErrorCode.BANNED


@both_ways
async def test_dismiss(serve: Any) -> None:
    async with serve(SignalingServer()) as place:
        ana, _ben = await place.enter("ana", "ben")
        asked = asyncio.create_task(ask(place, "POST", "rooms/42/dismiss", {"text": "closing time"}), name="dismiss")
        last = await acknowledge(ana)
        assert last == ExitRoom(reason=Reason.DISMISSED, text="closing time", seq=3, wants_ack=True)
        status, answer = await asked
        assert (status, answer) == (200, {"room": "42", "told": ["ana", "ben"], "unacknowledged": ["ben"]})
        assert (await ask(place, "POST", "rooms/42/dismiss", {}))[0] == 404


async def test_a_room_can_be_made_with_settings_of_its_own() -> None:
    async with listening(SignalingServer()) as place:
        settings = {"capacity": 1, "grace": 2.5, "maxAge": 60, "soloTimeout": None, "closeWhenEmpty": True}
        status, answer = await ask(place, "PUT", "rooms/attic", settings)
        assert status == 201
        assert answer["settings"] == {"name": "attic", "duplicate": "replace", "topology": "mesh", **settings}
        assert (await ask(place, "GET", "rooms/attic"))[1]["users"] == []
        joined = await (await place.connect()).join("ana", room="attic")
        assert joined.grace == 2.5
        late = await place.connect()
        await late.say(Join(room="attic", user="ben"))
        assert (await late.hear_a(Error)).code == ErrorCode.ROOM_FULL


async def test_a_room_whose_media_pass_through_janus_takes_a_server_that_knows_one() -> None:
    async with listening(SignalingServer()) as place:
        status, problem = await ask(place, "PUT", "rooms/stage", {"topology": "janus"})
        assert (status, problem["code"]) == (409, "wrong_state")
        assert "topology janus takes a Janus server" in problem["text"]
    knowing = SignalingServer(janus=("ws://127.0.0.1:9",), janus_secret="what nobody there knows")
    async with listening(knowing) as place:
        status, answer = await ask(place, "PUT", "rooms/stage", {"topology": "janus"})
        assert (status, answer["settings"]["topology"]) == (201, "janus")
        joined = await (await place.connect()).join("ana", room="stage")
        assert joined.topology == "janus"


async def test_making_a_room_again_changes_nothing_and_other_settings_are_refused() -> None:
    async with listening(SignalingServer()) as place:
        assert (await ask(place, "PUT", "rooms/attic", {"capacity": 3}))[0] == 201
        assert (await ask(place, "PUT", "rooms/attic", {"capacity": 3.0}))[0] == 200
        status, problem = await ask(place, "PUT", "rooms/attic", {"capacity": 4})
        assert (status, problem["code"]) == (409, "wrong_state")
        assert "attic" in problem["text"]


async def test_mute_asks_a_user_to_send_nothing_of_a_kind() -> None:
    async with listening(SignalingServer()) as place:
        (ana,) = await place.enter("ana")
        asked = asyncio.create_task(ask(place, "POST", "rooms/42/users/ana/mute", {"kind": "audio", "text": "hum"}))
        muted = await acknowledge(ana)
        assert isinstance(muted, Muted)
        assert (muted.kind, muted.text) == ("audio", "hum")
        assert await asked == (200, {"room": "42", "user": "ana", "told": ["ana"], "unacknowledged": []})


async def test_a_message_reaches_everybody_or_one() -> None:
    async with listening(SignalingServer()) as place:
        ana, ben = await place.enter("ana", "ben")
        everybody = {"topic": "notice", "data": {"minutes": 5}}
        status, answer = await ask(place, "POST", "rooms/42/messages", everybody)
        assert (status, sorted(answer["told"])) == (200, ["ana", "ben"])
        assert await ana.hear() == await ben.hear() == Said(topic="notice", data={"minutes": 5})
        assert (await ask(place, "POST", "rooms/42/messages", {"topic": "x", "to": "ben"}))[1]["told"] == ["ben"]
        assert await ben.hear() == Said(topic="x")


async def test_what_is_known_of_a_user_can_be_replaced() -> None:
    async with listening(SignalingServer()) as place:
        ana, _ben = await place.enter("ana", "ben")
        status, answer = await ask(place, "PUT", "rooms/42/users/ben/extra", {"extra": {"hand": "raised"}})
        assert (status, answer["user"]) == (200, "ben")
        update = await ana.hear_a(RemoteUserUpdate)
        assert (update.user, update.extra) == ("ben", {"hand": "raised"})
        assert (await ask(place, "GET", "rooms/42/users/ben"))[1]["extra"] == {"hand": "raised"}
        assert (await ask(place, "PUT", "rooms/42/users/ben/extra", {"extra": {"hand": "raised"}}))[0] == 200


async def test_a_user_can_be_moved_to_another_room() -> None:
    async with listening(SignalingServer()) as place:
        ana, ben = await place.enter("ana", "ben")
        status, answer = await ask(place, "POST", "rooms/42/users/ben/move", {"to": "attic"})
        assert (status, answer["room"], answer["user"], answer["to"]) == (200, "42", "ben", "attic")
        assert (await ana.hear_a(RemoteUserLeave)).reason == Reason.MOVED
        assert (await ben.hear_a(Moved)).room == "attic"
        assert [user["user"] for user in (await ask(place, "GET", "rooms/attic"))[1]["users"]] == ["ben"]


async def test_a_move_that_the_other_room_does_not_take_is_a_conflict() -> None:
    async with listening(SignalingServer()) as place:
        await place.enter("ana", "ben")
        await ask(place, "PUT", "rooms/attic", {"capacity": 1})
        assert (await ask(place, "POST", "rooms/42/users/ana/move", {"to": "attic"}))[0] == 200
        status, problem = await ask(place, "POST", "rooms/42/users/ben/move", {"to": "attic"})
        assert (status, problem["code"]) == (409, "room_full")
        status, problem = await ask(place, "POST", "rooms/42/users/ben/move", {"to": "42"})
        assert (status, problem["code"]) == (409, "wrong_state")
        status, problem = await ask(place, "POST", "rooms/42/users/ben/move", {"to": "api"})
        assert (status, problem["code"]) == (400, "bad_name")


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "rooms/attic", None, "no_such_room"),
        ("GET", "rooms/attic/users/ana", None, "no_such_room"),
        ("GET", "rooms/42/users/ben", None, "no_such_user"),
        ("POST", "rooms/attic/kick", {"user": "ana"}, "no_such_room"),
        ("POST", "rooms/42/kick", {"user": "ben"}, "no_such_user"),
        ("POST", "rooms/42/kick", {"user": ["ben", "cem"]}, "no_such_user"),
        ("POST", "rooms/attic/dismiss", {}, "no_such_room"),
        ("POST", "rooms/attic/messages", {"topic": "x"}, "no_such_room"),
        ("POST", "rooms/attic/messages", {"topic": "x", "to": "ana"}, "no_such_room"),
        ("POST", "rooms/42/messages", {"topic": "x", "to": "ben"}, "no_such_user"),
        ("PUT", "rooms/42/users/ben/extra", {"extra": {}}, "no_such_user"),
        ("PUT", "rooms/attic/users/ana/extra", {"extra": {}}, "no_such_room"),
        ("POST", "rooms/42/users/ben/mute", {"kind": "audio"}, "no_such_user"),
        ("POST", "rooms/42/users/ben/move", {"to": "attic"}, "no_such_user"),
    ],
)
async def test_what_is_not_there_is_named(method: str, path: str, body: object, code: str) -> None:
    async with listening(SignalingServer()) as place:
        await place.enter("ana")
        status, problem = await ask(place, method, path, body)
        assert (status, problem["code"]) == (404, code)
        assert ("attic" if code == "no_such_room" else "ben") in problem["text"]


@pytest.mark.parametrize(
    ("method", "path", "body", "text"),
    [
        ("POST", "rooms/42/kick", {}, "`user` is required"),
        ("POST", "rooms/42/kick", [], "the body must be an object"),
        ("POST", "rooms/42/kick", {"user": 7}, "`user` must be a string or a list, not an integer"),
        ("POST", "rooms/42/kick", {"user": ["ana", ""]}, "`user[1]` must be a name"),
        ("POST", "rooms/42/kick", {"user": []}, "`user` must be a list of at least 1"),
        ("POST", "rooms/42/kick", {"user": "ana", "text": "x" * 1001}, "`text` must be a string of at most 1000"),
        ("POST", "rooms/42/kick", {"user": "ana", "banFor": 0}, "`banFor` must be a number above 0"),
        ("POST", "rooms/42/kick", {"user": "ana", "banfor": 60}, "`banfor` is not known here"),
        ("PUT", "rooms/attic", {"capacity": 1.5}, "`capacity` must be a whole number"),
        ("PUT", "rooms/attic", {"duplicate": "both"}, "`duplicate` cannot be 'both'"),
        ("PUT", "rooms/metrics", {}, "no room can be called 'metrics'"),
        ("PUT", "rooms/-x", {}, "no room can be called '-x'"),
        ("POST", "rooms/42/users/ana/mute", {}, "`kind` is required"),
        ("POST", "rooms/42/messages", {"data": 1}, "`topic` is required"),
        ("PUT", "rooms/42/users/ana/extra", {"extra": []}, "`extra` must be an object, not a list"),
        ("POST", "rooms/42/users/ana/move", {"to": "a b"}, "`to` must be a name"),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused_by_the_name_of_the_field(
    method: str, path: str, body: object, text: str
) -> None:
    async with listening(SignalingServer()) as place:
        await place.enter("ana")
        status, problem = await ask(place, method, path, body)
        assert status == 400
        assert problem["text"].startswith(text)


async def test_a_body_that_is_no_json_is_a_bad_request() -> None:
    async with listening(SignalingServer()) as place:
        for body in (b"", b"{", b'{"text":"\xff"}', b"[" * 10_000):
            headers = {"Content-Type": "application/json"}
            async with place.http.post(f"{place.url}/api/rooms/42/dismiss", data=body, headers=headers) as response:
                assert response.status == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("users/ana/extra", {"extra": {"x": "x" * 9000}}),
        ("users/ana/extra", {"extra": {"x": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}),
        ("messages", {"topic": "x", "data": "x" * 17_000}),
        ("dismiss", {"text": "x" * 100_000}),
    ],
)
async def test_what_is_too_large_is_refused(path: str, body: object) -> None:
    async with listening(SignalingServer()) as place:
        await place.enter("ana")
        status, problem = await ask(place, "PUT" if "extra" in path else "POST", f"rooms/42/{path}", body)
        assert (status, problem["code"]) == (413, "too_large")


async def test_what_a_form_can_send_is_refused() -> None:
    async with listening(SignalingServer()) as place:
        await place.enter("ana")
        async with place.http.post(f"{place.url}/api/rooms/42/kick", data='{"user":"ana"}') as response:
            assert response.status == 415
            assert (await response.json())["code"] == "unsupported_media_type"


async def test_who_comes_into_a_room_that_was_made_meets_nobody_and_the_next_one_meets_them() -> None:
    async with listening(SignalingServer()) as place:
        await ask(place, "PUT", "rooms/42", {})
        ana, _ben = await place.enter("ana", "ben")
        status, _ = await ask(place, "POST", "rooms/42/users/ana/move", {"to": "attic"})
        assert status == 200
        assert (await ana.hear_a(Moved)).users == []
        late = await place.connect()
        assert [user.user for user in (await late.join("cem", room="attic")).users] == ["ana"]
        assert (await ana.hear_a(RemoteUserJoin)).user == "cem"
