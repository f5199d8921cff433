"""What opens a VideoRoom, and what its plugin is asked for."""

import msgspec

from signaling.janus.hosting import (
    Participant,
    Present,
    Tokens,
    VideoRoom,
    allow,
    create,
    destroy,
    disallow,
    intruders,
    key_of,
    kick,
    pin_of,
    strangers,
    token_of,
    told,
    words,
)
from signaling.janus.videoroom import come_in
from signaling.janus_words import stay_of
from signaling.messages import Janus, janus_id

SECRET = "what our servers share"
PLACE = VideoRoom("ws://127.0.0.1:8188", 42)


def test_a_session_is_told_what_opens_its_videoroom_to_it_and_nothing_else() -> None:
    said = words(PLACE, "s1", SECRET)
    assert said == Janus(url="ws://127.0.0.1:8188", room=42, token=token_of(42, "s1", SECRET), pin=pin_of(42, SECRET))
    assert key_of(42, SECRET) not in str(said)


def test_who_is_nowhere_or_in_a_mesh_is_told_nothing() -> None:
    assert words(None, "s1", SECRET) is None
    assert words(PLACE, "s1", None) is None


def test_every_word_is_another_for_another_session_room_purpose_and_secret() -> None:
    made = [token_of(42, session, secret) for session in ("s1", "s2") for secret in (SECRET, "another")]
    made += [token_of(43, "s1", SECRET), pin_of(42, SECRET), pin_of(43, SECRET), key_of(42, SECRET)]
    assert len(set(made)) == len(made)
    assert all(len(word) == 32 for word in made)


def test_a_videoroom_is_asked_for_with_all_that_keeps_strangers_out() -> None:
    body = msgspec.to_builtins(create(42, ["s1", "s2"], 64, SECRET))
    assert body["request"] == "create"
    assert body["allowed"] == [token_of(42, "s1", SECRET), token_of(42, "s2", SECRET)]
    assert (body["pin"], body["secret"], body["admin_key"]) == (pin_of(42, SECRET), key_of(42, SECRET), SECRET)
    assert (body["is_private"], body["require_pvtid"], body["publishers"]) == (True, True, 64)


def test_changes_take_the_secret_of_the_videoroom() -> None:
    key = {"room": 42, "secret": key_of(42, SECRET)}
    tokens = [token_of(42, "s1", SECRET)]
    bodies = [allow(42, ["s1"], SECRET), disallow(42, tokens, SECRET), kick(42, 7, SECRET), destroy(42, SECRET)]
    assert msgspec.to_builtins(bodies) == [
        {"request": "allowed", "action": "add", "allowed": tokens, **key},
        {"request": "allowed", "action": "remove", "allowed": tokens, **key},
        {"request": "kick", "id": 7, **key},
        {"request": "destroy", **key},
    ]


def test_who_comes_in_says_what_a_session_is_told_and_proves_who_they_are() -> None:
    media = told(PLACE, "s1", SECRET)
    asked = come_in(media, "s1", 7)
    assert (asked.room, asked.id, asked.token, asked.pin) == (42, janus_id("s1"), media.token, media.pin)
    assert stay_of(asked.display, token_of(42, "s1", SECRET)) == 7
    assert stay_of(asked.display, token_of(42, "s2", SECRET)) is None


def test_who_is_not_ours_is_found_by_token_and_by_id() -> None:
    tokens = Tokens(allowed=[token_of(42, "s1", SECRET), "left over"])
    assert strangers(42, ["s1", "s2"], tokens, SECRET) == ["left over"]
    present = Present(participants=[Participant(id=janus_id("s2")), Participant(id=7)])
    assert intruders(["s1", "s2"], present) == [7]
