"""Elements of EBML, the binary grammar of Matroska and WebM, as bytes (RFC 8794). Pure."""

import struct

VOID = 0xEC
UNKNOWN_SIZE = b"\x01" + b"\xff" * 7  # of an element that is still written (section 6.2)
SIZE_BYTES = 8  # of a size that is changed in place later
_SMALLEST_VOID = 2  # bytes: identifier and size
_SHORT_VOID = 128  # bytes: the longest whose size takes one byte


def element(identifier: int, *parts: bytes) -> bytes:
    """Return an element that holds `parts`, one after the other."""
    body = b"".join(parts)
    return identity(identifier) + size(len(body)) + body


def identity(identifier: int) -> bytes:
    """Return an identifier as it is written, its length marker included."""
    return identifier.to_bytes((identifier.bit_length() + 7) // 8, "big")


def size(length: int, width: int | None = None) -> bytes:
    """Return a length as a variable-size integer of `width` bytes, or of as few as will do (section 4)."""
    width = width or next(number for number in range(1, SIZE_BYTES + 1) if length < 2 ** (7 * number) - 1)
    return (1 << 7 * width | length).to_bytes(width, "big")


def unsigned(identifier: int, value: int, width: int | None = None) -> bytes:
    """Return an element with a whole number of `width` bytes, or of as few as will do."""
    return element(identifier, value.to_bytes(width or max((value.bit_length() + 7) // 8, 1), "big"))


def signed(identifier: int, value: int) -> bytes:
    """Return an element with a whole number that may be negative, in 8 bytes."""
    return element(identifier, value.to_bytes(8, "big", signed=True))


def real(identifier: int, value: float) -> bytes:
    """Return an element with a number in 8 bytes."""
    return element(identifier, struct.pack(">d", value))


def text(identifier: int, value: str) -> bytes:
    """Return an element with a text."""
    return element(identifier, value.encode())


def void(length: int) -> bytes:
    """Return an element of `length` bytes, at least 2, that says nothing: room for what comes later."""
    assert length >= _SMALLEST_VOID, length
    if length <= _SHORT_VOID:
        return bytes((VOID,)) + size(length - 2, 1) + bytes(length - 2)
    return bytes((VOID,)) + size(length - 1 - SIZE_BYTES, SIZE_BYTES) + bytes(length - 1 - SIZE_BYTES)
