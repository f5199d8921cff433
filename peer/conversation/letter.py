"""One letter: something said to one user, as it travels. Pure.

On the data channel it is a line of JSON (`Head`), a line break and the content, cut into pieces of `PIECE` bytes, each
behind one byte of `FIRST` and `LAST`: usrsctp and others take no message beyond 64 KiB, and what must not wait behind a
large letter, the word that we leave, waits behind a piece at most. Through the server it is one `message` of the topic
`TOPIC` and of `MAX_CONTENT` bytes, bytes as base64; a larger one waits for a channel, or goes in pieces where there
will never be one. A lossy one is never cut: it is one packet, or lost as a whole.
"""

from base64 import b64decode, b64encode
from typing import Annotated, Any, Literal

import msgspec

from peer.errors import UsageError
from signaling.messages import MAX_CONTENT, MAX_TOPIC, Message, Part, Topic, json_size

TOPIC = "exeunt"  # of what goes through the server: nobody else's
MAX_RELIABLE = 256 * 1024  # bytes: what aiortc and the browsers hold in their buffers without harm
MAX_LOSSY = 1000  # bytes: one packet, so that no packet's loss costs more than its own letter
MAX_HEAD = 1024  # bytes, with the line break
PIECE = 16 * 1024  # bytes, the first included
POSTED_PIECE = 11 * 1024  # bytes of a piece that goes through the server, before base64
FIRST, LAST = 1, 2  # bits of a piece's first byte

Form = Literal["json", "bytes"]
Failure = Literal["no_responder", "failed"]
Number = Annotated[int, msgspec.Meta(ge=0)]


class Head(Part, frozen=True):
    """What a letter is. `number` counts the reliable ones to one user, from 1; a lossy one has none (0)."""

    topic: Topic
    number: Number = 0
    form: Form = "json"
    asks: bool = False  # an answer is waited for
    answers: Number = 0  # the number of the letter that this is the answer to
    failure: Failure | None = None  # of an answer, which then is a text that says why


class Letter(msgspec.Struct, frozen=True):
    """A head, and the content in its form: JSON as UTF-8, or bytes."""

    head: Head
    content: bytes


class Posted(Message, frozen=True, tag="letter"):
    """A letter that goes through the server."""

    head: Head
    text: str  # JSON, or base64


class PostedPiece(Message, frozen=True, tag="piece"):
    """A piece of a letter that is too large to go through the server as a whole."""

    piece: str  # base64


class Taken(Message, frozen=True):
    """All letters up to this number have been taken. `missing`: one after it was lost, say all that follow again."""

    number: Number
    missing: bool = False


_encode = msgspec.json.Encoder().encode
_read_head = msgspec.json.Decoder(Head).decode
_read_taken = msgspec.json.Decoder(Taken).decode


def content_of(topic: str, data: object, largest: int) -> tuple[Form, bytes]:
    """Return the form and the content of what is to be said. Raises `UsageError` for what cannot be."""
    if not 0 < len(topic) <= MAX_TOPIC:
        raise UsageError(f"a topic has 1 to {MAX_TOPIC} characters, not {len(topic)}")
    form, content = _written(data)
    if len(content) > largest:
        raise UsageError(f"this is {len(content)} bytes as {form}; at most {largest} can be said at once")
    return form, content


def _written(data: object) -> tuple[Form, bytes]:
    if isinstance(data, bytes | bytearray):
        return "bytes", bytes(data)
    if hasattr(data, "tobytes"):  # arrays of numpy, memory views: they have a shape and a type that would be lost
        raise UsageError(f"a {type(data).__name__} is neither bytes nor JSON: say its .tobytes(), or its .tolist()")
    try:
        return "json", _encode(data)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"data must be bytes or what JSON can say: {error}") from None


def data_of(letter: Letter) -> Any:
    """Return what was said. Raises `ValueError` if it is not what its head says."""
    return letter.content if letter.head.form == "bytes" else msgspec.json.decode(letter.content)


def numbered(head: Head, number: int) -> Head:
    """Return a head with its number."""
    return msgspec.structs.replace(head, number=number)


def written(letter: Letter) -> bytes:
    """Return a letter as it goes over a data channel, uncut."""
    return b"\n".join((_encode(letter.head), letter.content))


def read(body: bytes) -> Letter | None:
    """Read what came over a data channel; None: no letter."""
    line, _, content = body.partition(b"\n")
    try:
        return Letter(_read_head(line), content)
    except (ValueError, RecursionError):
        return None


def cut(body: bytes, offset: int, size: int = PIECE) -> bytes:
    """Return the piece of a letter that begins there, of at most `size` bytes."""
    end = offset + size - 1
    mark = (FIRST if offset == 0 else 0) | (LAST if end >= len(body) else 0)
    return bytes([mark]) + body[offset:end]


def posted(letter: Letter) -> dict[str, Any] | None:
    """Return a letter as it goes through the server; None: it is too large for that."""
    text = b64encode(letter.content).decode() if letter.head.form == "bytes" else letter.content.decode()
    envelope: dict[str, Any] = msgspec.to_builtins(Posted(head=letter.head, text=text))
    return envelope if json_size(envelope) <= MAX_CONTENT else None


def in_piece(piece: bytes) -> dict[str, Any]:
    """Return a piece of a letter as it goes through the server."""
    envelope: dict[str, Any] = msgspec.to_builtins(PostedPiece(piece=b64encode(piece).decode()))
    return envelope


def from_server(data: object) -> Letter | Taken | bytes | None:
    """Read what came through the server, bytes being a piece of a letter; None: no letter."""
    try:
        message = msgspec.convert(data, type=Posted | PostedPiece | Taken)
        if isinstance(message, Taken):
            return message
        if isinstance(message, PostedPiece):
            return b64decode(message.piece, validate=True)
        as_bytes = message.head.form == "bytes"
        return Letter(message.head, b64decode(message.text, validate=True) if as_bytes else message.text.encode())
    except ValueError:
        return None


def acknowledgement(text: str) -> Taken | None:
    """Read a text that came over a data channel; None: nothing that we know."""
    try:
        return _read_taken(text)
    except (ValueError, RecursionError):
        return None


def as_text(taken: Taken) -> str:
    """Return an acknowledgement as it goes over a data channel."""
    return _encode(taken).decode()


def as_words(taken: Taken) -> dict[str, Any]:
    """Return an acknowledgement as it goes through the server."""
    words: dict[str, Any] = msgspec.to_builtins(taken)
    return words
