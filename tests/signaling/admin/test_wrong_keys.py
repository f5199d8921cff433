"""Who guesses keys, and who was banned and has a token that would still be good."""

import pytest

from signaling import SignalingServer
from signaling.gate import Limit
from signaling.tokens import make
from tests.signaling.client import Place, listening
from tests.signaling.test_limits import Count

ADMIN_KEY = "an-admin-key-that-is-long-enough"
KEY = "a key of thirty-two letters, sure"


async def ask(
    place: Place, key: str | None, path: str = "rooms", method: str = "GET", body: object = None, **headers: str
) -> tuple[int, dict[str, str]]:
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    async with place.http.request(method, f"{place.url}/api/{path}", headers=headers, json=body) as response:
        return response.status, {**response.headers, **(await response.json())}


async def test_after_too_many_wrong_keys_none_is_looked_at_for_a_while() -> None:
    server = SignalingServer(admin_key=ADMIN_KEY, wrong_keys=3, trusted_proxies=("127.0.0.1",))
    count = Count(server)
    async with listening(server) as place:
        for _ in range(20):
            assert (await ask(place, ADMIN_KEY))[0] == 200
        assert (await ask(place, None))[0] == 401, "who has no key has not guessed one"
        for number in range(3):
            assert (await ask(place, f"guess {number}"))[0] == 401
        status, answer = await ask(place, ADMIN_KEY)
        assert (status, answer["code"], answer["Retry-After"]) == (429, "rate_limited", "20")
        other = {"X-Forwarded-For": "203.0.113.1"}
        assert (await ask(place, ADMIN_KEY, **other))[0] == 200, "others are not kept out"
        async with place.http.get(
            f"{place.url}/metrics", headers={"Authorization": "Bearer guess", "Forwarded": "for=x"}
        ) as response:
            assert response.status == 429, "the metrics are no way around"
    assert count.refusals == {Limit.WRONG_KEYS: 2}


async def test_without_a_limit_everybody_may_guess_for_ever() -> None:
    async with listening(SignalingServer(admin_key=ADMIN_KEY, wrong_keys=0)) as place:
        assert {(await ask(place, "guess"))[0] for _ in range(50)} == {401}


@pytest.mark.parametrize("same_token", [True, False])
async def test_a_moderator_who_was_banned_cannot_go_on_with_the_api(same_token: bool) -> None:
    def token(*grants: str, expires: float | None = None) -> str:
        return make(KEY, None, "mod", grants=grants, expires=expires)

    mod = token("moderate")
    admin = make(KEY, grants=["admin"])
    async with listening(SignalingServer(key=KEY)) as place:
        ana, boss = await place.connect(), await place.connect()
        await ana.join("ana", token=make(KEY), room="attic")
        await boss.join("mod", token=mod)
        assert (await ask(place, mod, "rooms/42"))[0] == 200
        status, _ = await ask(place, admin, "rooms/42/kick", "POST", {"user": "mod", "banFor": 60})
        assert status == 200
        await (await place.connect()).join("kim", token=make(KEY))
        again = mod if same_token else token("moderate", expires=4_000_000_000)
        status, answer = await ask(place, again, "rooms/42/kick", "POST", {"user": "kim"})
        assert (status, answer["code"]) == (403, "banned")
        _, listed = await ask(place, again)
        assert [room["name"] for room in listed["rooms"]] == ["attic"]  # type: ignore[index] # a list
        assert (await ask(place, again, "rooms/attic"))[0] == 200, "the ban is of one room"
        assert (await ask(place, token("admin"), "rooms/42"))[0] == 200
