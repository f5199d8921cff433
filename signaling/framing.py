"""WebSocket frames as a server sends them (RFC 6455, section 5.2). A core: made once, written to many.

A server masks nothing and, as we decline deflate, compresses nothing: a frame is the same bytes for everybody.
"""

from struct import Struct

FINAL = 0x80  # all of a message is in this frame
TEXT = 0x1
PING = b"\x89\x00"  # without a payload
SHORT, MEDIUM = 126, 0x10000  # bytes of payload from which on the length takes two and eight bytes more

_two = Struct("!BB").pack
_four = Struct("!BBH").pack
_ten = Struct("!BBQ").pack


def text_frame(payload: bytes) -> bytes:
    """Return the frame of a text message, given as UTF-8."""
    length = len(payload)
    if length < SHORT:
        return _two(FINAL | TEXT, length) + payload
    if length < MEDIUM:
        return _four(FINAL | TEXT, SHORT, length) + payload
    return _ten(FINAL | TEXT, SHORT + 1, length) + payload


def payload_of(frame: bytes) -> bytes:
    """Return the text in a frame that `text_frame` has made."""
    length = frame[1]
    return frame[{SHORT: 4, SHORT + 1: 10}.get(length, 2) :]
