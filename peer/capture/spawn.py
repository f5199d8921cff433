"""Starts the process that reads a device, and tells what becomes of it."""

import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from peer.capture.channel import Channel, FromHelper, Start, to_parent
from peer.capture.handles import PROC
from peer.capture.input import capture_epoch
from peer.capture.isolation import WINDOWS
from peer.capture.memory import SharedMemory
from peer.capture.source import Source
from peer.errors import DeviceFailed

# Isolated from variables and folders that could change what is imported; then the modules are found where ours were.
BOOTSTRAP = (
    "import sys; sys.path[:] = sys.argv[3:]; from peer.capture.isolated import main; main(*map(int, sys.argv[1:3]))"
)
_STATES = {
    "R": "runs",
    "S": "waits",
    "D": "hangs in the kernel, where nothing can end it before the driver returns",
    "T": "is stopped",
    "t": "is stopped by a debugger",
    "Z": "has ended, but a debugger holds it",
}


@dataclass(frozen=True)
class Isolate:
    """A running process that reads a device, and what it shares with us."""

    process: "subprocess.Popen[bytes]"
    channel: Channel[FromHelper]
    memory: SharedMemory

    def reap(self) -> int:
        """Wait as long as it takes for the process to end, and return its status: minus the signal that ended it.

        It is told to end by the end of the socket. Nothing of it is left afterwards.
        """
        self.channel.close()
        self.memory.close()
        return self.process.wait()


def can_spawn() -> bool:
    """Whether there is a Python to start: an embedded or a frozen program has none."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def spawn(source: Source) -> Isolate:
    """Start a process that reads a source. Raises `DeviceFailed`.

    It dies with the calling thread, which therefore has to stay until it has ended.
    """
    if not can_spawn() or sys.platform == WINDOWS:
        raise DeviceFailed(f"Here {source.label} cannot be read in a process of its own: use isolation='thread'.")
    start = Start.of(source, capture_epoch())
    with ExitStack() as stack:
        try:
            ours, theirs = socket.socketpair()
            stack.callback(ours.close)
            stack.enter_context(theirs)
            memory = SharedMemory.create()
            stack.callback(memory.close)
            process = _start_python(theirs.fileno(), memory.number)
        except OSError as error:
            raise DeviceFailed(
                f"No process can be started to read {source.label} ({error.strerror}): end other programs."
            ) from None
        theirs.close()  # or its end of file would never come
        stack.pop_all()
    isolate = Isolate(process, Channel(ours, to_parent), memory)
    isolate.channel.send(start)
    return isolate


def state_of(pid: int) -> str:
    """Say what a process is doing that ought to have ended, as far as the system tells."""
    folder = PROC / str(pid)
    status = dict(line.split(":", 1) for line in _text(folder / "status").splitlines() if ":" in line)
    state = status.get("State", "").strip()[:1]
    place = _text(folder / "wchan")
    where = f", in {place}" if place not in ("", "0") else ""
    return f"process {pid}, which reads it, {_STATES.get(state, 'does not end')}{where}"


def _start_python(*numbers: int) -> "subprocess.Popen[bytes]":
    """Start an interpreter that inherits these descriptors, in a session of its own: Ctrl-C is not for it."""
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-I", "-c", BOOTSTRAP, *map(str, numbers), *sys.path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=numbers,
        start_new_session=True,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # it has ended meanwhile, or the system does not tell
        return ""
