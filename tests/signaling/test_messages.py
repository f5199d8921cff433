import json
import subprocess
import sys
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, strategies as st

from signaling.janus_words import MAX_JANUS_ID
from signaling.messages import (
    ICE_URL_PATTERN,
    MAX_BAN,
    MAX_MESSAGE,
    MAX_TOPIC,
    Ack,
    Answer,
    BadMessage,
    Candidate,
    ClientMessage,
    Dismiss,
    Error,
    ErrorCode,
    ExitRoom,
    IceServer,
    IceServers,
    Janus,
    Join,
    Joined,
    Kick,
    Leave,
    MediaKind,
    MediaServer,
    Message,
    Moved,
    Mute,
    Muted,
    NeedOffer,
    Offer,
    Refresh,
    Refreshed,
    RemoteUserBack,
    RemoteUserJoin,
    RemoteUserLeave,
    RemoteUserUnreachable,
    RemoteUserUpdate,
    Resume,
    Said,
    Say,
    ServerMessage,
    TokenExpiring,
    Topology,
    UpdateExtra,
    User,
    decode_client,
    decode_server,
    encode,
    extra_size,
    is_ice_url,
)
from signaling.reasons import Detection, Reason

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)  # no lone surrogates: they are no text
calls = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64)
counts = st.integers(0, 2**53)
seconds = st.floats(0, 1e9)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
extras = st.dictionaries(texts, json_values, max_size=3)
maybe_text = st.none() | texts
topics = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=MAX_TOPIC)
kinds: st.SearchStrategy[MediaKind] = st.sampled_from(["audio", "video"])

relays = [
    st.builds(Offer, user=names, call=calls, sdp=texts),
    st.builds(Answer, user=names, call=calls, sdp=texts),
    st.builds(
        Candidate,
        user=names,
        call=calls,
        candidate=texts,
        sdp_mid=maybe_text,
        sdp_m_line_index=st.none() | st.integers(0, 9),
    ),
    st.builds(NeedOffer, user=names, call=st.none() | calls),
]
events = [
    st.builds(RemoteUserJoin, user=names, session=texts, seq=counts, extra=extras),
    st.builds(RemoteUserUpdate, user=names, session=texts, seq=counts, extra=extras),
    st.builds(RemoteUserUnreachable, user=names, session=texts, seq=counts),
    st.builds(RemoteUserBack, user=names, session=texts, seq=counts),
    st.builds(
        RemoteUserLeave,
        user=names,
        session=texts,
        seq=counts,
        reason=st.sampled_from(Reason),
        detected_by=st.sampled_from(Detection),
        silent_for=seconds,
        text=maybe_text,
        extra=extras,
        wants_ack=st.booleans(),
    ),
]
resumes = st.builds(Resume, session=texts, secret=texts, seq=counts)
client_messages = [
    *relays,
    st.builds(Join, room=names, user=names, token=maybe_text, extra=extras, resume=st.none() | resumes),
    st.builds(Leave, failed=st.booleans(), wait=st.booleans()),
    st.builds(Ack, seq=counts),
    st.builds(UpdateExtra, extra=extras),
    st.builds(Kick, user=names, text=maybe_text, ban_for=st.none() | st.floats(0.001, MAX_BAN)),
    st.builds(Dismiss, text=maybe_text),
    st.builds(Say, topic=topics, data=json_values, to=st.none() | names),
    st.builds(Mute, user=names, kind=kinds),
    st.builds(Refresh, token=texts),
]
users = st.builds(User, user=names, session=texts, extra=extras, unreachable=st.booleans())
ice_urls = st.from_regex(ICE_URL_PATTERN, fullmatch=True)
ice_servers = st.builds(IceServer, urls=st.lists(ice_urls, max_size=2), username=maybe_text, credential=maybe_text)
media = st.none() | st.builds(Janus, url=texts, room=st.integers(1, MAX_JANUS_ID), token=texts, pin=texts)
places: dict[str, st.SearchStrategy[Any]] = {
    "room": names,
    "user": names,
    "session": texts,
    "secret": texts,
    "ticket": texts,
    "seq": counts,
    "grace": seconds,
    "heartbeat": seconds,
    "users": st.lists(users, max_size=3),
    "ice_servers": st.lists(ice_servers, max_size=2),
    "grants": st.lists(texts, max_size=3),
    "topology": st.sampled_from(get_args(Topology)),
    "media": media,
}
server_messages = [
    *relays,
    *events,
    st.builds(Joined, **places, resumed=st.booleans(), missed=st.lists(st.one_of(events), max_size=3)),
    st.builds(Moved, **places),
    st.builds(UpdateExtra, extra=extras),
    st.builds(IceServers, ice_servers=st.lists(ice_servers, max_size=2)),
    st.builds(MediaServer, media=media),
    st.builds(Said, topic=texts, data=json_values, user=st.none() | names),
    st.builds(Muted, kind=kinds, user=st.none() | names, text=maybe_text, seq=counts, wants_ack=st.booleans()),
    st.builds(TokenExpiring, expires_in=seconds),
    st.builds(Refreshed, grants=st.lists(texts, max_size=3), expires=st.none() | seconds),
    st.builds(ExitRoom, reason=st.sampled_from(Reason), text=maybe_text, unacknowledged=st.lists(names, max_size=3)),
    st.builds(Error, code=st.sampled_from(ErrorCode), text=texts, about=maybe_text),
]


def refusal(frame: str | bytes) -> BadMessage:
    with pytest.raises(BadMessage) as caught:
        decode_client(frame)
    return caught.value


@given(st.one_of(client_messages))
def test_every_word_of_a_client_is_read_as_it_was_meant(message: ClientMessage) -> None:
    assert decode_client(encode(message)) == message


@given(st.one_of(server_messages))
def test_every_word_of_a_server_is_read_as_it_was_meant(message: ServerMessage) -> None:
    assert decode_server(encode(message)) == message


def test_the_strategies_above_leave_no_message_out() -> None:
    assert len(client_messages) == len(get_args(ClientMessage))
    assert len(server_messages) == len(get_args(ServerMessage))


@pytest.mark.parametrize("message", {*get_args(ClientMessage), *get_args(ServerMessage)})
def test_names_on_the_wire_are_camel_case(message: type[Message]) -> None:
    tag = message.__struct_config__.tag
    other = {UpdateExtra: "extra", Say: "message", Said: "message"}
    assert tag == other.get(message, message.__name__[0].lower() + message.__name__[1:])
    assert all("_" not in field.encode_name for field in msgspec.structs.fields(message))


def test_a_field_of_two_words_is_one_camel_on_the_wire() -> None:
    candidate = Candidate(user="ana", call="c", candidate="", sdp_mid="0", sdp_m_line_index=0)
    assert json.loads(encode(candidate)) == {
        "type": "candidate",
        "user": "ana",
        "call": "c",
        "candidate": "",
        "sdpMid": "0",
        "sdpMLineIndex": 0,
    }


def test_what_equals_its_default_is_not_sent() -> None:
    assert encode(Leave()) == b'{"type":"leave"}'


def test_unknown_fields_are_ignored() -> None:
    assert decode_client('{"type":"leave","later":{"a":[1]}}') == Leave()


@pytest.mark.parametrize("said_by_servers", ["joined", "exitRoom", "remoteUserLeave", "error", "nonsense"])
def test_a_type_that_no_client_may_say_is_unknown(said_by_servers: str) -> None:
    assert refusal(f'{{"type":"{said_by_servers}"}}').code == ErrorCode.UNKNOWN_TYPE


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "[]",
        "null",
        "1",
        "{}",
        '{"type":"kick"}',
        '{"type":"kick","user":""}',
        '{"type":"kick","user":"-ana"}',
        '{"type":"kick","user":"a b"}',
        f'{{"type":"kick","user":"{"a" * 65}"}}',
        '{"type":"kick","user":7}',
        f'{{"type":"dismiss","text":"{"a" * 1001}"}}',
        '{"type":"offer","user":"ana","call":"","sdp":""}',
        '{"type":"extra","extra":[]}',
        '{"type":"extra","extra":{"a":NaN}}',
        '{"type":"extra","extra":{"a":1e999}}',
        '{"type":"extra","extra":{"a":"\\ud800"}}',
        '{"type":"extra","extra":{"a":"\ud800"}}',
        b'{"type":"extra","extra":{"a":"\xff"}}',
        b"\xff\xfe\x00",
        '{"type":"extra","extra":{"a":' + "[" * 20_000 + "]" * 20_000 + "}}",
        '{"type":"leave","ignored":' + "[" * 20_000 + "]" * 20_000 + "}",
    ],
)
def test_what_cannot_be_read_is_a_bad_message_with_a_text_that_can_be_sent(frame: str | bytes) -> None:
    bad = refusal(frame)
    assert bad.code == ErrorCode.BAD_MESSAGE
    assert encode(Error(code=bad.code, text=bad.text))


def test_what_is_too_long_is_not_even_read() -> None:
    assert refusal(b" " * (MAX_MESSAGE + 1)).code == ErrorCode.TOO_LARGE


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_no_noise_does_more_than_be_refused(frame: str | bytes) -> None:
    bad = refusal(frame)
    assert encode(Error(code=bad.code, text=bad.text))


@pytest.mark.parametrize("frame", ["", "[]", '{"type":"join"}', '{"type":"nonsense"}', '{"type":"\ud800"}', b"\xff"])
def test_what_no_exeunt_server_says_is_refused_by_a_client(frame: str | bytes) -> None:
    with pytest.raises(BadMessage) as caught:
        decode_server(frame)
    assert caught.value.code == ErrorCode.BAD_MESSAGE


@given(extras)
def test_the_size_of_an_extra_is_that_of_its_json(extra: dict[str, object]) -> None:
    assert extra_size(extra) == len(msgspec.json.encode(extra))


def test_whoever_needs_only_the_words_loads_no_web_server() -> None:
    program = "import sys, signaling.messages; sys.exit('aiohttp' in sys.modules or 'jwt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=30).returncode == 0


@pytest.mark.parametrize("url", ["stun:example.org", "stun:example.org:3478", "turns:10.0.0.1:5349?transport=tcp"])
def test_an_ice_server_has_the_form_of_its_rfc(url: str) -> None:
    assert is_ice_url(url)
    for wrong in (url.replace(":", "//", 1), url + " ", url.partition(":")[2], url + "\n", ""):
        assert not is_ice_url(wrong)
