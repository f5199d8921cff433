"""What is gathered before an offer and what follows it."""

import pytest

from peer.whip.gathering import (
    Gathering,
    Next,
    after_answer,
    before_offer,
    can_relay,
    fragment,
    open_ended,
    without_end,
)
from signaling.messages import IceServer

STUN = IceServer(urls=["stun:stun.example.net"])
TURN = IceServer(urls=["stun:stun.example.net", "turns:turn.example.net"], username="u", credential="c")
HOST = "candidate:1 1 udp 2130706431 192.0.2.7 40001 typ host"
RELAY = "candidate:2 1 udp 16777215 198.51.100.1 50000 typ relay raddr 0.0.0.0 rport 9"
HEAD = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
AUDIO = ["m=audio 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0", "a=ice-ufrag:ours", "a=ice-pwd:secret"]
VIDEO = ["m=video 9 UDP/TLS/RTP/SAVPF 97", "a=mid:1", "a=ice-ufrag:ours", "a=ice-pwd:secret"]
END = "a=end-of-candidates"


def sdp(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


BARE = sdp(*HEAD, *AUDIO, *VIDEO)
WITH_HOST = sdp(*HEAD, *AUDIO, f"a={HOST}", *VIDEO)


@pytest.mark.parametrize(
    ("own", "named", "servers", "is_whole"),
    [
        (None, (), (), False),
        (None, (TURN,), (TURN,), True),
        ((), (), (), True),
        ((STUN,), (TURN,), (STUN,), True),
    ],
)
def test_an_offer_is_whole_if_the_servers_are_known_or_the_program_wants_none(
    own: tuple[IceServer, ...] | None, named: tuple[IceServer, ...], servers: tuple[IceServer, ...], is_whole: bool
) -> None:
    assert before_offer(own, named) == Gathering(servers, is_whole)


@pytest.mark.parametrize(
    ("is_whole", "offer", "named", "takes_more", "then"),
    [
        (True, WITH_HOST, (TURN,), True, Next.NOTHING),
        (False, WITH_HOST, (TURN,), True, Next.BESIDE),
        (False, WITH_HOST, (TURN,), False, Next.BESIDE),
        (False, BARE, (TURN,), False, Next.FIRST),
        (False, WITH_HOST, (), True, Next.END),
        (False, WITH_HOST, (), False, Next.NOTHING),
    ],
)
def test_servers_that_come_with_the_answer_are_used_whether_or_not_it_takes_a_patch(
    is_whole: bool, offer: str, named: tuple[IceServer, ...], takes_more: bool, then: Next
) -> None:
    assert after_answer(Gathering((), is_whole), offer, named, takes_more=takes_more) is then


def test_only_turn_relays() -> None:
    assert (can_relay([STUN]), can_relay([STUN, TURN]), can_relay([])) == (False, True, False)


def test_an_offer_with_an_open_end_says_that_it_trickles_and_not_that_it_is_all() -> None:
    whole = sdp(*HEAD, *AUDIO, f"a={HOST}", END, *VIDEO, END)
    assert open_ended(whole) == sdp(*HEAD, "a=ice-options:trickle", *AUDIO, f"a={HOST}", *VIDEO)
    assert open_ended(open_ended(whole)) == open_ended(whole)
    assert open_ended(sdp("v=0")) == sdp("v=0", "a=ice-options:trickle")
    assert without_end(whole) == WITH_HOST


def test_what_follows_is_of_the_first_medium_and_says_that_it_is_all() -> None:
    head = ("a=group:BUNDLE 0 1", *AUDIO)
    assert fragment(WITH_HOST, [RELAY]) == sdp(*head, f"a={RELAY}", END)
    assert fragment(BARE, []) == sdp(*head, END)
    assert fragment(sdp(*AUDIO), []) == sdp(*AUDIO, END)
