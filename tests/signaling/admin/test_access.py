"""Who may use the admin API."""

import pytest
from aiohttp.test_utils import make_mocked_request

from signaling import SignalingServer
from signaling.admin.access import admit, is_here
from signaling.config import Options, SignalingConfig
from signaling.messages import ErrorCode
from signaling.tokens import TokenError, make
from tests.signaling.admin.asking import ADMIN_KEY, KEY, ask
from tests.signaling.client import listening

WALL = 1_800_000_000.0  # seconds since 1970


def test_the_admin_key_allows_everything_everywhere() -> None:
    for config in (SignalingConfig(admin_key=ADMIN_KEY), SignalingConfig(admin_key=ADMIN_KEY, key=KEY)):
        admission = admit(ADMIN_KEY, config, WALL, is_here=False)
        assert (admission.room, admission.user, admission.expires) == (None, None, None)
        assert admission.can_moderate


@pytest.mark.parametrize(
    "bearer", ["", "x", ADMIN_KEY[:-1], f"{ADMIN_KEY}x", "sch\N{LATIN SMALL LETTER O WITH DIAERESIS}n", "\udcff"]
)
def test_anything_else_is_not_the_admin_key(bearer: str) -> None:
    with pytest.raises(TokenError) as refused:
        admit(bearer, SignalingConfig(admin_key=ADMIN_KEY), WALL, is_here=True)
    assert refused.value.code is ErrorCode.TOKEN_INVALID


@pytest.mark.parametrize("config", [SignalingConfig(admin_key=ADMIN_KEY), SignalingConfig(key=KEY)])
def test_with_any_key_nobody_comes_without_one(config: SignalingConfig) -> None:
    with pytest.raises(TokenError) as refused:
        admit(None, config, WALL, is_here=True)
    assert refused.value.code is ErrorCode.TOKEN_REQUIRED


def test_the_key_of_tokens_is_no_admin_key_and_a_token_beside_one_still_counts() -> None:
    config = SignalingConfig(admin_key=ADMIN_KEY, key=KEY)
    with pytest.raises(TokenError):
        admit(KEY, config, WALL, is_here=True)
    assert admit(make(KEY, grants=["admin"]), config, WALL, is_here=False).can_moderate


def test_a_server_without_a_key_answers_its_own_machine_alone() -> None:
    assert admit(None, SignalingConfig(), WALL, is_here=True).can_moderate
    with pytest.raises(TokenError) as refused:
        admit(None, SignalingConfig(), WALL, is_here=False)
    assert refused.value.code is ErrorCode.NOT_ALLOWED


@pytest.mark.parametrize(
    ("headers", "expected"),
    [({}, True), ({"X-Forwarded-For": "192.0.2.7"}, False), ({"Forwarded": "for=192.0.2.7"}, False)],
)
async def test_who_is_asked_for_by_a_proxy_is_not_of_this_machine(headers: dict[str, str], expected: bool) -> None:
    async with listening(SignalingServer()) as place:
        assert (await ask(place, "GET", "rooms", **headers))[0] == (200 if expected else 403)


def test_who_has_no_address_is_not_of_this_machine() -> None:
    assert not is_here(make_mocked_request("GET", "/api/rooms"))


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
        await (await place.connect()).join("ana", token=make(KEY))
        answered, problem = await ask(place, "POST", "rooms/42/kick", {"user": "ben"}, bearer=token)
        assert (answered, problem["code"]) == (status, code)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "rooms/attic", {}),
        ("PUT", "rooms/42/users/ana/extra", {"extra": {}}),
        ("POST", "rooms/42/users/ana/move", {"to": "attic"}),
    ],
)
async def test_what_no_moderator_does_takes_an_admin(method: str, path: str, body: object) -> None:
    async with listening(SignalingServer(key=KEY)) as place:
        await (await place.connect()).join("ana", token=make(KEY))
        status, problem = await ask(place, method, path, body, bearer=make(KEY, grants=["moderate"]))
        assert (status, problem["code"]) == (403, "not_allowed")
        assert "admin" in problem["text"]
        assert (await ask(place, method, path, body, bearer=make(KEY, grants=["admin"])))[0] in {200, 201}


async def test_nobody_is_moved_into_a_room_that_the_token_is_not_for() -> None:
    async with listening(SignalingServer(key=KEY)) as place:
        await (await place.connect()).join("ana", token=make(KEY))
        token = make(KEY, room="42", grants=["admin"])
        status, problem = await ask(place, "POST", "rooms/42/users/ana/move", {"to": "attic"}, bearer=token)
        assert (status, problem["code"]) == (403, "not_allowed")
        assert "attic" in problem["text"]


async def test_the_list_holds_the_rooms_that_the_token_is_for() -> None:
    async with listening(SignalingServer(key=KEY)) as place:
        for room in ("42", "attic"):
            await (await place.connect()).join("ana", room=room, token=make(KEY))
        assert (await ask(place, "GET", "rooms"))[0] == 401
        assert (await ask(place, "GET", "rooms", bearer=make(KEY)))[0] == 403
        for token, expected in (
            (make(KEY, grants=["moderate"]), ["42", "attic"]),
            (make(KEY, "attic", grants=["moderate"]), ["attic"]),
        ):
            _, answer = await ask(place, "GET", "rooms", bearer=token)
            assert [found["name"] for found in answer["rooms"]] == expected


@pytest.mark.parametrize("options", [{"admin_key": ADMIN_KEY}, {"admin_key": ADMIN_KEY, "key": KEY}])
async def test_the_admin_key_opens_everything_by_http(options: Options) -> None:
    async with listening(SignalingServer(**options)) as place:
        assert (await ask(place, "PUT", "rooms/attic", {}, bearer=ADMIN_KEY))[0] == 201
        assert (await ask(place, "POST", "rooms/attic/dismiss", {}, bearer=ADMIN_KEY))[0] == 200
        status, problem = await ask(place, "GET", "rooms", bearer="another")
        assert (status, problem["code"]) == (401, "token_invalid")
