"""Which offers of WHIP publishers and WHEP players can be answered."""

import pytest

from peer.gateways.offers import Malformed, Offer, Unacceptable, read_offer

SESSION = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
AUDIO = ["m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=ice-ufrag:EsAw", "a=mid:0", "a=rtcp-mux", "a=rtpmap:111 opus/48000/2"]
VIDEO = ["m=video 9 UDP/TLS/RTP/SAVPF 96", "a=ice-ufrag:EsAw", "a=mid:1", "a=rtcp-mux", "a=rtpmap:96 VP8/90000"]
CHANNEL = ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=ice-ufrag:EsAw", "a=mid:2"]


def sdp(*parts: list[str]) -> str:
    return "\r\n".join(line for part in parts for line in part) + "\r\n"


def test_an_offer_of_both_kinds_is_read_whatever_else_it_offers() -> None:
    offer = sdp(SESSION, [*AUDIO, "a=sendonly"], [*VIDEO, "a=sendrecv"], CHANNEL)
    assert read_offer(offer, is_publisher=True) == Offer(("audio", "video"), "EsAw")


def test_one_kind_needs_no_bundle_and_its_direction_may_be_said_for_the_session() -> None:
    session = [*SESSION[:-1], "a=recvonly", "a=ice-ufrag:abcd"]
    assert read_offer(sdp(session, VIDEO), is_publisher=False) == Offer(("video",), "abcd")


def test_without_a_direction_it_is_both() -> None:
    assert read_offer(sdp(SESSION, AUDIO), is_publisher=True).kinds == ("audio",)
    assert read_offer(sdp(SESSION, AUDIO), is_publisher=False).kinds == ("audio",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "begins with v=0"),
        ("hello", "begins with v=0"),
        (sdp(SESSION), "at least one m="),
        (sdp(AUDIO), "begins with v=0"),
        (sdp(SESSION, ["m=audio 9 UDP/TLS/RTP/SAVPF 111"]), "a=ice-ufrag"),
    ],
)
def test_what_is_no_description_is_malformed(text: str, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        read_offer(text, is_publisher=True)


@pytest.mark.parametrize(
    ("text", "is_publisher", "words"),
    [
        (sdp(SESSION, [*AUDIO, "a=recvonly"]), True, "recvonly: it has to be sendonly"),
        (sdp(SESSION, [*AUDIO, "a=sendonly"]), False, "sendonly: it has to be recvonly"),
        (sdp(SESSION, [*AUDIO, "a=inactive"]), True, "inactive"),
        (sdp(SESSION, [*AUDIO[:-1], "a=rtpmap:0 PCMU/8000"]), True, "none of the codecs opus"),
        (sdp(SESSION, [*VIDEO[:-1], "a=rtpmap:98 VP9/90000"]), True, "none of the codecs h264 and vp8"),
        (sdp(SESSION, [line for line in VIDEO if line != "a=rtcp-mux"]), True, "rtcp-mux"),
        (sdp(SESSION, VIDEO, VIDEO), True, "more than one audio, one video"),
        (sdp(SESSION, VIDEO, ["m=text 9 RTP/AVP 98"]), True, "more than one audio"),
        (sdp(SESSION, CHANNEL), True, "neither audio nor video"),
        (sdp(SESSION[:-1], AUDIO, VIDEO), True, "BUNDLE"),
    ],
)
def test_what_cannot_be_answered_whole_is_refused_with_the_reason(text: str, is_publisher: bool, words: str) -> None:
    with pytest.raises(Unacceptable, match=words):
        read_offer(text, is_publisher=is_publisher)
