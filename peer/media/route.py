"""The way of packets to one other user: protected in place, then with one call per burst, from any thread.

    segments   one `sendmsg` that the kernel cuts into packets (UDP segmentation offload, Linux)
    datagrams  one `sendto` per packet, where the kernel cannot
    transport  through aiortc on the event loop: TURN relays, and sockets that cannot be shared

aiortc goes on to send its RTCP through the same SRTP session; a lock keeps the threads apart.
"""

import asyncio
import errno
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol

from pylibsrtp import Session
from pylibsrtp._binding import ffi, lib

from peer.media.burst import Burst, Laid, Layout

UDP_SEGMENT = 103  # linux/udp.h
CAPACITY = 64 * 1500  # bytes of a burst at most
NO_SEGMENTS = {errno.EIO, errno.EINVAL, errno.ENOPROTOOPT, errno.EOPNOTSUPP, errno.EMSGSIZE, errno.EPERM}
BEST_PATH = "segments" if sys.platform == "linux" else "datagrams"
STAMP = struct.Struct("!BBHLL")  # the fixed part of an RTP header
Address = tuple[str, int]


class Pair(Protocol):
    """The candidate pair that ICE has chosen."""

    @property
    def handle(self) -> int | None:
        """The UDP socket's handle, None if there is none that can be shared."""

    @property
    def address(self) -> Address:
        """Where the other side is."""

    def send(self, packet: bytes) -> None:
        """Send a packet; on the event loop only."""


class Scratch:
    """A thread's own memory in which bursts are stamped and encrypted."""

    def __init__(self) -> None:
        self._memory = bytearray(CAPACITY)
        self.view = memoryview(self._memory)
        self.base = ffi.from_buffer("char[]", self._memory) + 0
        self.length = ffi.new("int *")


class LockedSession:
    """The SRTP session of a transport, for aiortc: it takes turns with the threads that send media."""

    def __init__(self, session: Session, lock: threading.Lock) -> None:
        self.session, self.lock = session, lock

    def protect(self, packet: bytes) -> bytes:
        """Protect an RTP packet."""
        with self.lock:
            return bytes(self.session.protect(packet))

    def protect_rtcp(self, packet: bytes) -> bytes:
        """Protect an RTCP packet."""
        with self.lock:
            return bytes(self.session.protect_rtcp(packet))


class Route:
    """One user's transport, shared by the sound and the picture.

    `find` returns what ICE has chosen, None if nothing; `adopt` makes a pair of that, as often as it changes.
    """

    def __init__(
        self, session: Session, lock: threading.Lock, find: Callable[[], object | None], adopt: Callable[[Any], Pair]
    ) -> None:
        self.lock = lock  # to be held by whoever sends
        self.path = BEST_PATH
        self.dropped = 0  # packets that the socket did not take
        self._loop = asyncio.get_running_loop()
        self._session = session  # keeps the next alive
        self._srtp = session._srtp[0]  # noqa: SLF001 - pylibsrtp offers no protection in place
        self._find, self._adopt = find, adopt
        self._chosen: object | None = None
        self._pair: Pair | None = None
        self._socket: socket.socket | None = None
        self._is_closed = False

    def close(self) -> None:
        """Send nothing more, and let the socket go. May be called twice."""
        with self.lock:
            self._is_closed = True
            self._let_go()

    def send(self, burst: Burst, layout: Layout, scratch: Scratch, head: tuple[int, int, int, int]) -> None:
        """Stamp, protect and send a burst; `head` is payload type, first sequence number, time stamp and SSRC.

        To be called with `lock` held. What cannot be sent is dropped and counted: media does not wait.
        """
        if self._is_closed or not self._follow():
            return
        laid = burst.laid_out(layout)
        if not self._stamp(laid, scratch, head):
            self.dropped += len(laid.slots)  # never in the clear
        elif self._socket is None:
            self._hand_over(laid, layout.tag, scratch)
        elif self.path == "segments":
            self._send_segments(laid, layout.tag, scratch)
        else:
            self._send_datagrams(laid, 0, layout.tag, scratch)

    def _stamp(self, laid: Laid, scratch: Scratch, head: tuple[int, int, int, int]) -> bool:
        """Write the headers and encrypt, in place; false if the packets could not be protected."""
        kind, sequence, timestamp, ssrc = head
        first = 0x90 if laid.has_extensions else 0x80
        view, base, length, srtp = scratch.view, scratch.base, scratch.length, self._srtp
        view[: len(laid.block)] = laid.block
        stamp, protect, failed = STAMP.pack_into, lib.srtp_protect, 0
        for slot in laid.slots:
            stamp(view, slot.offset, first, kind | slot.marker, sequence, timestamp, ssrc)
            length[0] = slot.length
            failed |= protect(srtp, base + slot.offset, length)
            sequence = sequence + 1 & 0xFFFF
        return not failed

    def _send_segments(self, laid: Laid, tag: int, scratch: Scratch) -> None:
        assert self._socket is not None
        assert self._pair is not None
        packets = 0
        for begin, end, segment, count in laid.runs:
            ancillary = [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", segment))] if count > 1 else []
            try:
                self._socket.sendmsg((scratch.view[begin:end],), ancillary, 0, self._pair.address)
            except OSError as error:
                if count > 1 and error.errno in NO_SEGMENTS:
                    self.path = "datagrams"
                    self._send_datagrams(laid, packets, tag, scratch)
                    return
                self.dropped += count
            packets += count

    def _send_datagrams(self, laid: Laid, first: int, tag: int, scratch: Scratch) -> None:
        assert self._socket is not None
        assert self._pair is not None
        for slot in laid.slots[first:]:
            try:
                self._socket.sendto(scratch.view[slot.offset : slot.offset + slot.length + tag], self._pair.address)
            except OSError:
                self.dropped += 1

    def _hand_over(self, laid: Laid, tag: int, scratch: Scratch) -> None:
        packets = [bytes(scratch.view[slot.offset : slot.offset + slot.length + tag]) for slot in laid.slots]
        try:
            self._loop.call_soon_threadsafe(self._send_on_loop, packets)
        except RuntimeError:  # the loop is closed, and with it the connection
            self.dropped += len(packets)

    def _send_on_loop(self, packets: list[bytes]) -> None:
        if self._pair is not None and not self._is_closed:
            for packet in packets:
                self._pair.send(packet)

    def _follow(self) -> bool:
        """Use the pair that ICE has chosen by now; false if there is none."""
        chosen = self._find()
        if chosen is not self._chosen:
            self._let_go()
            self._use(chosen)
        return chosen is not None

    def _use(self, chosen: object | None) -> None:
        self._chosen = chosen
        if chosen is None:
            return
        self._pair = self._adopt(chosen)
        self._socket = _share(self._pair.handle)
        if self._socket is None:
            self.path = "transport"
        elif self.path == "transport":
            self.path = BEST_PATH

    def _let_go(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = self._pair = self._chosen = None


def _share(handle: int | None) -> socket.socket | None:
    """Return a second handle of a socket, which closes by itself alone."""
    if handle is None or sys.platform == "win32":
        return None
    shared = socket.socket(fileno=os.dup(handle))
    shared.setblocking(False)
    return shared
