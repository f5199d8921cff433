import base64
import warnings
from typing import Any

import jwt
import pytest
from hypothesis import given, strategies as st

from signaling.messages import ErrorCode
from signaling.tokens import ALL_GRANTS, DEFAULT_GRANTS, Admission, TokenError, digest, make, verify

KEY = "sixteen letters!"
WALL = 1_800_000_000.0


def refusal(token: str | None, room: str = "lobby", user: str = "ana") -> TokenError:
    with pytest.raises(TokenError) as caught:
        verify(token, KEY, room, user, WALL)
    return caught.value


def signed(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, KEY.encode().ljust(32, b"\0"), "HS256")


def test_without_a_key_everybody_may_do_everything() -> None:
    assert verify(None, None, "lobby", "ana", WALL) == Admission("ana", "lobby", None, ALL_GRANTS)
    assert verify("nonsense", None, "lobby", "ana", WALL).can_moderate


def test_what_was_made_is_verified() -> None:
    token = make(KEY, "lobby", "ana", ["publish", "moderate"], WALL + 1)
    admission = verify(token, KEY, "lobby", "ana", WALL)
    assert admission == Admission("ana", "lobby", WALL + 1, frozenset({"publish", "moderate"}), digest(token))


def test_a_token_that_names_nobody_is_for_anybody_and_for_the_usual() -> None:
    admission = verify(make(KEY), KEY, "lobby", "ana", WALL)
    assert admission == Admission("ana", "lobby", None, DEFAULT_GRANTS, digest(make(KEY)))
    assert verify(signed({}), KEY, "lobby", "ana", WALL).grants == DEFAULT_GRANTS


def test_who_does_not_ask_for_a_room_or_user_is_told_what_the_token_says() -> None:
    admission = verify(make(KEY, room="lobby"), KEY, None, None, WALL)
    assert (admission.user, admission.room) == (None, "lobby")
    assert admission.covers("lobby")
    assert not admission.covers("other")
    assert verify(make(KEY), KEY, None, None, WALL).covers("other")


@pytest.mark.parametrize(
    ("grants", "can"), [([], False), (["publish", "message"], False), (["moderate"], True), (["admin"], True)]
)
def test_moderate_and_admin_let_one_moderate(grants: list[str], can: bool) -> None:
    assert verify(make(KEY, grants=grants), KEY, "lobby", "ana", WALL).can_moderate is can


def test_a_missing_token_is_asked_for() -> None:
    assert refusal(None).code == ErrorCode.TOKEN_REQUIRED


def test_a_token_has_expired_at_its_very_second() -> None:
    assert refusal(make(KEY, expires=WALL)).code == ErrorCode.TOKEN_EXPIRED
    assert verify(make(KEY, expires=WALL + 0.001), KEY, "lobby", "ana", WALL).expires == WALL + 0.001


def test_the_clock_is_the_callers() -> None:
    long_ago = make(KEY, expires=100.0)
    assert verify(long_ago, KEY, "lobby", "ana", 99.0).expires == 100.0
    assert verify(signed({"iat": WALL + 1e9}), KEY, "lobby", "ana", WALL).user == "ana"


def test_a_token_for_somebody_or_somewhere_else_is_refused_and_says_so() -> None:
    assert "another user" in refusal(make(KEY, user="ben")).text
    assert "another room" in refusal(make(KEY, room="attic")).text


@pytest.mark.parametrize(
    "claims",
    [
        {"nbf": WALL + 1},
        {"exp": "soon"},
        {"exp": True},
        {"room": 7},
        {"user": ["ana"]},
        {"grants": "admin"},
        {"grants": [1]},
        {"aud": "somebody else"},
    ],
)
def test_claims_that_make_no_sense_are_refused(claims: dict[str, Any]) -> None:
    assert refusal(signed(claims)).code == ErrorCode.TOKEN_INVALID


def test_a_token_that_is_valid_by_now_is_let_in() -> None:
    assert verify(signed({"nbf": WALL}), KEY, "lobby", "ana", WALL).user == "ana"


def test_an_expiry_that_is_not_a_number_is_no_expiry_at_all() -> None:
    assert refusal(signed({"exp": float("nan")})).code == ErrorCode.TOKEN_EXPIRED


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        "é.é.é",
        jwt.encode({"grants": ["admin"]}, "another key of thirty-two letters", "HS256"),
        jwt.encode({"grants": ["admin"]}, KEY.encode().ljust(64, b"\0"), "HS512"),
        jwt.encode({"grants": ["admin"]}, "", "none"),
        base64.urlsafe_b64encode(b"[" * 40_000).decode() + ".e30.e30",
        base64.urlsafe_b64encode(b'{"alg":"HS256","x":' + b"9" * 5_000 + b"}").decode() + ".e30.e30",
    ],
)
def test_what_our_key_has_not_signed_is_refused(token: str) -> None:
    assert refusal(token).code == ErrorCode.TOKEN_INVALID


@given(st.text(max_size=100) | st.builds(".".join, st.lists(st.text(max_size=20), min_size=3, max_size=3)))
def test_no_text_does_more_than_be_refused(token: str) -> None:
    assert refusal(token).code == ErrorCode.TOKEN_INVALID


def test_a_short_key_makes_the_same_tokens_as_elsewhere_and_no_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        token = make(KEY, room="lobby")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert jwt.decode(token, KEY, ["HS256"])["room"] == "lobby"


def test_a_token_is_known_again_by_a_digest_that_does_not_tell_it() -> None:
    assert digest(None) is None
    assert digest("a") != digest("b")
    assert digest("\ud800") == digest("\ud800")
    assert "secret" not in str(digest("secret"))
