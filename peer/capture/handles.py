"""Which handles this process and others hold, as the kernel tells in /proc: the proof that a device is free.

Without /proc (macOS, Windows) there is no such proof; everything here then answers "unknown" or "nobody".
"""

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from peer.capture.names import parse_display, pcm_node, sound_sockets
from peer.capture.source import Camera, File, Microphone, Screen, Source

PROC = Path("/proc")
TURN_LIMIT = 2.0  # seconds an open waits for another of its family, so that their handles can be told apart


class Handle(NamedTuple):
    """One open file of this process: its number and what /proc says it is."""

    number: int
    target: str


class Holder(NamedTuple):
    """A process that has a file open."""

    pid: int
    command: str


@dataclass(frozen=True)
class Belonging:
    """How the handles of one device are known: by node, by the folder of the node, by the path of the socket's peer."""

    nodes: frozenset[str] = frozenset()
    folder: str | None = None
    sockets: tuple[str, ...] = ()

    def owns(self, target: str, peer: str | None) -> bool:
        """Whether a handle that leads to `target`, or as a socket to `peer`, is the device's."""
        if target in self.nodes or (self.folder is not None and target.startswith(self.folder)):
            return True
        return peer is not None and any(part in peer for part in self.sockets)


def belonging(source: Source, environ: Mapping[str, str]) -> Belonging:
    """Return how the handles of a source are known."""
    if isinstance(source, Camera) and source.device is not None:
        return Belonging(nodes=frozenset({os.path.realpath(source.device)}))
    if isinstance(source, Microphone):
        return Belonging(folder="/dev/snd/", sockets=sound_sockets(environ))
    if isinstance(source, Screen) and (display := parse_display(source.name)) is not None:
        return Belonging(sockets=(f".X11-unix/X{display.number}\0",))
    if isinstance(source, File) and not source.is_url:
        return Belonging(nodes=frozenset({os.path.realpath(str(source.path).removeprefix("file:"))}))
    return Belonging()


def open_handles() -> frozenset[Handle] | None:
    """Return all open files of this process; None: this system does not tell."""
    try:
        numbers = [int(entry.name) for entry in (PROC / "self/fd").iterdir()]
    except OSError:
        return None
    return frozenset(Handle(number, target) for number in numbers if (target := _target(number)) is not None)


def peer_path(number: int) -> str | None:
    """Return the path of the socket at the other end of a local connection, with a final NUL; None for all else."""
    copy = None
    try:
        copy = os.dup(number)
        with socket.socket(fileno=copy) as connection:
            copy = None  # the socket's now
            name = connection.getpeername() if connection.family == socket.AF_UNIX else None
    except OSError:  # no socket, not connected, or closed meanwhile
        return None
    finally:
        if copy is not None:
            os.close(copy)
    if isinstance(name, bytes):  # an abstract socket: its name begins with NUL
        name = name.decode(errors="replace")
    return f"{name}\0" if name else None


def holders(node: str, among: Callable[[int], bool] = lambda _: True) -> list[Holder]:
    """Return which processes, of those `among` says are meant, have a device node open, as far as we may know."""
    if not sys.platform.startswith("linux"):
        return []
    pids = sorted(int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    return [Holder(pid, _command(pid)) for pid in pids if among(pid) and _holds(pid, node)]


def node_of(source: Source) -> str | None:
    """Return the device node of a camera or of a hardware microphone, None where there is no such thing."""
    if isinstance(source, Camera) and source.device is not None:
        return os.path.realpath(source.device)
    if isinstance(source, Microphone):
        return pcm_node(source.name, _card_index)
    return None


@dataclass
class Watch:
    """Notes which handles appear while a source is opened, and tells which of them are still there."""

    source: Source
    _held: frozenset[Handle] | None = field(default=frozenset(), init=False)

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Enclose the opening of the device. Devices whose handles look alike are opened one after the other."""
        turn = _turns.get(type(self.source))
        has_turn = turn is not None and turn.acquire(timeout=TURN_LIMIT)
        before = open_handles()
        try:
            yield
        finally:
            self._held = self._appeared(before, open_handles())
            if turn is not None and has_turn:
                turn.release()

    @property
    def saw_handles(self) -> bool:
        """Whether there is something whose absence proves that the device is free."""
        return bool(self._held)

    def left(self) -> list[Handle]:
        """Return the handles of the device that are still open."""
        return sorted((self._held or frozenset()) & (open_handles() or frozenset()))

    def _appeared(self, before: frozenset[Handle] | None, after: frozenset[Handle] | None) -> frozenset[Handle] | None:
        if before is None or after is None:
            return None
        rule = belonging(self.source, os.environ)
        return frozenset(handle for handle in after - before if rule.owns(handle.target, peer_path(handle.number)))


_turns: dict[type[Source], threading.Lock] = {Screen: threading.Lock(), Microphone: threading.Lock()}


def _target(number: int) -> str | None:
    try:
        return str((PROC / f"self/fd/{number}").readlink())
    except OSError:
        return None


def _holds(pid: int, node: str) -> bool:
    try:
        return any(_leads_to(entry, node) for entry in (PROC / f"{pid}/fd").iterdir())
    except OSError:
        return False


def _leads_to(entry: Path, node: str) -> bool:
    try:
        return str(entry.readlink()) == node
    except OSError:
        return False


def _command(pid: int) -> str:
    try:
        return (PROC / f"{pid}/comm").read_text().strip()
    except OSError:
        return "?"


def _card_index(card: str) -> int | None:
    try:
        return int((PROC / "asound" / card).readlink().name.removeprefix("card"))
    except (OSError, ValueError):
        return None
