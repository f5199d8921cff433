"""What the VideoRoom says and hears, as Janus 1.1.2 writes it."""

import msgspec
import pytest

from signaling.janus.videoroom import (
    Attached,
    Destroyed,
    Feed,
    Happened,
    JoinAsPublisher,
    JoinAsSubscriber,
    Joined,
    Participants,
    Publish,
    Publisher,
    Stream,
    Update,
    Updated,
    Updating,
    decode,
)


def read(text: str) -> object:
    return decode(msgspec.Raw(text.encode()))


def test_joining_says_as_what_we_come() -> None:
    asked = JoinAsPublisher(room=5, id=6, display="d", token="t", pin="p")
    words = {"request": "join", "ptype": "publisher", "room": 5, "id": 6, "display": "d", "token": "t", "pin": "p"}
    assert msgspec.to_builtins(asked) == words
    subscriber = msgspec.to_builtins(JoinAsSubscriber(room=5, private_id=6, pin="p", streams=[Feed(7)]))
    assert subscriber["ptype"] == "subscriber"
    assert subscriber["streams"] == [{"feed": 7}]


def test_a_codec_is_named_only_if_one_is_asked_for() -> None:
    assert msgspec.to_builtins(Publish()) == {"request": "publish"}
    assert msgspec.to_builtins(Publish(videocodec="vp8")) == {"request": "publish", "videocodec": "vp8"}


def test_an_update_has_no_empty_list_which_janus_would_refuse() -> None:
    assert msgspec.to_builtins(Update(subscribe=[Feed(7)])) == {"request": "update", "subscribe": [{"feed": 7}]}
    assert msgspec.to_builtins(Update(unsubscribe=[Feed(7)])) == {"request": "update", "unsubscribe": [{"feed": 7}]}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (
            '{"videoroom":"joined","room":5,"id":2,"private_id":17,"publishers":[{"id":4,"streams":[]}]}',
            Joined(private_id=17, publishers=[Publisher(4)]),
        ),
        (
            '{"videoroom":"attached","room":5,"streams":[{"type":"audio","active":true,"mindex":0,"mid":"0","feed_id":4}]}',
            Attached(streams=[Stream("0", "audio", 4)]),
        ),
        (
            '{"videoroom":"updated","room":5,"streams":[{"type":"video","active":false,"mindex":1,"mid":"1"}]}',
            Updated(streams=[Stream("1", "video", None, active=False)]),
        ),
        ('{"videoroom":"updated","room":5}', Updated()),
        ('{"videoroom":"updating","room":5}', Updating()),
        ('{"videoroom":"destroyed","room":5}', Destroyed()),
        (
            '{"videoroom":"participants","room":5,"participants":[{"id":4,"publisher":false},{"id":6,"publisher":true}]}',
            Participants(participants=[Publisher(4, publisher=False), Publisher(6)]),
        ),
        ('{"videoroom":"event","room":5,"publishers":[{"id":4}]}', Happened(publishers=[Publisher(4)])),
        ('{"videoroom":"event","joining":{"id":4,"display":"1 2"}}', Happened(joining=Publisher(4, display="1 2"))),
    ],
)
def test_what_it_says_is_read(text: str, word: object) -> None:
    assert read(text) == word


@pytest.mark.parametrize("name", ["unpublished", "leaving", "kicked"])
def test_whoever_publishes_no_more_is_gone_however_that_is_said(name: str) -> None:
    word = read(f'{{"videoroom":"event","room":5,"{name}":4}}')
    assert isinstance(word, Happened)
    assert word.gone == 4
    assert word.out == (None if name == "unpublished" else 4)
    assert not word.is_ours


def test_being_thrown_out_is_ours_and_nobody_elses() -> None:
    word = read('{"videoroom":"event","room":5,"leaving":"ok","reason":"kicked"}')
    assert isinstance(word, Happened)
    assert word.gone is None
    assert word.is_ours


@pytest.mark.parametrize("text", ['{"videoroom":"talking","id":4}', "[]", '{"videoroom":"joined"}'])
def test_what_we_do_not_know_is_nothing(text: str) -> None:
    assert read(text) is None
