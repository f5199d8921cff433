"""A crowd of clients on plain sockets, in one process of its own, so that it costs next to nothing.

    python -m bench.rooming.crowd DIALECT PID TASK JSON URL...

does one task against servers at these addresses, users taking turns between them, and prints its figures as JSON.
"""

import base64
import json
import os
import resource
import select
import socket
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from urllib.parse import urlsplit

from bench.rooming.dialects import DIALECTS, Dialect, masked

LIMIT = 20.0  # seconds for anything that is waited for
QUIET = 0.1  # seconds without a byte after which nothing more is expected
WARM = 0.5  # seconds that are not counted
CHUNK = 256 * 1024  # bytes
AT_ONCE = 50  # clients that connect together
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

_numbers = count()
_buffer = bytearray(CHUNK)  # one for all: to make a new one each time would cost more than to read


class Client:
    """One user's socket."""

    def __init__(self, url: str, dialect: Dialect) -> None:
        parts = urlsplit(url)
        self.name = f"u{next(_numbers)}"
        self.heard = b""  # the end of what was heard, in which a mark may have begun
        self._dialect = dialect
        self._socket = socket.create_connection((parts.hostname, parts.port), LIMIT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.write(
            f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def fileno(self) -> int:
        """Return what `select` wants to know."""
        return self._socket.fileno()

    def say(self, text: str) -> None:
        """Send a message."""
        self.write(masked(text.encode()))

    def write(self, frame: bytes) -> None:
        """Send bytes."""
        self._socket.sendall(frame)

    def until(self, mark: bytes) -> None:
        """Wait until this was heard."""
        heard = b""
        while mark not in heard:
            received = self._socket.recv(CHUNK)
            if not received:
                raise ConnectionError(f"the server hung up instead of saying {mark!r}: {heard[-200:]!r}")
            heard += received

    def hear(self, mark: bytes) -> int:
        """Return how often something was heard in what has arrived; pings are answered."""
        size = self._socket.recv_into(_buffer)
        heard = self.heard + _buffer[:size]
        if self._dialect.ping in heard:
            self.write(self._dialect.pong)
        found = heard.count(mark)
        self.heard = heard[-(len(mark) - 1) :]
        return found

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


class Waiting:
    """Which of many clients have something to hear."""

    def __init__(self, clients: Sequence[Client]) -> None:
        self._poll = select.epoll()
        self._clients = {client.fileno(): client for client in clients}
        for number in self._clients:
            self._poll.register(number, select.EPOLLIN)

    def ready(self, limit: float) -> list[Client]:
        """Wait for some at most this long."""
        return [self._clients[number] for number, _ in self._poll.poll(limit)]

    def drain(self, mark: bytes) -> None:
        """Hear everything, until nothing more comes."""
        while ready := self.ready(QUIET):
            for client in ready:
                client.hear(mark)

    def close(self) -> None:
        """Forget them."""
        self._poll.close()


@dataclass
class Crowd:
    """Clients of one kind of server, on one node or several."""

    urls: Sequence[str]
    dialect: Dialect
    pids: Sequence[int]
    clients: list[Client] = field(default_factory=list)

    def enter(self, rooms: Sequence[str]) -> list[Client]:
        """Let a client into each of these rooms; many at once."""
        came: list[Client] = []
        nodes = cycle(self.urls)
        for first in range(0, len(rooms), AT_ONCE):
            names = rooms[first : first + AT_ONCE]
            batch = [Client(next(nodes), self.dialect) for _ in names]
            self._shake_hands(batch)
            for client, room in zip(batch, names, strict=True):
                client.say(self.dialect.join(room, client.name))
            for client in batch:
                client.until(self.dialect.joined)
            came += batch
        self.clients += came
        return came

    def _shake_hands(self, batch: list[Client]) -> None:
        for client in batch:
            client.until(b"\r\n\r\n")
        if self.dialect.greeting is None:
            return
        greeting, answer = self.dialect.greeting
        for client in batch:
            client.say(greeting)
        for client in batch:
            client.until(answer)

    def cpu(self) -> float:
        """Return the seconds of CPU that the servers have used."""
        stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.pids]
        return sum(int(stat[11]) + int(stat[12]) for stat in stats) / TICKS

    def memory(self) -> float:
        """Return the resident KiB of the servers, after they have collected their garbage where they can be asked."""
        for url in self.urls:
            parts = urlsplit(url)
            urllib.request.urlopen(f"http://{parts.netloc}/", timeout=LIMIT).read()
        time.sleep(1.0)
        pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids]
        return sum(pages) * PAGE / 1024

    # -- tasks --

    def joins(self, users: int) -> dict[str, float]:
        """Measure how fast users come in, into rooms of ten."""
        began, used = time.monotonic(), self.cpu()
        self.enter([f"j{number // 10}" for number in range(users)])
        took, used = time.monotonic() - began, self.cpu() - used
        return {"per_second": users / took, "per_cpu": users / max(used, 1 / TICKS)}

    def fan(self, size: int, window: int, seconds: float) -> dict[str, float]:
        """Measure what is delivered while the first of a room speaks, `window` messages at a time on their way."""
        members = self.enter(["fan"] * size)
        speaker, others = members[0], members[1:]
        waiting, mark = Waiting(members), self.dialect.said
        waiting.drain(mark)
        frame = masked(self.dialect.say("fan").encode())
        speaker.write(frame * window)
        self._flow(waiting, speaker, others[-1], frame, WARM)
        used = self.cpu()
        delivered, took = self._flow(waiting, speaker, others[-1], frame, seconds)
        used = self.cpu() - used
        waiting.close()
        return {
            "deliveries_per_second": delivered / took,
            "deliveries_per_cpu": delivered / max(used, 1 / TICKS),
            "messages_per_cpu": delivered / len(others) / max(used, 1 / TICKS),
            "core": used / took,
        }

    def _flow(self, waiting: Waiting, speaker: Client, last: Client, frame: bytes, seconds: float) -> tuple[int, float]:
        """Speak again whenever the last has heard something; return deliveries and seconds."""
        mark, delivered = self.dialect.said, 0
        began = now = time.monotonic()
        while now - began < seconds:
            for client in waiting.ready(LIMIT):
                heard = client.hear(mark)
                delivered += heard
                if client is last and heard:
                    speaker.write(frame * heard)
            now = time.monotonic()
        return delivered, now - began

    def leaves(self, size: int, samples: int) -> dict[str, object]:
        """Measure how long it takes from a `leave` until the last of the others knows."""
        room = f"leave{size}"
        others = self.enter([room] * (size - 1))
        waiting, mark = Waiting(others), self.dialect.left
        took = []
        for _ in range(samples):
            (leaver,) = self.enter([room])
            waiting.drain(mark)
            began = time.monotonic()
            leaver.say(self.dialect.leave(room))
            took.append(self._until_all_know(waiting, len(others)) - began)
            leaver.close()
            waiting.drain(mark)
        waiting.close()
        return {"seconds": took}

    def _until_all_know(self, waiting: Waiting, count: int) -> float:
        know: set[Client] = set()
        while len(know) < count:
            ready = waiting.ready(LIMIT)
            if not ready:
                raise TimeoutError(f"only {len(know)} of {count} were told of a leave")
            know.update(client for client in ready if client.hear(self.dialect.left))
        return time.monotonic()

    def notices(self, samples: int) -> dict[str, object]:
        """Measure the same for one other, who is at the last node, while the leavers are at the one before."""
        room = "notice"
        self._enter_at(self.urls[0], room)  # so that this node runs the room
        waiting = Waiting([self._enter_at(self.urls[-1], room)])
        took = []
        for _ in range(samples):
            leaver = self._enter_at(self.urls[len(self.urls) // 2], room)
            waiting.drain(self.dialect.left)
            began = time.monotonic()
            leaver.say(self.dialect.leave(room))
            took.append(self._until_all_know(waiting, 1) - began)
            leaver.close()
        waiting.close()
        return {"seconds": took}

    def _enter_at(self, url: str, room: str) -> Client:
        every, self.urls = self.urls, [url]
        (client,) = self.enter([room])
        self.urls = every
        return client

    def idle(self, users: int) -> dict[str, float]:
        """Measure the memory of users who do nothing, in rooms of ten."""
        first = users // 8  # what is allocated once is not theirs
        self.enter([f"i{number // 10}" for number in range(first)])
        before = self.memory()
        self.enter([f"i{number // 10}" for number in range(first, users)])
        return {"kib_per_user": (self.memory() - before) / (users - first)}


def main(dialect: str, pids: str, task: str, options: str, *urls: str) -> None:
    """Do one task and print its figures."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    crowd = Crowd(urls, DIALECTS[dialect], [int(pid) for pid in pids.split(",")])
    print(json.dumps(getattr(crowd, task)(**json.loads(options))))


if __name__ == "__main__":
    main(*sys.argv[1:])
