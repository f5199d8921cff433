"""The way that media take between two users, in user space: it can lose, delay and swallow packets. Needs no root.

Whoever is told an address of the other (an ICE candidate) is told that of a `Gate` instead. It passes on what it gets
to the real address, and the answers back, each sender by a port of its own, as a router that translates addresses does.
"""

import asyncio
import random
import re
from collections.abc import Callable

CANDIDATE = re.compile(
    r"^(?P<head>candidate:\S+ \d+ udp \d+) (?P<host>\S+) (?P<port>\d+) typ host(?P<rest>.*)$", re.IGNORECASE
)
MOST_SENDERS = 64  # of one gate
MOST_EARLY = 100  # packets that wait for a way to be open
Address = tuple[str, int]


class Path:
    """The state of the way between two users, both directions alike. May be changed at any time."""

    def __init__(self, *, seed: int = 4) -> None:
        self.loss = 0.0  # share of the packets, 0 to 1
        self.delay = 0.0  # seconds, each way
        self.is_cut = False
        self.passed = self.lost = 0  # packets
        self._random = random.Random(seed)  # noqa: S311 - lots are drawn, nothing is kept secret

    def cut(self) -> None:
        """Swallow everything, without an error, as a cable does that is cut."""
        self.is_cut = True

    def heal(self) -> None:
        """Let everything pass again, at once and without loss."""
        self.is_cut, self.loss, self.delay = False, 0.0, 0.0

    def carry(self, send: Callable[[], None]) -> None:
        """Let one packet pass, late, or not at all."""
        if self.is_cut or self._random.random() < self.loss:
            self.lost += 1
            return
        self.passed += 1
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, send)
        else:
            send()


class _End(asyncio.DatagramProtocol):
    def __init__(self, heard: Callable[[bytes, Address], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._heard(data, addr[:2])


class Gate:
    """An address in front of another one, for everybody who sends there over this path."""

    def __init__(self, path: Path, behind: Address) -> None:
        self._path = path
        self._behind = behind
        self._front: asyncio.DatagramTransport | None = None
        self._ways: dict[Address, asyncio.DatagramTransport] = {}  # by sender
        self._early: dict[Address, list[bytes]] = {}  # what came of each before its way was open
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> Address:
        """Listen on the host that is behind it; return where. Raises `OSError` if that is not this machine."""
        self._front = await _bound(self._behind[0], self._come_in)
        address: tuple[str, int] = self._front.get_extra_info("sockname")[:2]
        return address

    async def close(self) -> None:
        """Carry nothing more. May be called twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        front, self._front = self._front, None
        for transport in [*([front] if front is not None else []), *self._ways.values()]:
            transport.abort()
        self._ways.clear()

    def _come_in(self, data: bytes, sender: Address) -> None:
        way = self._ways.get(sender)
        if way is not None:
            self._path.carry(lambda: _send(way, data, self._behind))
        elif sender in self._early:
            self._early[sender] = [*self._early[sender], data][-MOST_EARLY:]
        elif len(self._ways) + len(self._early) < MOST_SENDERS:
            self._early[sender] = [data]
            task = asyncio.create_task(self._open_way(sender), name="a way between two users")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _open_way(self, sender: Address) -> None:
        self._ways[sender] = await _bound(self._behind[0], lambda data, _: self._come_back(data, sender))
        for data in self._early.pop(sender):
            self._come_in(data, sender)

    def _come_back(self, data: bytes, sender: Address) -> None:
        front = self._front
        if front is not None:
            self._path.carry(lambda: _send(front, data, sender))


class Gates:
    """All gates over one path, by the addresses behind them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._gates: dict[Address, tuple[Gate, Address]] = {}

    async def rewrite(self, candidate: str) -> str | None:
        """Return a candidate line ("candidate:... udp ...") with a gate's address; None: it cannot lead through one.

        Only UDP addresses of this machine can: others (TCP, TURN, hidden by mDNS) would lead past the path.
        """
        match = CANDIDATE.match(candidate)
        if match is None:
            return None
        behind = (match["host"], int(match["port"]))
        try:
            host, port = await self._in_front_of(behind)
        except OSError:
            return None
        return f"{match['head']} {host} {port} typ host{match['rest']}"

    async def rewrite_sdp(self, sdp: str) -> str:
        """Return a session description whose candidates lead through gates."""
        lines = [line for line in [await self._line(line) for line in sdp.splitlines()] if line is not None]
        return "\r\n".join([*lines, ""])

    async def close(self) -> None:
        """Close every gate."""
        gates, self._gates = self._gates, {}
        for gate, _ in gates.values():
            await gate.close()

    async def _line(self, line: str) -> str | None:
        if not line.startswith("a=candidate:"):
            return line
        rewritten = await self.rewrite(line.removeprefix("a="))
        return None if rewritten is None else f"a={rewritten}"

    async def _in_front_of(self, behind: Address) -> Address:
        if behind not in self._gates:
            gate = Gate(self.path, behind)
            self._gates[behind] = (gate, await gate.open())
        return self._gates[behind][1]


def _send(transport: asyncio.DatagramTransport, data: bytes, to: Address) -> None:
    if not transport.is_closing():
        transport.sendto(data, to)


async def _bound(host: str, heard: Callable[[bytes, Address], None]) -> asyncio.DatagramTransport:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _End(heard), local_addr=(host, 0))
    return transport
