"""The guard: a tiny process beside this one that tells the server at once should this one die.

    care = Guard.of_this_process().care(url, session=..., ticket=..., grace=...)
    ...
    care.release()

One guard for all peers of the process: started with the first session in care, ended with the last. Between us is a
socket pair: its end is how each learns that the other is gone. A guard that dies is replaced; without one, for whatever
reason, everything goes on, and the others learn of a death when the grace is over.

A thread of our own waits for the guard's end, asleep, and so takes it off the system's list of processes.
"""

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Literal

from peer.farewell import Call, call_of
from peer.guardian import deliver
from signaling.messages import Farewell

PROGRAM = Path(__file__).with_name("guardian.py")
END_LIMIT = 1.0  # seconds a guard may take to end when it has nothing more to do
MIN_LIFE = 10.0  # seconds; one that ends sooner by itself would do so again
TAKEN_IN = (200, 204, 404, 410)  # statuses: told, or there is nothing to tell
LastWord = Literal["crashed", "left", "error"]
LastWords = Callable[[LastWord], Call]  # what to ask of the server, by how the session has ended
log = logging.getLogger(__name__)


def say_farewell(call: Call, limit: float) -> bool:
    """Say the last words for a session from this thread, which it blocks; whether the server has taken them in.

    It takes `limit` seconds, to which the system's look-up of the server's name may add.
    """
    try:
        return deliver(call.host, call.port, call.is_secure, call.request.encode(), limit) in TAKEN_IN
    except OSError:
        return False


class Care:
    """One session in the guard's care. Every method may be called from any thread, again, and after `release`."""

    def __init__(self, guard: "Guard", number: int, words: LastWords, grace: float) -> None:
        self._guard = guard
        self._words = words
        self._grace = grace
        self._reason: LastWord = "crashed"
        self.number = number

    def becomes(self, reason: LastWord) -> None:
        """Have this told as the reason, should the process die from now on."""
        self._reason = reason
        self._guard.update(self)

    def say(self, reason: LastWord, limit: float) -> bool:
        """Say it ourselves, in this thread, which that blocks for about `limit` seconds; whether the server knows now.

        If it does not, the guard says the same as soon as this process ends.
        """
        self.becomes(reason)
        is_told = say_farewell(self._words(reason), limit)
        if is_told:
            self.release()
        return is_told

    def release(self) -> None:
        """The session is over, or somebody else tells of it: the guard says nothing of it any more."""
        self._guard.release(self)

    def order(self) -> bytes:
        """Return the line that puts this session into care."""
        call = self._words(self._reason)
        request = call.request.encode().hex()
        return _line("care", self.number, self._grace, call.host, call.port, int(call.is_secure), request)


class Guard:
    """All sessions of this process that are in care, and the helper, while there are any.

    A helper that ends by itself is replaced, unless it has not lived for `min_life` seconds.
    """

    def __init__(self, min_life: float = MIN_LIFE) -> None:
        self._min_life = min_life
        self._lock = threading.RLock()  # a handler of signals may come in between
        self._numbers = count(1)
        self._cares: dict[int, Care] = {}
        self._helper: _Helper | None = None

    @classmethod
    def of_this_process(cls) -> "Guard":
        """Return the one that all peers share."""
        return _guard

    def care(self, url: str, *, session: str, ticket: str, grace: float, is_armed: bool = True) -> Care:
        """Take a session into care: if this process dies, the server is told `crashed`, for `grace` seconds if need be.

        Returns at once and never fails: without a helper there is a warning in the log. Not `is_armed`, there is none
        for this session, and all that its care can do is `say`.
        """
        return self.care_of(
            lambda reason: call_of(url, Farewell(session=session, ticket=ticket, reason=reason)),
            grace=grace,
            is_armed=is_armed,
        )

    def care_of(self, words: LastWords, *, grace: float, is_armed: bool = True) -> Care:
        """Take what ends by other words into care, as `care` does."""
        care = Care(self, next(self._numbers), words, grace)
        if not is_armed:
            return care
        with self._lock:
            self._cares[care.number] = care
            if self._helper is None:
                self._start()
            else:
                self._helper.say(care.order())
        return care

    def update(self, care: Care) -> None:
        """Let the helper know what has changed, if the session is still in care."""
        with self._lock:
            if self._helper is not None and care.number in self._cares:
                self._helper.say(care.order())

    def release(self, care: Care) -> None:
        """Let the helper forget a session; with the last one it ends."""
        with self._lock:
            if self._cares.pop(care.number, None) is None or self._helper is None:
                return
            self._helper.say(_line("release", care.number))
            if not self._cares:
                self._helper.dismiss()
                self._helper = None

    def become(self, reason: LastWord) -> None:
        """Have this told as the reason of every session, should the process die from now on."""
        with self._lock:
            for care in tuple(self._cares.values()):
                care.becomes(reason)

    def forget(self) -> None:
        """In a forked child: nothing of the parent's is in our care, and its line to its helper is not ours."""
        self._lock = threading.RLock()  # whoever held it is not here
        self._cares.clear()
        if self._helper is not None:
            self._helper.disown()
            self._helper = None

    def _start(self) -> None:
        try:
            self._helper = _Helper(self._ended)
        except (OSError, RuntimeError) as error:  # no process, no socket, no thread
            log.warning("no guard can be started (%s): should this process die, the others learn it late", error)
            return
        for care in self._cares.values():
            self._helper.say(care.order())

    def _ended(self, helper: "_Helper", status: int) -> None:
        """Take note of a helper's end, in its thread. One that was not told to end is replaced."""
        with self._lock:
            if self._helper is not helper:
                return
            self._helper = None
            if helper.lived >= self._min_life:
                self._start()
            else:
                log.warning("the guard has ended (%d): should this process die, the others learn it late", status)


class _Helper:
    """The running program, the line to it, and the thread that waits for its end."""

    def __init__(self, ended: "Callable[[_Helper, int], None]") -> None:
        self._ended = ended
        self._began = time.monotonic()
        self._line, theirs = socket.socketpair()
        with ExitStack() as undo:
            undo.callback(self._line.close)
            with theirs:
                self._process = _start_program(theirs)
            undo.callback(self._process.wait)
            undo.callback(self._process.kill)
            threading.Thread(target=self._wait, name="exeunt guard", daemon=True).start()
            undo.pop_all()

    @property
    def lived(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._began

    def say(self, line: bytes) -> None:
        """Send a line without waiting. A helper that does not read has to go: half a line would mislead it."""
        try:
            if self._line.send(line, socket.MSG_DONTWAIT) == len(line):
                return
        except OSError as error:
            log.debug("the guard does not listen: %s", error)
        self._process.kill()

    def dismiss(self) -> None:
        """Let it end: it has been told that nothing is in its care."""
        try:
            self._line.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            log.debug("the guard has gone before: %s", error)

    def disown(self) -> None:
        """Give up our copy of the line, and of what we know of the process, which is not our child."""
        self._process.returncode = 0
        self._line.close()

    def _wait(self) -> None:
        try:
            self._line.recv(1)  # it never says anything: this returns when it is gone, or dismissed
        except OSError as error:
            log.debug("the line to the guard broke: %s", error)
        try:
            status = self._process.wait(END_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._ended(self, status)
        self._line.close()


def _start_program(line: socket.socket) -> "subprocess.Popen[bytes]":
    """Start it in a session of its own (Ctrl-C is not for it) and in no folder that it would keep in use."""
    if not sys.executable or getattr(sys, "frozen", False):
        raise FileNotFoundError("this program is frozen: there is no Python to start")
    return subprocess.Popen(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-I", "-S", "-E", str(PROGRAM), str(os.getpid())],
        stdin=line.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )


def _line(*words: object) -> bytes:
    return f"{' '.join(map(str, words))}\n".encode()


_guard = Guard()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_guard.forget)
