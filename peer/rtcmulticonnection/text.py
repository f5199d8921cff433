"""What pages of RTCMultiConnection say over their data channel: text in pieces. Pure."""

import json
from base64 import b64encode
from typing import Any

import msgspec

from peer.conversation.letter import Letter, data_of

LABEL = "sctp"
PIECE = 40_000  # characters of one piece
MAX_TEXT = 256 * 1024  # characters of one text
MOST_TEXTS = 8  # of one user, of which some pieces have come


class _Piece(msgspec.Struct, frozen=True):
    type: str
    message: str
    uuid: str = ""
    last: bool = False
    isobject: bool = False


class Texts:
    """Puts one user's texts together."""

    def __init__(self) -> None:
        self._begun: dict[str, str] = {}

    def hear(self, said: str | bytes) -> tuple[Any] | None:
        """Take in a message; return what is said, in a tuple, once it is whole. What is none, or too long, is not."""
        try:
            piece = msgspec.convert(json.loads(said), _Piece)  # msgspec's own decoder takes no half of a character
        except (ValueError, RecursionError):
            return None
        if piece.type != "text":
            return None
        text = self._begun.pop(piece.uuid, "") + piece.message
        if len(text) > MAX_TEXT:
            return None
        if not piece.last:
            self._keep(piece.uuid, text)
            return None
        return _content(_mended(text), is_object=piece.isobject)

    def _keep(self, uuid: str, text: str) -> None:
        while len(self._begun) >= MOST_TEXTS:
            del self._begun[next(iter(self._begun))]
        self._begun[uuid] = text


def plain(letter: Letter) -> object:
    """Return what a letter says, as JSON can: bytes as base64."""
    data = data_of(letter)
    return b64encode(data).decode() if isinstance(data, bytes) else data


def pieces(data: object, uuid: str) -> list[str]:
    """Return the messages that say something: a text as it is, anything else as JSON.

    `uuid` tells it from all others that a page is told, by whomever.
    """
    is_object = not isinstance(data, str)
    text = json.dumps(data) if is_object else str(data)
    parts = [text[at : at + PIECE] for at in range(0, len(text), PIECE)] or [""]
    return [
        json.dumps(
            {
                "type": "text",
                "uuid": uuid,
                "message": part,
                "packets": len(parts) - 1 - index,
                "last": index == len(parts) - 1,
                "isobject": is_object,
            },
            ensure_ascii=False,  # or a piece of 40 000 characters might be half a megabyte
        )
        for index, part in enumerate(parts)
    ]


def _mended(text: str) -> str:
    """Join what a page cut in two: it counts in UTF-16, where a character such as an emoji has two units."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _content(text: str, *, is_object: bool) -> tuple[Any] | None:
    if not is_object:
        return (text,)
    try:
        return (msgspec.json.decode(text),)
    except (msgspec.DecodeError, RecursionError):
        return None
