"""Texts in pieces, as pages say them."""

import json
from typing import Any

import pytest

from peer.conversation.letter import Form, Head, Letter
from peer.rtcmulticonnection.text import MAX_TEXT, MOST_TEXTS, PIECE, Texts, pieces, plain


@pytest.mark.parametrize("data", ["", "hello", "x" * (2 * PIECE + 1), {"a": [1, None, "ü"]}, ["y" * PIECE], 7, None])
def test_what_we_say_can_be_put_together_again(data: Any) -> None:
    texts = Texts()
    said = pieces(data, "bot-1")
    assert [texts.hear(piece) for piece in said] == [None] * (len(said) - 1) + [(data,)]


def piece(message: object, **also: object) -> str:
    return json.dumps({"type": "text", "message": message, "uuid": "1", "last": True, **also})


def test_a_character_that_a_page_has_cut_in_two_is_whole_again() -> None:
    texts = Texts()
    assert texts.hear(piece("a\ud83c", last=False)) is None
    assert texts.hear(piece("\udfbab")) == ("a🎺b",)
    assert texts.hear(piece("a\ud83c")) == ("a\ufffd",)


def test_a_piece_of_any_letters_is_one_that_browsers_take() -> None:
    assert (
        max(len(one.encode()) for letter in ("a", "ü", "🎺", "\0") for one in pieces(letter * PIECE, "bot-1")) < 2**18
    )


@pytest.mark.parametrize(("form", "content", "said"), [("json", b'{"a":1}', {"a": 1}), ("bytes", b"\x00\xff", "AP8=")])
def test_a_letter_is_said_as_what_json_can_say(form: Form, content: bytes, said: object) -> None:
    assert plain(Letter(Head(topic="chat", form=form), content)) == said


@pytest.mark.parametrize(
    "said",
    [
        b"\xff\x00",
        "no json",
        "[]",
        "[" * 100_000,
        piece(7),
        piece("a", type="file"),
        piece("{", isobject=True),
        piece("[" * 100_000, isobject=True),
        piece("a" * (MAX_TEXT + 1)),
    ],
)
def test_what_is_no_text_is_nothing(said: str | bytes) -> None:
    assert Texts().hear(said) is None


def test_texts_of_which_pieces_come_in_turns_are_told_from_each_other_and_few_are_kept() -> None:
    texts = Texts()
    for number in range(MOST_TEXTS + 1):
        assert texts.hear(piece("a", uuid=str(number), last=False)) is None
    assert texts.hear(piece("b", uuid="1")) == ("ab",)
    assert texts.hear(piece("b", uuid="0")) == ("b",)
