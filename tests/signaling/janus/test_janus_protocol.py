"""The envelope of Janus' WebSocket API, word by word as Janus 1.1.2 says them."""

import json

import pytest

from signaling.janus.protocol import (
    VIDEOROOM,
    Ack,
    Attach,
    Claim,
    Code,
    Create,
    Detached,
    Error,
    Event,
    Hangup,
    JanusRefused,
    Jsep,
    KeepAlive,
    Media,
    Request,
    SessionOver,
    SlowLink,
    Success,
    Timeout,
    Trickle,
    WebrtcUp,
    decode,
    encode,
    refusal,
    tell,
)
from signaling.janus.transactions import Transactions
from signaling.janus.videoroom import Publish

PLUGIN_SAYS_NO = (
    '{"janus":"event","session_id":1,"transaction":"3","sender":2,"plugindata":{"plugin":"janus.plugin.videoroom",'
    '"data":{"videoroom":"event","error_code":426,"error":"No such room (5)"}}}'
)


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (Create(), {"janus": "create", "transaction": "1", "session_id": 7}),
        (Claim(), {"janus": "claim", "transaction": "1", "session_id": 7}),
        (
            Attach(plugin=VIDEOROOM),
            {"janus": "attach", "plugin": VIDEOROOM, "transaction": "1", "session_id": 7},
        ),
        (
            tell(Publish(), Jsep("offer", "v=0")),
            {
                "janus": "message",
                "body": {"request": "publish"},
                "jsep": {"type": "offer", "sdp": "v=0"},
                "transaction": "1",
                "session_id": 7,
            },
        ),
    ],
)
def test_requests_are_what_janus_expects(request_: Request, text: dict[str, object]) -> None:
    assert json.loads(encode(Transactions().begin(request_, 7))) == text


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ('{"janus":"success","transaction":"1","data":{"id":9}}', Success),
        ('{"janus":"ack","session_id":1,"transaction":"2"}', Ack),
        (PLUGIN_SAYS_NO, Event),
        ('{"janus":"error","transaction":"2","error":{"code":458,"reason":"No such session 4"}}', Error),
        ('{"janus":"webrtcup","session_id":1,"sender":2}', WebrtcUp),
        ('{"janus":"media","session_id":1,"sender":2,"mid":"0","type":"audio","receiving":true}', Media),
        ('{"janus":"slowlink","session_id":1,"sender":2,"mid":"1","media":"video","uplink":true,"lost":9}', SlowLink),
        ('{"janus":"hangup","session_id":1,"sender":2,"reason":"DTLS alert"}', Hangup),
        ('{"janus":"trickle","session_id":1,"sender":2,"candidate":{"completed":true}}', Trickle),
        ('{"janus":"detached","session_id":1,"sender":2}', Detached),
        ('{"janus":"timeout","session_id":1}', Timeout),
    ],
)
def test_what_janus_says_is_read(frame: str, kind: type) -> None:
    assert isinstance(decode(frame), kind)


@pytest.mark.parametrize(
    "frame", ["", "[]", '{"janus":"keepalive"}', '{"janus":"ack","transaction":5}', b"\xff", "[" * 9999]
)
def test_anything_else_is_nothing(frame: str | bytes) -> None:
    assert decode(frame) is None


def test_an_ack_answers_nothing_but_a_keep_alive() -> None:
    transactions = Transactions()
    asked = transactions.begin(tell(Publish()), 7, 8)
    kept = transactions.begin(KeepAlive(), 7)
    assert asked.handle_id == 8
    assert transactions.answered(Ack(transaction=asked.transaction)) is None
    assert transactions.answered(Ack(transaction=kept.transaction)) == kept.transaction
    said = decode('{"janus":"event","transaction":"1","sender":8,"plugindata":{"plugin":"x","data":{}}}')
    assert transactions.answered(said) == asked.transaction


def test_an_answer_counts_once_and_what_nobody_asked_answers_nothing() -> None:
    transactions = Transactions()
    asked = transactions.begin(Create(), None)
    assert transactions.answered(Success(transaction="99")) is None
    assert transactions.answered(Success()) is None
    assert transactions.answered(Hangup(transaction=asked.transaction)) is None
    assert transactions.answered(Success(transaction=asked.transaction)) == asked.transaction
    assert transactions.answered(Success(transaction=asked.transaction)) is None


def test_what_nobody_waits_for_any_more_answers_nothing() -> None:
    transactions = Transactions()
    asked = transactions.begin(Create(), None)
    transactions.give_up(asked.transaction)
    transactions.give_up(asked.transaction)
    assert transactions.answered(Success(transaction=asked.transaction)) is None


def test_a_plugin_that_says_no_is_a_refusal_with_its_code() -> None:
    refused = refusal(decode(PLUGIN_SAYS_NO))
    assert isinstance(refused, JanusRefused)
    assert refused.code == Code.NO_SUCH_ROOM
    assert "No such room (5)" in str(refused)


def test_janus_itself_saying_no_is_a_refusal_and_a_session_that_it_does_not_know_is_over() -> None:
    refused = refusal(decode('{"janus":"error","error":{"code":460,"reason":"no plugin"}}'))
    assert isinstance(refused, JanusRefused)
    assert refused.code == 460
    assert isinstance(refusal(decode('{"janus":"error","error":{"code":458}}')), SessionOver)


@pytest.mark.parametrize(
    "frame",
    [
        '{"janus":"success"}',
        '{"janus":"ack"}',
        '{"janus":"success","plugindata":{"plugin":"x","data":{"videoroom":"created"}}}',
        '{"janus":"event","plugindata":{"plugin":"x","data":["no object"]}}',
    ],
)
def test_all_else_is_no_refusal(frame: str) -> None:
    assert refusal(decode(frame)) is None
