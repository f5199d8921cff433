"""The request that carries a session's last words."""

import pytest

from peer.farewell import call_of, deletion_of
from signaling.messages import Farewell

CRASHED = Farewell(session="s1", ticket="t1", reason="crashed")
BODY = '{"session":"s1","ticket":"t1","reason":"crashed"}'


def test_it_is_a_post_to_the_address_of_the_websocket() -> None:
    call = call_of("ws://10.0.0.7:8080/ws", CRASHED)
    assert (call.host, call.port, call.is_secure) == ("10.0.0.7", 8080, False)
    assert call.request == (
        "POST /ws HTTP/1.1\r\nHost: 10.0.0.7:8080\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(BODY)}\r\nConnection: close\r\n\r\n{BODY}"
    )


@pytest.mark.parametrize(
    ("url", "host", "port", "is_secure", "target", "header"),
    [
        ("ws://example.org", "example.org", 80, False, "/", "example.org"),
        ("ws://example.org:80/ws", "example.org", 80, False, "/ws", "example.org"),
        ("http://example.org:81/ws", "example.org", 81, False, "/ws", "example.org:81"),
        ("wss://example.org/a/ws?x=1&y=ü#z", "example.org", 443, True, "/a/ws?x=1&y=%C3%BC", "example.org"),
        ("https://example.org/ws", "example.org", 443, True, "/ws", "example.org"),
        ("ws://[::1]:8080/ws", "::1", 8080, False, "/ws", "[::1]:8080"),
        ("ws://bücher.example/ws", "xn--bcher-kva.example", 80, False, "/ws", "xn--bcher-kva.example"),
    ],
)
def test_address_path_and_query_are_kept(
    url: str, host: str, port: int, is_secure: bool, target: str, header: str
) -> None:
    call = call_of(url, CRASHED)
    assert (call.host, call.port, call.is_secure) == (host, port, is_secure)
    assert call.request.startswith(f"POST {target} HTTP/1.1\r\nHost: {header}\r\n")


@pytest.mark.parametrize(("user", "coded"), [("ana:secret", "YW5hOnNlY3JldA=="), ("ana", "YW5hOg==")])
def test_a_user_and_a_password_go_where_the_websocket_sends_them(user: str, coded: str) -> None:
    assert f"\r\nAuthorization: Basic {coded}\r\n" in call_of(f"ws://{user}@10.0.0.7/ws", CRASHED).request


def test_nothing_in_the_url_can_add_a_header() -> None:
    request = call_of("ws://10.0.0.7/ws%0d%0aX:%20y?a=b%0d%0aX:%20y", CRASHED).request
    assert request.split("\r\n", 1)[0] == "POST /ws%0D%0AX:%20y?a=b%0D%0AX:%20y HTTP/1.1"


@pytest.mark.parametrize(("token", "header"), [(None, ""), ("secret", "Authorization: Bearer secret\r\n")])
def test_a_session_of_whip_ends_with_a_delete(token: str | None, header: str) -> None:
    call = deletion_of("https://example.org/whip/s/1?a=b", token)
    assert (call.host, call.port, call.is_secure) == ("example.org", 443, True)
    assert call.request == (f"DELETE /whip/s/1?a=b HTTP/1.1\r\nHost: example.org\r\n{header}Connection: close\r\n\r\n")
