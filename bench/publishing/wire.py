"""A cable with delay and loss between this network and one of its own: `python -m bench.publishing.wire DELAY LOSS`.

DELAY is in milliseconds, LOSS in percent, each in both directions; only datagrams (UDP) get lost, so that signaling is
not what is measured. This end is 10.78.0.1, the far one 10.78.0.2, in the network namespace of this process: what is
started there goes through the cable. Prints "ready"; the end of stdin is the end, with which both ends vanish.
"""

import ctypes
import fcntl
import heapq
import itertools
import os
import random
import selectors
import struct
import subprocess
import sys
import time

from tests.network import CLONE_NEWNET

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
HERE, THERE = "10.78.0.1", "10.78.0.2"
NAME = "wire0"
UDP, PROTOCOL_AT = 17, 9  # in an IPv4 header
MOST = 65536  # bytes of a packet
BURST = 64  # packets that are taken in one turn
SEED = 5


def end_of_cable(address: str) -> int:
    """Make an interface in the present network; return the handle by which its packets come and go."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH14x", NAME.encode(), IFF_TUN | IFF_NO_PI))
    _ip(f"addr add {address}/24 dev {NAME}")
    _ip(f"link set {NAME} mtu 1500 up")
    return tun


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True, timeout=10)


def leave_network() -> None:
    """Move this process into a network of its own."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "no network of its own")
    _ip("link set lo up")


class Wire:
    """Carries packets between two ends, each `delay` seconds late; of datagrams the part `loss` is lost."""

    def __init__(self, ends: tuple[int, int], delay: float, loss: float) -> None:
        self._ends = ends
        self._delay, self._loss = delay, loss
        self._chance = random.Random(SEED)
        self._waiting: list[tuple[float, int, int, bytes]] = []  # when, order, to which end, what
        self._order = itertools.count()

    def carry(self) -> None:
        """Carry until stdin ends."""
        with selectors.DefaultSelector() as selector:
            for end, other in (self._ends, self._ends[::-1]):
                selector.register(end, selectors.EVENT_READ, other)
            selector.register(sys.stdin, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select(self._next()):
                    if key.fileobj is sys.stdin:
                        return
                    self._take(key.fd, key.data)
                self._deliver()

    def _next(self) -> float | None:
        return max(self._waiting[0][0] - time.monotonic(), 0) if self._waiting else None

    def _take(self, end: int, other: int) -> None:
        for _ in range(BURST):
            try:
                packet = os.read(end, MOST)
            except BlockingIOError:
                return
            if packet[PROTOCOL_AT] == UDP and self._chance.random() < self._loss:
                continue
            heapq.heappush(self._waiting, (time.monotonic() + self._delay, next(self._order), other, packet))

    def _deliver(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            _, _, end, packet = heapq.heappop(self._waiting)
            try:
                os.write(end, packet)
            except OSError:  # what the far end cannot take is lost
                continue


def main(delay: float, loss: float) -> None:
    """Lay the cable."""
    here = end_of_cable(HERE)
    leave_network()
    there = end_of_cable(THERE)
    _ip(f"route add default dev {NAME}")
    print("ready", flush=True)
    Wire((here, there), delay / 1000, loss / 100).carry()


if __name__ == "__main__":
    main(float(sys.argv[1]), float(sys.argv[2]))
