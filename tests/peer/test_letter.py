"""How something said is written, cut, and read again."""

import json

import numpy as np
import pytest

from peer.conversation.letter import (
    FIRST,
    LAST,
    MAX_RELIABLE,
    PIECE,
    POSTED_PIECE,
    Head,
    Letter,
    Taken,
    acknowledgement,
    as_text,
    as_words,
    content_of,
    cut,
    data_of,
    from_server,
    in_piece,
    numbered,
    posted,
    read,
    written,
)
from peer.errors import UsageError
from signaling.messages import MAX_CONTENT, json_size


def letter(data: object, **head: object) -> Letter:
    form, content = content_of("chat", data, MAX_RELIABLE)
    return Letter(Head(topic="chat", form=form, **head), content)


@pytest.mark.parametrize(
    "data", [b"", b"\x00\n\xff" * 500, bytearray(b"ab"), None, {"a": [1, "ä", None]}, "line\nline"]
)
def test_what_is_written_is_read_again_whichever_way_it_goes(data: object) -> None:
    sent = letter(data, number=7, asks=True)
    for back in (read(written(sent)), from_server(json.loads(json.dumps(posted(sent))))):
        assert back == sent
        assert data_of(back) == (bytes(data) if isinstance(data, bytearray) else data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (np.zeros((2, 2), np.uint8), "tobytes"),
        (memoryview(b"abc"), "tobytes"),
        (object(), "JSON"),
        (b"x" * (MAX_RELIABLE + 1), "262145 bytes as bytes; at most 262144"),
    ],
)
def test_what_cannot_be_said_is_refused_with_a_sentence(data: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        content_of("chat", data, MAX_RELIABLE)


@pytest.mark.parametrize("topic", ["", "x" * 65])
def test_a_topic_has_a_length(topic: str) -> None:
    with pytest.raises(UsageError, match="topic"):
        content_of(topic, None, MAX_RELIABLE)


def test_the_pieces_of_a_letter_are_marked_and_lose_nothing() -> None:
    body = bytes(range(256)) * 200
    pieces = [cut(body, offset) for offset in range(0, len(body), PIECE - 1)]
    assert [piece[0] for piece in pieces] == [FIRST, 0, 0, LAST]
    assert max(map(len, pieces)) == PIECE
    assert b"".join(piece[1:] for piece in pieces) == body
    assert cut(b"short", 0)[0] == FIRST | LAST


def test_what_is_too_large_for_the_server_is_not_posted() -> None:
    assert posted(letter("x" * 16_000)) is not None
    assert posted(letter("x" * 16_384)) is None
    assert posted(letter(b"x" * 13_000)) is None


@pytest.mark.parametrize("body", [b"", b"{}\n", b"nonsense\nx", b'{"topic":"a","number":-1}\n', b"\xff\n", b"[" * 9000])
def test_what_is_no_letter_is_none(body: bytes) -> None:
    assert read(body) is None


@pytest.mark.parametrize(
    "data",
    [
        None,
        7,
        {"type": "letter"},
        {"type": "taken", "number": "1"},
        {"type": "letter", "head": {"topic": "a", "form": "bytes"}, "text": "no base64!"},
        {"type": "letter", "head": {"topic": "a", "form": "bytes"}, "text": "ä"},
        {"type": "letter", "head": {"topic": "a"}, "text": "\ud800"},
    ],
)
def test_what_the_server_passes_on_may_be_an_ordinary_message(data: object) -> None:
    assert from_server(data) is None


def test_a_content_that_is_not_what_its_head_says_is_an_error_to_whoever_reads_it() -> None:
    with pytest.raises(ValueError, match="truncated"):
        data_of(Letter(Head(topic="a"), b"{"))


def test_an_acknowledgement_is_read_on_both_ways() -> None:
    taken = Taken(number=5, missing=True)
    assert acknowledgement(as_text(taken)) == taken
    assert from_server(as_words(taken)) == taken
    assert acknowledgement("nonsense") is None
    assert numbered(Head(topic="a"), 3) == Head(topic="a", number=3)


def test_a_piece_goes_through_the_server() -> None:
    piece = cut(written(letter("x" * 30_000, number=1)), 0, POSTED_PIECE)
    assert len(piece) == POSTED_PIECE
    assert json_size(in_piece(piece)) <= MAX_CONTENT
    assert from_server(json.loads(json.dumps(in_piece(piece)))) == piece
    assert from_server({"type": "piece", "piece": "no base64"}) is None
