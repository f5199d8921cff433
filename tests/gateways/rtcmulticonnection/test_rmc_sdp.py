from signaling.gateways.rmc_sdp import accept_data, refuse_data
from signaling.sdp import flow

OFFER = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=fingerprint:sha-256 AA\r\n"
    "a=setup:active\r\na=sendrecv\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 97\r\na=mid:1\r\na=sendrecv\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\na=sctp-port:5000\r\n"
)


def test_data_is_refused_in_an_offer_and_nothing_else() -> None:
    refused = refuse_data(OFFER)
    assert "m=application 0 UDP/DTLS/SCTP" in refused
    assert "a=group:BUNDLE 0 1\r\n" in refused
    assert refused.count("m=") == 3
    assert flow(refused) == flow(OFFER)


def test_a_refusal_is_shown_as_an_acceptance_on_the_same_connection() -> None:
    answer = accept_data(refuse_data(OFFER))
    assert "a=group:BUNDLE 0 1 2\r\n" in answer
    section = answer[answer.index("m=application") :]
    assert section.startswith("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n")
    for line in ("a=mid:2", "a=sctp-port:5000", "a=ice-ufrag:u", "a=ice-pwd:p", "a=fingerprint:sha-256 AA"):
        assert f"{line}\r\n" in section


def test_what_has_no_data_or_nothing_else_stays_as_it_is() -> None:
    without = OFFER[: OFFER.index("m=application")]
    assert refuse_data(without) == accept_data(without) == without
    nothing = "v=0\r\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    assert accept_data(nothing) == refuse_data(nothing) == nothing
    alone = "v=0\r\na=group:BUNDLE 0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n"
    assert refuse_data(alone) == alone
