"""Asks an X server for its screens: the first words of the X11 protocol, and nothing else.

FFmpeg answers "Input/output error" to everything that can be wrong with a screen; this tells a display that is not
there from one that does not let us in, and gives the size of a screen without grabbing it.
"""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from peer.capture.names import Display

SOCKETS = Path("/tmp/.X11-unix")  # noqa: S108 - where X servers listen
TCP_PORT = 6000  # of display 0
COOKIE = b"MIT-MAGIC-COOKIE-1"
_SETUP = struct.Struct("<BxHHHHxx")  # byte order, version, lengths of the proof's name and data
_FIXED = 40  # bytes of the reply before the vendor's name
_SCREEN = 40  # bytes of a screen before its depths


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int


class Refusal(Exception):
    """The X server answered that we may not come in."""


@contextmanager
def visit(display: Display, limit: float) -> Iterator[list[Size]]:
    """Hand the screens of a display over to the block, and stay connected for its length.

    An X server may reset itself when its last client goes, and drop whoever comes just then: so stay until the next is
    in. Raises `Refusal`, or `OSError` if nobody answers within `limit` seconds.
    """
    with _connect(display, limit) as connection:
        connection.sendall(setup_request(_cookie(display)))
        head = _receive(connection, 8)
        body = _receive(connection, 4 * int.from_bytes(head[6:8], "little"))
        if head[0] != 1:
            raise Refusal(body[: head[1]].decode("latin-1").strip() or "no permission")
        yield parse_screens(head + body)


def setup_request(cookie: bytes) -> bytes:
    """Return the bytes that open a connection, with the proof that we may."""
    name = COOKIE if cookie else b""
    return _SETUP.pack(ord("l"), 11, 0, len(name), len(cookie)) + _padded(name) + _padded(cookie)


def parse_screens(reply: bytes) -> list[Size]:
    """Return the sizes of the screens in the answer to `setup_request()`."""
    (vendor_length,) = struct.unpack_from("<H", reply, 24)
    screens, formats = reply[28], reply[29]
    offset = _FIXED + vendor_length + -vendor_length % 4 + 8 * formats
    sizes = []
    for _ in range(screens):
        sizes.append(Size(*struct.unpack_from("<HH", reply, offset + 20)))
        depths, offset = reply[offset + 39], offset + _SCREEN
        for _ in range(depths):
            (visuals,) = struct.unpack_from("<H", reply, offset + 2)
            offset += 8 + 24 * visuals
    return sizes


def find_cookie(authority: bytes, number: int) -> bytes:
    """Return the proof for display `number` in the content of an .Xauthority file, empty if there is none."""
    offset = 0
    while offset + 2 < len(authority):
        fields, offset = _entry(authority, offset + 2)
        _address, entry_number, name, cookie = fields
        if name == COOKIE and entry_number in (b"", str(number).encode()):
            return cookie
    return b""


def _entry(authority: bytes, offset: int) -> tuple[list[bytes], int]:
    fields = []
    for _ in range(4):
        end = offset + 2 + int.from_bytes(authority[offset : offset + 2], "big")
        fields.append(authority[offset + 2 : end])
        offset = end
    return fields, offset


def _cookie(display: Display) -> bytes:
    path = Path(os.environ.get("XAUTHORITY") or Path.home() / ".Xauthority")
    try:
        return find_cookie(path.read_bytes(), display.number)
    except OSError:
        return b""


def _connect(display: Display, limit: float) -> socket.socket:
    if display.host:
        return socket.create_connection((display.host, TCP_PORT + display.number), timeout=limit)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(limit)
    try:
        connection.connect(str(SOCKETS / f"X{display.number}"))
    except OSError:
        connection.close()
        raise
    return connection


def _receive(connection: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        more = connection.recv(length - len(received))
        if not more:
            raise ConnectionResetError("the X server hung up")
        received += more
    return received


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
