"""A process with sessions in a guard's care, which ends as it is told: `mortal.py URL GRACE`, the way on stdin."""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time

from peer.guard import Guard
from peer.testing.process import children

guard = Guard.of_this_process()


def say(kind: str, **facts: object) -> None:
    print(json.dumps({"type": kind, **facts}), flush=True)


def segfault() -> None:
    ctypes.string_at(0)


def run_out_of_memory() -> None:
    """Take all that there is, and do as the C++ of a media library does then."""
    resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))
    try:
        bytearray(2**30)
    except MemoryError:
        os.abort()


def leak_the_line() -> None:
    """Let a program that outlives us inherit our end of the line to the guard."""
    line = os.dup(guard._helper._line.fileno())
    os.set_inheritable(line, True)
    child = subprocess.Popen(["sleep", "60"], pass_fds=[line])
    say("grandchild", pid=child.pid)
    os._exit(1)


def fork_and_be_killed() -> None:
    """The child gives back what is the parent's, then lives on with a copy of everything."""
    pid = os.fork()
    if pid == 0:
        release()
        guard.become("left")
        time.sleep(60)
        os._exit(0)
    say("grandchild", pid=pid)
    os.kill(os.getpid(), signal.SIGKILL)


def release() -> None:
    for care in cares:
        care.release()


def second_signal() -> None:
    guard.become("left")
    os._exit(130)


WAYS = {
    "segfault": segfault,
    "_exit": lambda: os._exit(0),
    "out of memory": run_out_of_memory,
    "end of program": lambda: None,
    "another program": lambda: os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(1)"]),
    "leak": leak_the_line,
    "fork": fork_and_be_killed,
    "release": release,
    "second signal": second_signal,
}

url, grace, *sessions = sys.argv[1:]
began = time.perf_counter()
cares = [guard.care(url, session=name, ticket=f"ticket of {name}", grace=float(grace)) for name in sessions]
say("ready", took=time.perf_counter() - began, guard=children(os.getpid())[0])
WAYS[sys.stdin.readline().strip()]()
