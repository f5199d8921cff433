"""What peers say to each other straight: only what we know is heard, whatever comes."""

import pytest
from hypothesis import given, strategies as st

from peer.channel import (
    CHANNELS,
    MAX_CHANNEL_MESSAGE,
    ChannelAck,
    ChannelLeave,
    ChannelMedia,
    ChannelMessage,
    channels_to,
    decode,
    encode,
    own_reason,
)
from signaling.reasons import Reason


@pytest.mark.parametrize(
    "message",
    [
        ChannelAck(),
        ChannelLeave(),
        ChannelLeave(reason="network_lost", text="the server is gone", wants_ack=True),
        ChannelMedia(),
        ChannelMedia(published=("audio", "video"), muted=("video",)),
    ],
)
def test_what_is_said_is_heard(message: ChannelMessage) -> None:
    assert decode(encode(message)) == message


def test_what_a_browser_says() -> None:
    assert decode('{"type":"leave"}') == ChannelLeave()
    assert decode('{"type":"leave","wantsAck":true,"more":1}') == ChannelLeave(wants_ack=True)
    assert decode('{"type":"media","published":["audio"]}') == ChannelMedia(published=("audio",))
    assert encode(ChannelAck()) == '{"type":"ack"}'


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"leave","reason":"kicked"}',
        '{"type":"hello"}',
        '{"type":"media","muted":["smell"]}',
        "[]",
        "",
        b"\xff",
        " " * MAX_CHANNEL_MESSAGE + "1",
    ],
)
def test_what_we_do_not_know_is_nothing(text: str | bytes) -> None:
    assert decode(text) is None


@given(st.text() | st.binary())
def test_no_text_is_an_error(text: str | bytes) -> None:
    decode(text)


@pytest.mark.parametrize("reason", Reason)
def test_only_what_nobody_else_has_told_is_ours_to_tell(reason: Reason) -> None:
    own = {Reason.LEFT, Reason.ERROR, Reason.NETWORK_LOST}
    assert own_reason(reason) == (reason.value if reason in own else None)


def test_a_page_of_rtcmulticonnection_has_a_channel_of_its_own() -> None:
    assert channels_to("rmc~1") == ("sctp",)
    assert channels_to("x-1") == CHANNELS
