"""How a webhook's receiver knows that an event is ours and new. A core.

    Exeunt-Signature: t=1900000000,v1=5257a869e7...,v1=6ffbb59b22...

`t` is when it was sent, in seconds since 1970. Each `v1` is the HMAC-SHA256, in hexadecimal, of `t`, a dot and the
body, by one key: while keys are changed there are two of them, and a receiver that knows either key accepts the event.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from hmac import compare_digest, digest

HEADER = "Exeunt-Signature"
TOLERANCE = 300.0  # seconds between an event's sending and its receipt
LONGEST = 1024  # characters of a header that is worth reading


class BadSignature(Exception):
    """A request that may be from anybody, or is an old one sent again."""


def sign(body: bytes, keys: Iterable[str], wall: float) -> str:
    """Return the header for a body that is sent at the wall time `wall`: one signature for each key."""
    sent = str(int(wall))
    return ",".join([f"t={sent}", *(f"v1={_signature(body, key, sent)}" for key in keys)])


def check(body: bytes, header: str, keys: Sequence[str], wall: float, tolerance: float = TOLERANCE) -> None:
    """Raise `BadSignature` unless one of the keys has signed the body, at most `tolerance` seconds from `wall`."""
    sent, signatures = _read(header)
    if not sent.isascii() or not sent.isdecimal() or len(sent) > len("253402300799"):
        raise BadSignature("the signature does not say when it was made")
    # All are compared, so that the time it takes tells nothing of which was nearly right.
    matches = [
        compare_digest(_signature(body, key, sent).encode(), signature.encode(errors="surrogatepass"))
        for key in keys
        for signature in signatures
    ]
    if not any(matches):
        raise BadSignature("none of the keys has signed this")
    if not abs(wall - int(sent)) <= tolerance:
        raise BadSignature(f"it was signed more than {tolerance:g} s ago, or by a clock that is wrong")


def _read(header: str) -> tuple[str, list[str]]:
    parts = [part.strip().partition("=") for part in header[:LONGEST].split(",")]
    sent = [value for name, _, value in parts if name == "t"]
    return (sent[0] if len(sent) == 1 else ""), [value for name, _, value in parts if name == "v1"]


def _signature(body: bytes, key: str, sent: str) -> str:
    return digest(key.encode(), f"{sent}.".encode() + body, sha256).hex()
