"""What the server would refuse is refused before it is said."""

import pytest

from peer.checks import (
    check_ban,
    check_bitrate,
    check_codec,
    check_extra,
    check_message,
    check_names,
    check_text,
    check_topology,
    check_wait,
)
from peer.errors import Refused, UsageError
from signaling.messages import ErrorCode


@pytest.mark.parametrize("name", ["a", "kiosk-1", "a.b_c@d+e", "x" * 64, "7"])
def test_names_that_are_allowed(name: str) -> None:
    check_names(name, name)


@pytest.mark.parametrize("name", ["", " ", "a room", "-a", ".", "x" * 65, "a\n", "é", "../x", "a/b"])
def test_names_that_are_not(name: str) -> None:
    with pytest.raises(UsageError, match="no name for a room"):
        check_names(name, "ana")
    with pytest.raises(UsageError, match="no name for a user"):
        check_names("lobby", name)


def test_rooms_that_would_hide_an_address_of_the_server() -> None:
    with pytest.raises(UsageError, match="'api'"):
        check_names("api", "api")


def test_an_extra_is_a_json_object_of_at_most_8_kib() -> None:
    check_extra({"a": [1, {"b": None}]})
    with pytest.raises(UsageError, match="8202 bytes"):
        check_extra({"a": "x" * 8194})
    with pytest.raises(UsageError, match="JSON"):
        check_extra({"a": object()})


def test_a_moderators_text_is_at_most_1000_characters() -> None:
    check_text(None)
    check_text("é" * 1000)
    with pytest.raises(UsageError, match="1001 characters"):
        check_text("x" * 1001)


def test_a_refusal_carries_the_code_and_the_words_of_the_server() -> None:
    refused = Refused(ErrorCode.ROOM_FULL, "the room is full")
    assert (refused.code, str(refused)) == ("room_full", "the room is full")


def test_a_ban_lasts_more_than_nothing_and_at_most_a_year() -> None:
    check_ban(None)
    check_ban(0.5)
    for seconds in (0, -1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="a ban must last"):
            check_ban(seconds)


def test_a_leave_waits_for_the_server_or_everyone_or_nothing() -> None:
    for wait in ("server", "everyone", None):
        check_wait(wait)
    with pytest.raises(UsageError, match="everyone"):
        check_wait("all")


def test_a_codec_is_one_that_we_send_or_left_to_us() -> None:
    assert [check_codec(name) for name in ("h264", "VP8", "Auto")] == ["H264", "VP8", "auto"]
    with pytest.raises(UsageError, match='"h264", "vp8" or "auto", not \'av1\''):
        check_codec("av1")


def test_a_bitrate_is_one_at_which_pictures_can_be_encoded() -> None:
    assert [check_bitrate(bitrate) for bitrate in (None, 50_000, 50_000_000)] == [None, 50_000, 50_000_000]
    for bitrate in (0, 49_999, 50_000_001):
        with pytest.raises(UsageError, match="bitrate must be 50,000 to 50,000,000"):
            check_bitrate(bitrate)


def test_a_message_has_a_topic_and_is_json_of_a_size() -> None:
    check_message("chat", {"any": ["JSON", None]})
    check_message("x" * 64, "x" * (16_384 - 2))
    for topic in ("", "x" * 65):
        with pytest.raises(UsageError, match="a topic has 1 to 64 characters"):
            check_message(topic, None)
    with pytest.raises(UsageError, match="at most 16384"):
        check_message("chat", "x" * 16_384)
    with pytest.raises(UsageError, match="what JSON can say"):
        check_message("chat", object())


def test_a_room_of_another_topology_than_wanted_is_refused_with_what_to_do() -> None:
    for wanted in (None, "janus"):
        check_topology(wanted, "janus")
    check_topology(None, "mesh")
    for wanted, of_room in (("mesh", "janus"), ("janus", "mesh")):
        with pytest.raises(UsageError, match=f"media pass by {of_room} in this room, not by {wanted}: leave"):
            check_topology(wanted, of_room)
