"""Streams of packets to put together again: cut by our own sending side, with frames that are told apart."""

from collections.abc import Iterator
from dataclasses import dataclass

from peer.media.packetize import h264_payloads, vp8_payloads

LIMIT = 100  # bytes of a payload: small, so that frames are of many packets
RATE = 90_000
FPS = 30
START = b"\x00\x00\x00\x01"


@dataclass(frozen=True)
class OnTheWire:
    """One packet as it is sent: numbers wrapped."""

    number: int
    timestamp: int
    is_last: bool
    payload: bytes
    sent_at: float


def vp8_frame(index: int, *, is_key: bool, size: int = 350) -> bytes:
    """Return something that looks like VP8's frame as far as packets go: the first bit says "not a key"."""
    return bytes([0x10 | (not is_key), index % 256, index // 256]) + bytes((index + at) % 255 + 1 for at in range(size))


def h264_frame(index: int, *, is_key: bool, size: int = 350) -> bytes:
    """Return an access unit of two slices, parameter sets before them if it is a key frame."""
    body = bytes((index + at) % 255 + 1 for at in range(size))
    kind = b"\x65" if is_key else b"\x41"
    sets = START + b"\x67\x42\xe0\x1f" + START + b"\x68\xce\x38\x80" if is_key else b""
    return sets + START + kind + body + START + kind + bytes([index % 255 + 1])


def frames(codec: str, count: int, every: int) -> list[bytes]:
    """Return frames, of which each `every`-th needs no other."""
    make = vp8_frame if codec == "vp8" else h264_frame
    return [make(index, is_key=index % every == 0) for index in range(count)]


def packets(
    codec: str, pictures: list[bytes], number: int = 65_500, timestamp: int = 2**32 - 30_000
) -> list[OnTheWire]:
    """Cut pictures into packets, 33 ms apart; by default numbers and timestamps wrap on the way."""
    return list(_packets(codec, pictures, number, timestamp))


def _packets(codec: str, pictures: list[bytes], number: int, timestamp: int) -> Iterator[OnTheWire]:
    for index, picture in enumerate(pictures):
        payloads = vp8_payloads(picture, index, LIMIT) if codec == "vp8" else h264_payloads(picture, LIMIT)
        stamp = (timestamp + index * RATE // FPS) % 2**32
        for at, payload in enumerate(payloads):
            is_last = at == len(payloads) - 1
            yield OnTheWire(number % 65_536, stamp, is_last, payload, index / FPS + at / 10_000)
            number += 1
