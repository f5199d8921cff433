"""The guard's program: stays when the process that started it dies, for as long as it takes to tell the server.

`guard.py` starts it as `python -I -S -E guardian.py PID`. It has to be small and quick: there is nothing but the
standard library, of which `json` and `threading` alone would be a tenth of it. Standard input is a socket on which
lines come, of words with spaces in between; the request is in hexadecimal digits:

    care NUMBER GRACE HOST PORT IS_SECURE REQUEST
    release NUMBER

End-of-file there is the death of process PID; so is its end, should a copy of the socket live on in another process.
Every call still in care is then made at once, and again until somebody answers or the grace is over.
"""

import _thread
import os
import select
import signal
import socket
import sys
import time

ATTEMPT_LIMIT = 2.0  # seconds for one call
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0  # seconds between two attempts; doubles
BUSY = (408, 421, 425, 429)  # statuses that ask to come again, as 500 and above do; 421: maybe to another node
IGNORED = ("SIGINT", "SIGTERM", "SIGHUP")  # sent to whole groups, when we are needed most


class Care:
    """One session in our care: how to tell of its end, and for how many seconds to try."""

    def __init__(self, grace: float, host: str, port: int, is_secure: bool, request: bytes) -> None:
        self.grace = grace
        self.host, self.port, self.is_secure, self.request = host, port, is_secure, request

    @classmethod
    def of_words(cls, grace: str, host: str, port: str, is_secure: str, request: str) -> "Care":
        """Read what a line says."""
        return cls(float(grace), host, int(port), is_secure == "1", bytes.fromhex(request))

    def tell(self) -> None:
        """Make the call until somebody answers or the grace is over."""
        deadline = time.monotonic() + self.grace
        pause = FIRST_PAUSE
        while not self._is_answered() and time.monotonic() + pause < deadline:
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _is_answered(self) -> bool:
        try:
            status = deliver(self.host, self.port, self.is_secure, self.request, ATTEMPT_LIMIT)
        except OSError:
            return False
        return status < 500 and status not in BUSY


def deliver(host: str, port: int, is_secure: bool, request: bytes, limit: float) -> int:
    """Send an HTTP request and return the status of the answer. Blocks; raises `OSError`.

    It takes `limit` seconds at most, to which the system's look-up of a name may add.
    """
    deadline = time.monotonic() + limit
    with _connected(host, port, deadline) as plain, _secured(plain, host, is_secure) as line:
        line.settimeout(_left(deadline))
        line.sendall(request)
        return _status(line, deadline)


def _status(line: socket.socket, deadline: float) -> int:
    answer = b""
    while b"\n" not in answer and len(answer) < 1024:
        line.settimeout(_left(deadline))
        part = line.recv(1024)
        if not part:
            raise ConnectionError("the server hung up without an answer")
        answer += part
    words = answer.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise ConnectionError("this is no HTTP server")
    return int(words[1])


def _connected(host: str, port: int, deadline: float) -> socket.socket:
    """Connect to one address of a host after the other. As bytes, a name is not put through IDNA, which loads a lot."""
    addresses = socket.getaddrinfo(host.encode(), port, type=socket.SOCK_STREAM)
    failure: OSError = ConnectionError("the name has no address")
    for index, (family, kind, protocol, _, address) in enumerate(addresses):
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(_left(deadline) / (len(addresses) - index))
            line.connect(address)
        except OSError as error:
            line.close()
            failure = error
        else:
            return line
    raise failure


def _secured(line: socket.socket, host: str, is_secure: bool) -> socket.socket:
    """Speak TLS, if that is wanted; only then is it worth the 7 MB."""
    if not is_secure:
        return line
    import ssl

    return ssl.create_default_context().wrap_socket(line, server_hostname=host)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the server did not answer in time")
    return left


class Orders:
    """What the watched process wants: reads its lines, keeps the list of sessions in care."""

    def __init__(self, handle: int) -> None:
        self.cares: dict[str, Care] = {}
        self._handle = handle
        self._rest = b""
        os.set_blocking(handle, False)

    def read(self) -> bool:
        """Take in all that has come. Says whether more may come: false is end-of-file."""
        try:
            while part := os.read(self._handle, 65_536):
                *lines, self._rest = (self._rest + part).split(b"\n")
                for line in lines:
                    self._obey(*line.decode().split())
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        return False

    def _obey(self, order: str, number: str, *words: str) -> None:
        if order == "care":
            self.cares[number] = Care.of_words(*words)
        else:
            self.cares.pop(number, None)


def cares_of_the_dead(pid: int, handle: int) -> list[Care]:
    """Wait for the end of our parent, process `pid`; return what it had not released."""
    orders = Orders(handle)
    ending = _ending_of(pid)
    handles = [handle] if ending is None else [handle, ending]
    is_alive = os.getppid() == pid
    while is_alive:
        ready, _, _ = select.select(handles, [], [])
        is_alive = ending not in ready
        is_alive = orders.read() and is_alive
    orders.read()
    return list(orders.cares.values())


def _ending_of(pid: int) -> int | None:
    """Return a handle that is readable once the process has ended; None where the system has none."""
    try:
        return os.pidfd_open(pid)  # type: ignore[attr-defined,unused-ignore]  # Linux only
    except (AttributeError, OSError):
        return None


def main(pid: int) -> None:
    """Wait for the end of process `pid`, then tell of it: each session in a thread, so that none waits for another."""
    for name in IGNORED:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    cares = cares_of_the_dead(pid, handle=0)
    deadline = time.monotonic() + max((care.grace for care in cares), default=0.0) + ATTEMPT_LIMIT
    for over in [_telling(care) for care in cares]:
        over.acquire(timeout=max(0.0, deadline - time.monotonic()))
    os._exit(0)  # a look-up of a name may still hang


def _telling(care: Care) -> "_thread.LockType":
    """Tell of one session in a thread; the lock can be had once that is over."""
    over = _thread.allocate_lock()
    over.acquire()

    def tell() -> None:
        try:
            care.tell()
        finally:
            over.release()

    _thread.start_new_thread(tell, ())
    return over


if __name__ == "__main__":
    main(int(sys.argv[1]))
