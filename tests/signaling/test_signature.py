"""How a receiver of webhooks knows that an event is ours and new."""

import pytest
from hypothesis import given, strategies as st

from signaling.signature import TOLERANCE, BadSignature, check, sign

WALL = 1_900_000_000.5
OLD, NEW, OTHER = "the key of last year, long", "the key of this year, long", "somebody else's key, long"
BODY = b'{"type":"userLeft"}'


def refusal(header: str, *, body: bytes = BODY, keys: tuple[str, ...] = (NEW,), wall: float = WALL) -> str:
    with pytest.raises(BadSignature) as raised:
        check(body, header, keys, wall)
    return str(raised.value)


def test_the_form_that_receivers_in_other_languages_rely_on() -> None:
    # printf '1900000000.{}' | openssl dgst -sha256 -hmac secret
    expected = "t=1900000000,v1=c37d53b3438110218cae13568aeb3610f9c094f17f84c1e8693d67ffb70cb545"
    assert sign(b"{}", ["secret"], WALL) == expected


@given(st.binary(), st.text(min_size=1).filter(lambda key: key.isprintable()))
def test_what_is_signed_is_accepted(body: bytes, key: str) -> None:
    check(body, sign(body, [key], WALL), [key], WALL)


@pytest.mark.parametrize("known", [(OLD,), (NEW,), (OLD, NEW)])
def test_while_keys_are_changed_either_of_them_is_enough(known: tuple[str, ...]) -> None:
    check(BODY, sign(BODY, [NEW, OLD], WALL), known, WALL)
    check(BODY, sign(BODY, known, WALL), (OTHER, *known), WALL)


def test_another_body_and_another_key_are_refused() -> None:
    header = sign(BODY, [NEW], WALL)
    assert "none of the keys" in refusal(header, body=BODY + b" ")
    assert "none of the keys" in refusal(header, keys=(OLD, OTHER))
    assert "none of the keys" in refusal(header, keys=())
    assert "none of the keys" in refusal(header.replace("t=19", "t=18"))


def test_what_is_sent_again_later_is_refused() -> None:
    header = sign(BODY, [NEW], WALL)
    check(BODY, header, [NEW], WALL + TOLERANCE - 1)
    assert "more than 300 s ago" in refusal(header, wall=WALL + TOLERANCE + 1)
    assert "a clock that is wrong" in refusal(header, wall=WALL - TOLERANCE - 1)
    assert refusal(header, wall=float("nan"))


@pytest.mark.parametrize(
    "header", ["", "t=", "v1=abc", "t=abc,v1=abc", "t=-1,v1=a", "t=1,t=2,v1=a", "t=\u0661,v1=a", f"t={'9' * 400},v1=a"]
)
def test_a_header_without_a_time_is_refused(header: str) -> None:
    assert "does not say when" in refusal(header)


@given(st.text())
def test_no_header_breaks_the_check(header: str) -> None:
    assert refusal(header)
    assert refusal(f"t=1,v1={header}")
