"""A cable to a network namespace of its own that delays packets and loses some, in user space: two tun devices.

The tests' network is one end of it, `NEAR`; programs that are started by `command` live at the other, `FAR`, and have
no other way out. Random loss is of UDP alone: TCP would only become slow.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import heapq
import os
import random
import select
import socket
import struct
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.devices.tools import need

NEAR, FAR = "10.79.0.1", "10.79.0.2"
TUN = Path("/dev/net/tun")
SET_INTERFACE, IS_TUN, WITHOUT_HEADER = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
CLONE_NEWNET = 0x40000000
UDP = 17
LARGEST = 65_536  # bytes
AT_ONCE = 64  # packets that are read of one end before the other has its turn
COMMAND_LIMIT = 60  # seconds
JOIN_LIMIT = 5.0  # seconds
CHUNK = 64 * 1024  # bytes


class LossyCable:
    """Carries packets, `delay` seconds each way. `loss` is a share of UDP packets, each way; `spoil` makes it worse."""

    def __init__(self, *, delay: float = 0.0, loss: float = 0.0, seed: int = 4) -> None:
        self.delay, self.loss = delay, loss
        self.lost = self.passed = 0  # packets
        self._spoilt: dict[int, float] = {}
        self._random = random.Random(seed)
        self._waiting: list[tuple[float, int, int, bytes]] = []
        self._numbers = count()
        self._namespace = -1
        self._ends: list[int] = []

    def spoil(self, port: int, loss: float) -> None:
        """Lose this share of the packets to and from one UDP port at the near end."""
        self._spoilt[port] = loss

    def command(self, *command: str) -> tuple[str, ...]:
        """Return the command that runs another one at the far end."""
        return (need("nsenter", "util-linux"), f"--net=/proc/{os.getpid()}/fd/{self._namespace}", *command)

    @contextlib.contextmanager
    def laid(self) -> Iterator["LossyCable"]:
        """Lay the cable for the length of the block. Where that is not allowed, the test is skipped."""
        if not TUN.exists() or "far0" not in (name for _, name in socket.if_nameindex()):
            pytest.skip("a lossy cable needs a network of the tests' own, and /dev/net/tun")
        ends, self._stop = os.pipe()
        carrying = threading.Thread(target=self._carry, args=(ends,), name="lossy cable")
        try:
            digging = threading.Thread(target=self._dig, name="lossy cable's end")
            digging.start()  # a thread of its own, as it moves into the other namespace for good
            digging.join()
            assert len(self._ends) == 2, "the far end could not be made"
            carrying.start()
            yield self
        finally:
            os.close(self._stop)
            if carrying.ident is not None:
                carrying.join(JOIN_LIMIT)
            for handle in (ends, *self._ends, *([self._namespace] if self._namespace >= 0 else [])):
                os.close(handle)

    def _dig(self) -> None:
        self._ends.append(_tun("near0", f"{NEAR}/24"))
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        self._namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        _ip("link set lo up")
        self._ends.append(_tun("eth0", f"{FAR}/24"))
        _ip(f"route add default via {NEAR} dev eth0")

    def _carry(self, stop: int) -> None:
        while True:
            wait = max(self._waiting[0][0] - time.monotonic(), 0) if self._waiting else None
            ready, _, _ = select.select([*self._ends, stop], [], [], wait)
            if stop in ready:
                return
            for end in ready:
                self._take(end)
            self._deliver()

    def _take(self, end: int) -> None:
        to = self._ends[1 - self._ends.index(end)]
        for _ in range(AT_ONCE):
            try:
                packet = os.read(end, LARGEST)
            except BlockingIOError:
                return
            if self._is_lost(packet, port=0 if end == self._ends[0] else 2):
                self.lost += 1
            else:
                heapq.heappush(self._waiting, (time.monotonic() + self.delay, next(self._numbers), to, packet))

    def _is_lost(self, packet: bytes, *, port: int) -> bool:
        """Draw a lot. `port` is where the near end's port is in the UDP header."""
        if packet[0] >> 4 != 4 or packet[9] != UDP:
            return False
        header = (packet[0] & 0xF) * 4
        (number,) = struct.unpack_from("!H", packet, header + port)
        return self._random.random() < self._spoilt.get(number, self.loss)

    def _deliver(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            _, _, end, packet = heapq.heappop(self._waiting)
            with contextlib.suppress(OSError):  # its queue is full, as that of a real card may be
                os.write(end, packet)
                self.passed += 1


def _tun(name: str, address: str) -> int:
    """Make a tun device in this thread's namespace."""
    handle = os.open(TUN, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(handle, SET_INTERFACE, struct.pack("16sH14x", name.encode(), IS_TUN | WITHOUT_HEADER))
    _ip(f"link set {name} addrgenmode none", check=False)  # see tests/network.py
    _ip(f"addr add {address} dev {name}")
    _ip(f"link set {name} up")
    return handle


def _ip(command: str, *, check: bool = True) -> None:
    subprocess.run([need("ip", "iproute2"), *command.split()], check=check, timeout=COMMAND_LIMIT)


@contextlib.asynccontextmanager
async def reachable(url: str) -> AsyncIterator[str]:
    """Let a server that listens on loopback be reached through the cable; yield where."""
    parts, tasks = urlsplit(url), set[asyncio.Task[None]]()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(parts.hostname, parts.port)
        await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(carry(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, NEAR, 0)
    try:
        yield f"{parts.scheme}://{NEAR}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while some := await reader.read(CHUNK):
            writer.write(some)
            await writer.drain()
    except ConnectionError:
        pass  # the other direction ends as well
    finally:
        writer.close()
