"""What is said of a room's media server."""

from hypothesis import given, strategies as st

from signaling.janus_words import MAX_JANUS_ID, janus_id, janus_number, stay_name, stay_of
from signaling.messages import Janus, MediaServer, decode_server, encode


def test_a_session_is_always_the_same_publisher_and_hardly_ever_another_sessions() -> None:
    assert janus_id("8fXq2") == janus_id("8fXq2") == 6584169061936409  # as peers of other versions know it
    assert len({janus_id(str(number)) for number in range(1000)}) == 1000


def test_the_name_of_a_stay_is_made_and_known_by_the_same_token_alone() -> None:
    assert stay_name(7, "mine") == "7 2704398024872642"  # as peers of other versions say it
    assert stay_of(stay_name(7, "mine"), "mine") == 7
    assert stay_of(stay_name(7, "mine"), "another's") is None
    assert stay_of(stay_name(7, "mine").replace("7", "8", 1), "mine") is None


@given(st.text(max_size=40) | st.integers(min_value=-(10**20), max_value=10**20).map("{} 1".format))
def test_any_other_name_is_of_no_stay(name: str) -> None:
    assert stay_of(name, "mine") is None


@given(st.lists(st.text(max_size=30), max_size=3))
def test_a_number_can_be_said_in_json_and_is_not_zero(words: list[str]) -> None:
    assert 1 <= janus_number(*words) <= MAX_JANUS_ID


def test_the_new_media_server_is_understood_as_it_was_said() -> None:
    media = Janus(url="ws://127.0.0.1:8188", room=MAX_JANUS_ID, token="t", pin="p")
    for said in (MediaServer(media=media), MediaServer()):
        assert decode_server(encode(said)) == said
    assert encode(MediaServer()) == b'{"type":"mediaServer"}'
