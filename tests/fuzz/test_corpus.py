"""What a fuzzer has found worth keeping, played again; and frames at random, by hypothesis."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from tests.fuzz.target import TYPES, World, play

CORPUS = sorted(Path(__file__).with_name("corpus").iterdir())
LIMIT = 64 * 1024  # bytes of one file: the corpus is a part of the source
GROWTH = 512 * 1024  # bytes that a lobby may keep of what was said, after everybody has left

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["ana", "ben", "42"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("room", "user", "call", "sdp", "extra", "resume", "token", "kind", "topic", "data", "to", "seq", "wait")
frames = st.fixed_dictionaries({"type": st.sampled_from(TYPES)}, optional=dict.fromkeys(FIELDS, values))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_what_was_found_once_breaks_nothing_any_more(path: Path) -> None:
    data = path.read_bytes()
    assert len(data) <= LIMIT
    play(data)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(b"0123456789:;+-"), frames | st.binary(max_size=40)), max_size=12))
def test_no_frame_breaks_the_decoder_or_the_lobby(said: list[tuple[int, object]]) -> None:
    import msgspec

    lines = [
        bytes([what]) + (frame if isinstance(frame, bytes) else msgspec.json.encode(frame)) for what, frame in said
    ]
    play(b"\n".join(lines))


def test_a_lobby_keeps_nothing_of_those_who_came_and_went() -> None:
    world = World()
    extra = "x" * 4000

    def come_and_go(times: int) -> None:
        for turn in range(times):
            world.sessions[0] = world.connect()
            join = f'{{"type":"join","room":"r{turn % 7}","user":"u{turn}","extra":{{"a":"{extra}"}}}}'
            world.hear(0, join.encode())
            world.hear(0, b'{"type":"message","topic":"t","data":"' + extra.encode() + b'"}')
            world.hear(0, b'{"type":"leave"}')

    come_and_go(500)  # what is kept up to a number is full by then
    tracemalloc.start()
    try:
        come_and_go(1500)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown < GROWTH
