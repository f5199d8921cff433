"""What is said in headers and status codes."""

import pytest

from peer.gateways.wording import SDP, accepts, bearer, links, status_of
from signaling.messages import ErrorCode, IceServer


def test_each_address_of_an_ice_server_is_a_link() -> None:
    stun = IceServer(urls=["stun:stun.example.net"])
    turn = IceServer(urls=["turn:a", "turns:b?transport=tcp"], username='u"1', credential="p\\2")
    words = '; rel="ice-server"; username="u\\"1"; credential="p\\\\2"; credential-type="password"'
    assert links([stun, turn]) == [
        '<stun:stun.example.net>; rel="ice-server"',
        f"<turn:a>{words}",
        f"<turns:b?transport=tcp>{words}",
    ]


@pytest.mark.parametrize(
    ("accept", "is_so"),
    [
        (None, True),
        ("*/*", True),
        ("application/*", True),
        ("text/html, application/sdp;q=0.5", True),
        ("Application/SDP", True),
        ("application/json", False),
        ("text/*", False),
        ("application/sdp;q=0", False),
        ("application/sdp; q=0.000", False),
        ("", False),
    ],
)
def test_an_accept_header_takes_sdp_or_not(accept: str | None, is_so: bool) -> None:
    assert accepts(accept, SDP) is is_so


def test_a_bearer_token_is_found_whatever_the_case() -> None:
    assert bearer("bearer  abc ") == "abc"
    assert bearer("Basic abc") is None
    assert bearer("Bearer ") is None
    assert bearer(None) is None


def test_errors_have_a_status() -> None:
    assert status_of(ErrorCode.BANNED) == 403
    assert status_of(ErrorCode.TOO_LARGE) == 400
