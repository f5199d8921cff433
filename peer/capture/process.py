"""Has a device read by a process of its own, which can be ended whatever the driver does.

    stop() ──► told to stop ──100 ms──► SIGTERM ──100 ms──► SIGKILL ──► reaped: the kernel has closed its handles

The thread of the reader starts the process, copies its frames out of shared memory, and waits for its end. It lives as
long as the process, which is why the kernel may end the process with it.
"""

import os
import signal
import threading
from collections.abc import Callable, Sequence

from peer.capture.channel import Begun, Ended, Failed, Filled, Free, FromHelper, Play, Stop
from peer.capture.failures import process_failure
from peer.capture.handles import holders, node_of
from peer.capture.input import Frame
from peer.capture.mailbox import Deliver, Ended as SourceEnded, Mailbox
from peer.capture.oneshot import OneShot
from peer.capture.reader import Closing, Reader
from peer.capture.reading import Ending
from peer.capture.source import Kind, Source
from peer.capture.spawn import Isolate, spawn, state_of
from peer.errors import DeviceError
from peer.events import Outcome

SPAWN_LIMIT = 10.0  # seconds the system may take to start a process
PATIENCE = ((0.1, signal.SIGTERM), (0.1, signal.SIGKILL))  # seconds until each, if it has not ended


class ProcessReader(Reader):
    """Looks after a process that reads a device."""

    def __init__(self, source: Source, after: Reader | None, gone: Callable[[Reader], None]) -> None:
        super().__init__(source, after, gone)
        self._isolate: OneShot[Isolate | None] = OneShot()  # None: none was started
        self._reaped = threading.Event()
        self._last_word: Ending | DeviceError | None = None
        self._ender = threading.Thread(target=self._end, name=f"exeunt end of {source.label}", daemon=True)

    @property
    def is_alive(self) -> bool:
        """Whether a thread of this reader still runs; the process ends before they do."""
        return super().is_alive or self._ender.is_alive()

    @property
    def why_stuck(self) -> str:
        """What the process is doing that does not end."""
        isolate = self._isolate.wait_in_thread(0)
        return super().why_stuck if isolate is None else state_of(isolate.process.pid)

    def stop(self) -> None:
        """Have the process closed or ended, by a thread of its own: this one may be a loop's."""
        with self._lock:
            is_first = not self._stop.is_set()
            self._stop.set()
        if is_first and not self._reaped.is_set():
            self._ender.start()

    def subscribe(self, kind: Kind, deliver: Deliver, ended: SourceEnded | None, *, at_once: bool) -> Mailbox[Frame]:
        """Deliver frames of one kind from now on."""
        mailbox = super().subscribe(kind, deliver, ended, at_once=at_once)
        if (isolate := self._isolate.wait_in_thread(0)) is not None:
            isolate.channel.send(Play())
        return mailbox

    def _read(self) -> Ending | None:
        isolate = spawn(self.source)
        self._isolate.set(isolate)
        try:
            while words := isolate.channel.receive():
                self._hear(isolate, words)
        finally:
            status = isolate.reap()
            self._reaped.set()
        if isinstance(self._last_word, DeviceError):
            raise self._last_word
        if self._last_word is None and not self._stop.is_set():
            return Ending(process_failure(self.source, status))
        return self._last_word

    def _hear(self, isolate: Isolate, words: Sequence[FromHelper]) -> None:
        pictures = [word for word in words if isinstance(word, Filled) and word.kind is Kind.VIDEO]
        for word in words:
            match word:
                case Begun(ready):
                    self.ready(ready)
                case Filled():
                    self._fetch(isolate, word, is_old=word in pictures[:-1])
                case Failed():
                    self._last_word = word.to_error()
                case Ended(ending):
                    self._last_word = ending

    def _fetch(self, isolate: Isolate, filled: Filled, *, is_old: bool) -> None:
        """Copy a frame out and give its slot back. When we are late, only the newest picture is worth it."""
        self.dropped[filled.kind] += filled.dropped + is_old
        is_wanted = not is_old and any(mailbox.kind is filled.kind for mailbox in self._mailboxes)
        frame = _copy(isolate, filled) if is_wanted else None
        isolate.channel.send(Free(filled.kind, filled.slot))
        if frame is not None:
            self.take(frame)

    def _end(self) -> None:
        isolate = self._isolate.wait_in_thread(SPAWN_LIMIT)
        if isolate is None:
            return
        isolate.channel.send(Stop())
        for patience, number in PATIENCE:
            if self._reaped.wait(patience):
                return
            isolate.process.send_signal(number)

    def _verify(self) -> Closing:
        """The kernel has closed the handles of a process that is reaped; look whether it left another one."""
        self._isolate.set(None)
        self._reaped.set()
        isolate, node = self._isolate.wait_in_thread(0), node_of(self.source)
        if isolate is None or node is None:
            return Closing(Outcome.VERIFIED)
        left = holders(node, lambda pid: _session(pid) == isolate.process.pid)
        if left:
            text = f"its process has ended, yet process {left[0].pid} ({left[0].command}) still holds {node}"
            return Closing(Outcome.STUCK, text)
        return Closing(Outcome.VERIFIED)


def _copy(isolate: Isolate, filled: Filled) -> Frame:
    if filled.kind is Kind.AUDIO:
        return isolate.memory.read_block(filled.offset, filled.stamp)
    picture = isolate.memory.read_picture(filled.offset, filled.width, filled.height, filled.stamp)
    picture.color_range, picture.colorspace = filled.color_range, filled.colorspace
    return picture


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:  # it has ended meanwhile
        return None
