"""A process whose loop can be blocked: `blocked.py URL [CAMERA]`, ways on stdin; it leaves on a signal if it can."""

import asyncio
import ctypes
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
import types

from peer.capture import Camera, Source, TestPattern, acquire, release_all
from peer.events import ExitReport, Reason
from peer.guard import Guard
from peer.signals import SIGNALS, first_signal
from peer.vigil import vigil
from peer.watchdog import Watchdog


def say(kind: str, **facts: object) -> None:
    os.write(1, (json.dumps({"type": kind, **facts}) + "\n").encode())


def run_python() -> None:
    while True:
        pass


def wait_for_a_lock() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def read_a_socket() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        ours.recv(1)


def stay_in_c() -> None:
    """Wait where no signal gets through, as in a driver or a library: no handler written in Python runs."""
    mutex = ctypes.create_string_buffer(64)
    libc = ctypes.CDLL(None)
    libc.pthread_mutex_lock(mutex)
    libc.pthread_mutex_lock(mutex)


def hold_what_is_logged_with() -> None:
    """Block with the locks of logging and of standard error, which many things want."""
    import logging

    logging._acquireLock()
    while True:  # a signal may end a write early
        sys.stderr.write("x" * 2_000_000)  # more than a pipe takes
        sys.stderr.flush()


BLOCKS = {
    "python": run_python,
    "sleep": lambda: time.sleep(1000),
    "lock": wait_for_a_lock,
    "socket": read_a_socket,
    "c": stay_in_c,
    "full pipe": hold_what_is_logged_with,
    "half a second": lambda: time.sleep(0.5),
}


def witness(block: types.CodeType, thread: int) -> None:
    """Say that the loop's thread is in the block, when it has been seen there twice."""
    seen = 0
    while seen < 2:
        time.sleep(0.05)
        seen += any(frame.f_code is block for frame, _ in traceback.walk_stack(sys._current_frames()[thread]))
    say("blocking")


class Stay:
    """What a peer does with its guard and its watchdog."""

    def __init__(self, url: str) -> None:
        self.reason = Reason.LEFT
        self.leaving = asyncio.Event()
        self.care = Guard.of_this_process().care(url, session="ana", ticket="t", grace=5.0)
        self.watchdog = Watchdog(
            asyncio.get_running_loop(),
            release=release_all,
            farewell=self.care.say,
            report=lambda: ExitReport(reason=self.reason),
        )

    def begin(self, _: int) -> None:
        self.watchdog.exit_is_due()
        self.leaving.set()
        say("leaving")

    def end(self) -> None:
        self.care.release()
        self.watchdog.exit_is_over()


async def obey(stay: Stay) -> None:
    """Do what stdin says, until it is time to leave; blocks begin when the loop has nothing else to do."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while order := (await lines.readline()).decode().strip():
        match order:
            case "due":
                stay.begin(0)
            case "error":
                stay.reason = Reason.ERROR
            case "end":
                return
            case _:
                block = BLOCKS[order]
                threading.Thread(target=witness, args=(block.__code__, threading.get_ident()), daemon=True).start()
                block()
                say("blocked")


def hear(number: int) -> None:
    """Say that the vigil's thread knows of a signal: it is told before us."""
    if number in SIGNALS:
        say("heard", number=number)


async def main(url: str, camera: str | None = None) -> None:
    source: Source = Camera(camera, width=320, height=240) if camera else TestPattern(width=160, height=90, fps=10)
    capture = await acquire(source)
    stay = Stay(url)
    with first_signal(stay.begin):
        vigil.listen(hear)
        say("ready", threads=[thread.name for thread in threading.enumerate()])
        await obey(stay)
    await capture.release()
    stay.end()
    say("over")


if __name__ == "__main__":
    signal.alarm(60)  # whatever happens
    asyncio.run(main(*sys.argv[1:]))
