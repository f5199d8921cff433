"""What a PATCH brings."""

import pytest

from peer.gateways.trickle import MOST_CANDIDATES, BadFragment, Found, Fragment, is_restart, matches, read_fragment

CANDIDATE = "candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host"


def test_candidates_are_of_the_medium_that_they_stand_in() -> None:
    own = ["a=ice-ufrag:EsAw", "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1", f"a={CANDIDATE}"]
    audio = ["m=audio 9 RTP/AVP 0", "a=mid:0", f"a={CANDIDATE}"]
    video = ["m=video 9 RTP/AVP 0", f"a={CANDIDATE}", "a=candidate:", "a=end-of-candidates", ""]
    text = "\r\n".join([*own, *audio, *video])
    found = (Found(CANDIDATE, None, 0), Found(CANDIDATE, "0", 0), Found(CANDIDATE, None, 1))
    assert read_fragment(text) == Fragment("EsAw", found)


def test_the_end_of_candidates_alone_says_something() -> None:
    assert read_fragment("a=end-of-candidates\r\n") == Fragment(None, ())


def test_only_so_many_candidates_are_taken() -> None:
    assert len(read_fragment(f"a={CANDIDATE}\n" * 500).candidates) == MOST_CANDIDATES


@pytest.mark.parametrize("text", ["", "hello", "m=audio 9 RTP/AVP 0\na=mid:0\n"])
def test_what_says_nothing_of_ice_is_no_fragment(text: str) -> None:
    with pytest.raises(BadFragment, match="neither"):
        read_fragment(text)


def test_another_ice_session_is_a_restart() -> None:
    assert is_restart(Fragment("new", ()), "EsAw")
    assert not is_restart(Fragment("EsAw", ()), "EsAw")
    assert not is_restart(Fragment(None, ()), "EsAw")


def test_an_entity_tag_matches_itself_and_the_star() -> None:
    assert matches('"a"', '"a"')
    assert matches('"b", "a"', '"a"')
    assert matches(" * ", '"a"')
    assert not matches('W/"a"', '"a"')
    assert not matches('"b"', '"a"')
