"""What a client says to each kind of server, and by which bytes it knows what the server says.

The marks are looked for in what comes out of a socket, without taking frames apart: a client that costs nothing is no
bottleneck. None of them can stand in another frame of these conversations.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from struct import pack

PADDING = "x" * 160
TEXT, PONG = 0x81, 0x8A


def masked(payload: bytes, first: int = TEXT) -> bytes:
    """Return a client's frame of at most 64 KiB."""
    mask = os.urandom(4)
    size = len(payload)
    head = pack("!BB", first, 0x80 | size) if size < 126 else pack("!BBH", first, 0x80 | 126, size)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def _words(*words: object) -> str:
    return json.dumps(words, separators=(",", ":"))


@dataclass(frozen=True)
class Dialect:
    """One kind of server. Texts are masked when they are said, `mark`s are bytes of what is heard."""

    greeting: tuple[str, bytes] | None  # said first, and the mark of its answer
    join: Callable[[str, str], str]  # room, user
    say: Callable[[str], str]  # room; to everybody else there
    leave: Callable[[str], str]  # room
    joined: bytes
    said: bytes
    left: bytes
    ping: bytes
    pong: bytes


EXEUNT = Dialect(
    greeting=None,
    join=lambda room, user: json.dumps({"type": "join", "room": room, "user": user}),
    say=lambda _: json.dumps({"type": "message", "topic": "bench", "data": PADDING}),
    leave=lambda _: json.dumps({"type": "leave"}),
    joined=b'{"type":"joined"',
    said=b'{"type":"message"',
    left=b'{"type":"remoteUserLeave"',
    ping=b"\x89\x00",
    pong=masked(b"", PONG),
)
SOCKET_IO = Dialect(
    greeting=("40", b"40{"),
    join=lambda room, _: "420" + _words("join", room),
    say=lambda room: "42" + _words("say", room, {"pad": PADDING}),
    leave=lambda room: "42" + _words("leave", room),
    joined=b"430[",
    said=b'42["said"',
    left=b'42["left"',
    ping=b"\x81\x012",
    pong=masked(b"3"),
)
DIALECTS = {"exeunt": EXEUNT, "socket.io": SOCKET_IO}
