"""Keys of both kinds, several at once, and what no token can talk a key into."""

import base64
import json
from fnmatch import fnmatchcase

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import example, given, strategies as st

from signaling.config import SignalingConfig
from signaling.keys import MIN_KEY, Key
from signaling.messages import ErrorCode
from signaling.tokens import TokenError, make, matches, verify

WALL = 1_800_000_000.0
SECRET = "a secret of thirty-two letters, yes"


def pem(private: Ed25519PrivateKey) -> tuple[str, str]:
    return (
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    )


PRIVATE, PUBLIC = pem(Ed25519PrivateKey.generate())
OTHER_PRIVATE, OTHER_PUBLIC = pem(Ed25519PrivateKey.generate())
ELLIPTIC = generate_private_key(SECP256R1())
NO_ED25519 = ELLIPTIC.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def is_let_in(token: str, *keys: Key) -> bool:
    try:
        return verify(token, keys, "lobby", "ana", WALL).user == "ana"
    except TokenError as error:
        return error.code is not ErrorCode.TOKEN_INVALID


def test_who_verifies_with_a_public_key_needs_not_be_able_to_sign() -> None:
    token = make(Key(PRIVATE), "lobby", "ana")
    assert is_let_in(token, Key(PUBLIC))
    assert is_let_in(token, Key(PRIVATE))
    assert not is_let_in(token, Key(OTHER_PUBLIC))
    with pytest.raises(ValueError, match="signs nothing"):
        make(Key(PUBLIC), "lobby", "ana")


def test_two_keys_are_valid_while_they_are_changed() -> None:
    older, newer = Key(SECRET, "2026-1"), Key(PRIVATE, "2026-2")
    for signer in (older, newer):
        token = make(signer)
        assert jwt.get_unverified_header(token)["kid"] == signer.id
        assert is_let_in(token, older, newer)
    assert not is_let_in(make(older), newer)
    assert verify(make(newer), newer, "lobby", "ana", WALL).user == "ana"


def test_a_token_that_names_no_key_is_tried_with_all_and_one_that_does_with_that_alone() -> None:
    keys = Key(SECRET, "one"), Key(SECRET + "!", "two")
    assert is_let_in(make(SECRET + "!"), *keys)
    assert not is_let_in(make(Key(SECRET + "!", "one")), *keys)
    assert not is_let_in(make(Key(SECRET, "three")), *keys)
    assert is_let_in(make(Key(SECRET, "three")), *keys, Key(SECRET))


def test_a_public_key_is_never_taken_for_a_secret() -> None:
    """The old trick: HS256 with the text of a public key, which everybody may know, as the secret."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()).rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps({"grants": ["admin"]}).encode()).rstrip(b"=")
    for secret in (PUBLIC, PUBLIC.strip()):
        signature = jwt.get_algorithm_by_name("HS256").sign(header + b"." + body, secret.encode())
        token = b".".join((header, body, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()
        assert not is_let_in(token, Key(PUBLIC))
        assert not is_let_in(token, Key(PUBLIC, "one"))
    assert not is_let_in(jwt.encode({}, "", "none"), Key(PUBLIC), Key(SECRET))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("short", str(MIN_KEY)),
        ("-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----", "Ed25519"),
        ("-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----", "Ed25519"),
        (NO_ED25519, "only those"),
    ],
)
def test_what_is_no_key_is_refused_and_not_shown(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        Key(text)
    assert text not in str(caught.value)
    with pytest.raises(ValueError, match="key"):
        SignalingConfig(key=text)


def test_a_key_does_not_show_itself() -> None:
    assert SECRET not in repr(Key(SECRET))
    assert "PRIVATE" not in repr(SignalingConfig(keys=(Key(PRIVATE),)))


@pytest.mark.parametrize("key_id", ["", "two words", "a" * 65, "line\n"])
def test_an_id_has_few_characters(key_id: str) -> None:
    with pytest.raises(ValueError, match="id"):
        Key(SECRET, key_id)


def test_a_short_key_is_known_as_weak() -> None:
    assert Key("x" * 31).is_weak
    assert not Key("x" * 32).is_weak
    assert not Key(PRIVATE).is_weak


def test_a_server_has_all_its_keys_and_no_two_of_one_id() -> None:
    config = SignalingConfig(key=SECRET, keys=(Key(PUBLIC, "one"),))
    assert config.all_keys == (Key(SECRET), Key(PUBLIC, "one"))
    assert SignalingConfig().all_keys == ()
    with pytest.raises(ValueError, match="ids"):
        SignalingConfig(keys=(Key(PUBLIC, "one"), Key(SECRET, "one")))


# -- patterns of rooms --

names = st.text("ab-", max_size=8)
patterns = st.text("ab-*", max_size=8)


@example("a*b*c", "a-c")
@given(patterns, names)
@example("*a*", "bab")
@example("*a*", "b")
def test_a_pattern_means_what_it_means_in_a_shell(pattern: str, name: str) -> None:
    assert matches(pattern, name) == fnmatchcase(name, pattern)


@given(st.lists(names, min_size=2, max_size=4))
def test_a_pattern_matches_whatever_fills_its_gaps(parts: list[str]) -> None:
    assert matches("*".join(parts), "b".join(parts))
    assert matches("*".join(parts), "".join(parts))


def test_a_token_for_a_pattern_of_rooms() -> None:
    token = make(SECRET, "team-*", "ana")
    assert verify(token, SECRET, "team-7", "ana", WALL).room == "team-7"
    with pytest.raises(TokenError, match="another room"):
        verify(token, SECRET, "lobby", "ana", WALL)
    admission = verify(token, SECRET, None, None, WALL)
    assert admission.covers("team-7")
    assert not admission.covers("lobby")


def test_a_pattern_of_many_gaps_takes_no_longer() -> None:
    assert not matches("*a" * 500 + "b", "a" * 64)
