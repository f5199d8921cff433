"""Which way media flow by a description: what is unclear counts as more."""

import pytest
from hypothesis import given, strategies as st

from signaling.sdp import Flow, flow

DIRECTIONS = {
    "sendrecv": (True, True),
    "sendonly": (True, False),
    "recvonly": (False, True),
    "inactive": (False, False),
}
HEAD = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"


def section(kind: str, direction: str | None, port: str = "9", *more: str) -> str:
    lines = [f"m={kind} {port} UDP/TLS/RTP/SAVPF 96", *([f"a={direction}"] if direction else []), *more]
    return "".join(f"{line}\r\n" for line in lines)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("kind", ["audio", "video"])
def test_each_direction_is_read(kind: str, direction: str) -> None:
    sends, receives = DIRECTIONS[direction]
    assert flow(HEAD + section(kind, direction)) == Flow(sends, receives)


def test_without_a_direction_media_flow_both_ways() -> None:
    assert flow(HEAD + section("video", None)) == Flow(sends=True, receives=True)


def test_a_direction_of_the_session_is_that_of_media_without_one() -> None:
    head = f"{HEAD}a=recvonly\r\n"
    assert flow(head + section("video", None)) == Flow(sends=False, receives=True)
    assert flow(head + section("video", "sendonly")) == Flow(sends=True, receives=False)


def test_data_channels_are_no_media() -> None:
    assert flow(HEAD + section("application", None)) == Flow(sends=False, receives=False)
    assert flow(HEAD) == flow("") == Flow(sends=False, receives=False)


def test_what_is_refused_does_not_count_but_what_shares_a_port_does() -> None:
    assert flow(HEAD + section("video", "sendrecv", "0")) == Flow(sends=False, receives=False)
    assert flow(HEAD + section("video", "sendonly", "0", "a=bundle-only")) == Flow(sends=True, receives=False)


@pytest.mark.parametrize(
    "sdp",
    [
        "m=video 9 X 96\na=inactive\na=sendrecv\n",
        "m=video 9 X 96\na=sendrecv\na=inactive\n",
        " M=Video 9 X 96\na=x\n",
        "m=VIDEO 9 X 96\n",
        "m=video 9 X 96\na=x\u2028a=inactive\n",
        "m=video 9 X 96\na=inactive\na=x\ra=sendrecv\n",
        "m=video 9 X 96\na=inactivex\n",
        "m=\n",
        "a=inactive\nm=video 9 X 96\na=sendrecv",
    ],
)
def test_whoever_hides_a_direction_is_taken_to_want_everything(sdp: str) -> None:
    assert flow(sdp) == Flow(sends=True, receives=True)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["audio", "video", "application"]), st.sampled_from([None, *DIRECTIONS]), st.booleans()
        )
    )
)
def test_the_directions_of_all_media_add_up(media: list[tuple[str, str | None, bool]]) -> None:
    sdp = HEAD + "".join(section(kind, direction, "9" if is_used else "0") for kind, direction, is_used in media)
    wanted = [DIRECTIONS[direction or "sendrecv"] for kind, direction, used in media if used and kind != "application"]
    assert flow(sdp) == Flow(any(sends for sends, _ in wanted), any(receives for _, receives in wanted))


@given(st.text() | st.text("mav=:inactivesendrecvonly 09\r\n\u2028"))
def test_no_text_makes_it_fail(text: str) -> None:
    assert isinstance(flow(text), Flow)


@given(st.text("abc =\r"), st.sampled_from(["sendrecv", "sendonly"]))
def test_nothing_that_comes_before_hides_that_media_are_sent(before: str, direction: str) -> None:
    assert flow(f"{before}\n{section('video', direction)}").sends
