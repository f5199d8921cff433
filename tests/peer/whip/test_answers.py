"""What an answer to an offer comes to."""

import pytest
from yarl import URL

from peer.errors import Rejected, UsageError
from peer.whip.answers import Accepted, Busy, HttpAnswer, Redirected, endpoint, may_have_token, outcome, reason
from signaling.messages import IceServer

HERE = URL("https://example.org/whip/lobby")
SDP = {"content-type": ["application/sdp; charset=utf-8"]}


def answer(status: int, body: bytes = b"", **headers: str) -> HttpAnswer:
    return HttpAnswer(status, {name.replace("_", "-"): [value] for name, value in headers.items()}, body)


@pytest.mark.parametrize(
    ("location", "session"),
    [
        ("/s/1", "https://example.org/s/1"),
        ("s/1?a=b#c", "https://example.org/whip/s/1?a=b"),
        ("https://other.example/s", "https://other.example/s"),
    ],
)
def test_an_offer_is_taken(location: str, session: str) -> None:
    taken = HttpAnswer(201, {**SDP, "location": [location], "link": ["<stun:s.example>; rel=ice-server"]}, b"v=0")
    assert outcome(HERE, taken) == Accepted("v=0", URL(session), (IceServer(urls=["stun:s.example"]),))


@pytest.mark.parametrize(
    ("said", "tag", "takes_more"),
    [
        ({"etag": ['"7"']}, '"7"', True),
        ({"accept-patch": ["text/plain", "application/trickle-ice-sdpfrag"]}, "", True),
        ({"accept-patch": ["text/plain"]}, "", False),
    ],
)
def test_a_server_that_takes_more_candidates_says_so(said: dict[str, list[str]], tag: str, takes_more: bool) -> None:
    taken = outcome(HERE, HttpAnswer(201, {**SDP, "location": ["/s"], **said}, b"v=0"))
    assert isinstance(taken, Accepted)
    assert (taken.tag, taken.takes_more) == (tag, takes_more)


@pytest.mark.parametrize("status", [307, 308])
def test_an_offer_is_made_somewhere_else(status: int) -> None:
    assert outcome(HERE, answer(status, location="//b.example/whip")) == Redirected(URL("https://b.example/whip"))


@pytest.mark.parametrize(("said", "seconds"), [("", 1.0), ("2", 2.0), ("3600", 5.0), ("-1", 1.0), ("tomorrow", 1.0)])
def test_a_busy_server_says_when_to_come_again(said: str, seconds: float) -> None:
    busy = outcome(HERE, answer(503, retry_after=said))
    assert isinstance(busy, Busy)
    assert (busy.seconds, busy.error.status) == (seconds, 503)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (answer(201, location="/s"), "it answers with nothing"),
        (answer(201, b"\xff", location="/s", content_type="application/sdp"), "what is no text"),
        (answer(201, location="ftp://x/"), "does not say where the session is"),
        (answer(201, location="http://[::1"), "does not say where the session is"),
        (answer(307), "HTTP 307"),
        (answer(301, location="/s"), "HTTP 301"),
        (answer(200), "HTTP 200"),
        (answer(599), "HTTP 599"),
    ],
)
def test_what_is_no_answer_is_said_in_a_sentence(given: HttpAnswer, words: str) -> None:
    with pytest.raises(Rejected) as caught:
        outcome(HERE, given)
    assert words in str(caught.value)
    assert caught.value.status == given.status


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (answer(500, b'{"text": "no room"}'), "HTTP 500, no room"),
        (answer(403, b'{"title": "Forbidden"}'), "HTTP 403, our token does not allow this (Forbidden)"),
        (answer(500, b"a\x1b[2J\nb", content_type="text/plain; charset=utf-8"), "HTTP 500, a [2J b"),
        (answer(500, b"<h1>no</h1>", content_type="text/html"), "HTTP 500"),
        (answer(500, b"[]"), "HTTP 500"),
        (answer(500, b"a" * 999, content_type="text/plain"), f"HTTP 500, {'a' * 200}"),
    ],
)
def test_a_server_s_own_words_are_passed_on_and_harm_no_terminal(given: HttpAnswer, words: str) -> None:
    assert reason(given) == words


def test_a_token_does_not_go_from_encryption_into_the_open() -> None:
    safe, open_ = URL("https://a.example"), URL("http://a.example")
    assert [may_have_token(*pair) for pair in ((safe, safe), (open_, safe), (open_, open_), (safe, open_))] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("url", ["", "whip", "ws://example.org", "https:///whip", "http://[::1"])
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(UsageError, match="is no WHIP or WHEP address"):
        endpoint(url)


def test_an_address_has_no_fragment() -> None:
    assert endpoint("https://example.org/whip#top") == URL("https://example.org/whip")
