"""What the page of a room may connect to."""

import pytest

from signaling.pages import room_policy


def connects(*janus: str) -> str:
    (found,) = [one for one in room_policy(janus).split("; ") if one.startswith("connect-src ")]
    return found.removeprefix("connect-src ")


def test_without_janus_a_page_connects_to_our_own_server_alone() -> None:
    assert connects() == "'self'"


def test_a_page_connects_to_the_janus_servers_that_are_named_and_to_no_others() -> None:
    urls = ("ws://one.example:8188", "wss://two.example/janus", "wss://user@two.example/other", "ws://10.0.0.7")
    assert connects(*urls) == "'self' ws://one.example:8188 wss://two.example ws://10.0.0.7"


def test_what_a_name_or_a_path_may_hold_adds_nothing_to_the_policy() -> None:
    assert connects("wss://b\u00fccher.example:1/a;b,c") == "'self' wss://xn--bcher-kva.example:1"


@pytest.mark.parametrize("host", ["[2001:db8::7]:8188", "media_1", f"{'a' * 64}.example", "a;b"])
def test_a_host_that_a_policy_cannot_name_allows_those_of_its_scheme(host: str) -> None:
    assert connects(f"ws://{host}") == "'self' ws:"
