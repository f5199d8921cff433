"""What strangers may send to the ports of a connection without harming it: mends `StunProtocol` and TURN of aioice.

Whoever knows the address of a port can send anything to it. Of aioice 0.13 and aiortc 1.16 a STUN message with an
attribute of a wrong length raises `struct.error` in the event loop, which logs a traceback for each, and so does a
packet of sound or pictures that happens to look like one; an empty datagram, and one of more than SRTP takes, end the
connection.
"""

import functools
import logging
import struct
from collections.abc import Callable
from typing import Any

LAST_OF_STUN = b"\x03"  # the first byte says what a datagram is (RFC 7983, section 7)
FIRST_OF_MEDIA = 128
LARGEST = 1500  # bytes of a packet of media; pylibsrtp takes no more, and no Ethernet carries more
log = logging.getLogger(__name__)


class Malformed(Exception):
    """This begins as a STUN message does, and is none."""


def only_of_stun(parse: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Have `parse_message` look at nothing else; it raises `Malformed` for what ought to be STUN and is not."""

    @functools.wraps(parse)
    def wrapped(datagram: bytes) -> Any:
        if datagram[:1] > LAST_OF_STUN:
            raise ValueError("this is no STUN")
        try:
            return parse(datagram)
        except (ValueError, struct.error) as error:
            raise Malformed(str(error)) from error

    return wrapped


def unless_malformed(receive: Callable[..., None]) -> Callable[..., None]:
    """Have `datagram_received` drop STUN messages that are none."""

    @functools.wraps(receive)
    def wrapped(self: Any, datagram: bytes, address: Any) -> None:
        try:
            receive(self, datagram, address)
        except Malformed as error:
            log.debug("a malformed STUN message is dropped: %s", error)

    return wrapped


def of_a_size(receive: Callable[..., None]) -> Callable[..., None]:
    """Have `datagram_received` drop what is empty, and media that are too large for SRTP."""

    @functools.wraps(receive)
    def wrapped(self: Any, datagram: bytes, address: Any) -> None:
        if datagram and (len(datagram) <= LARGEST or datagram[0] < FIRST_OF_MEDIA):
            receive(self, datagram, address)
        else:
            log.debug("a datagram of %d bytes is dropped", len(datagram))

    return wrapped
