"""The thread that owns one device: it opens, reads, converts and closes it, and nobody else touches it.

    OPENING ──first frame──► LIVE ──quit, end or failure──► CLOSING ──► CLOSED
       └────────── cannot be opened, or quit ──────────────────┘

A device that blocks inside the driver holds this thread and nothing else: it is a daemon, everybody who waits for it
has a limit, and it closes the device should the driver ever return.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import av

from peer.capture.device_input import open_camera, open_microphone, open_screen
from peer.capture.failures import running_failure
from peer.capture.file_input import open_file
from peer.capture.format import Opened
from peer.capture.handles import Watch
from peer.capture.input import Input
from peer.capture.mailbox import Deliver, Ended, Frame, Mailbox
from peer.capture.oneshot import OneShot
from peer.capture.pattern_input import PatternInput
from peer.capture.source import Camera, File, Kind, Microphone, Screen, Source, TestPattern
from peer.errors import DeviceError, DeviceFailed
from peer.events import Outcome

logger = logging.getLogger(__name__)

TURN_POLL = 0.01  # seconds between looks whether the last user has closed, or a file has its first subscriber
HANDLE_LIMIT = 0.2  # seconds that handles may outlive the close (a sound server hangs up on its own thread)
HANDLE_POLL = 0.005  # seconds


@dataclass(frozen=True)
class Ready:
    """A source that is open and gives frames."""

    kinds: tuple[Kind, ...]
    form: Opened


@dataclass(frozen=True)
class Closing:
    """How a device was closed."""

    outcome: Outcome
    text: str | None = None


@dataclass(frozen=True)
class Ending:
    """Why a source ended by itself; `text` is None when it was simply over."""

    text: str | None


class Reader:
    """One device and its thread. `gone` is called in that thread as soon as the device gives nothing more."""

    def __init__(self, source: Source, after: "Reader | None", gone: "Callable[[Reader], None]") -> None:
        self.source = source
        self.opened: OneShot[Ready | DeviceError] = OneShot()
        self.closed: OneShot[Closing] = OneShot()
        self.dropped: dict[Kind, int] = dict.fromkeys(source.kinds, 0)
        self._after = after
        self._gone = gone
        self._stop = threading.Event()
        self._lock = threading.Lock()  # of the two below
        self._mailboxes: tuple[Mailbox, ...] = ()
        self._ending: Ending | None = None
        self._thread = threading.Thread(target=self._run, name=f"exeunt {source.label}", daemon=True)

    @property
    def is_alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    @property
    def is_stopping(self) -> bool:
        """Whether the device has been told to close."""
        return self._stop.is_set()

    def start(self) -> None:
        """Begin to open the device."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the thread to close the device; `closed` says when it has."""
        self._stop.set()

    def subscribe(self, kind: Kind, deliver: Deliver, ended: Ended | None) -> Mailbox:
        """Deliver frames of one kind to the running loop from now on."""
        mailbox = Mailbox(kind, asyncio.get_running_loop(), deliver, ended)
        with self._lock:
            self._mailboxes = (*self._mailboxes, mailbox)
            ending = self._ending
        if ending is not None:
            mailbox.end(ending.text)
        return mailbox

    def unsubscribe(self, mailbox: Mailbox) -> None:
        """Deliver nothing more to a subscriber. May be called twice."""
        mailbox.close()
        with self._lock:
            self._mailboxes = tuple(other for other in self._mailboxes if other is not mailbox)

    def _run(self) -> None:
        watch = Watch(self.source)
        try:
            self._wait_for_predecessor()
            ending = self._open_read_close(watch)
        except DeviceError as error:
            ending = Ending(str(error))
            self.opened.set(error)
        except Exception as error:  # the thread's outermost boundary: whoever waits must be told
            logger.exception("the reader of %s failed", self.source.label)
            ending = self._fail(f"The {self.source.label} failed: {error!r}.")
        self._gone(self)
        self.closed.set(self._verify(watch))
        self._announce(ending)

    def _wait_for_predecessor(self) -> None:
        """Let the last reader of this device close it before we open it."""
        while self._after is not None and self._after.closed.wait_in_thread(TURN_POLL) is None:
            if self._stop.is_set():
                raise DeviceFailed(f"The {self.source.label} is still being closed by its last user: restart it.")
        self._after = None

    def _open_read_close(self, watch: Watch) -> Ending | None:
        """Return why the source ended by itself, None if it was told to."""
        with watch.opening():
            opened = open_input(self.source, self._stop)
        try:
            return self._read(opened)
        finally:
            opened.close()

    def _read(self, opened: Input) -> Ending | None:
        try:
            if not opened.is_live:
                self._wait_for_audience(opened)
            while not self._stop.is_set():
                self._read_once(opened)
        except EOFError:
            return Ending(None)
        except (av.FFmpegError, OSError) as error:
            return self._fail(running_failure(self.source, error.errno or 0))
        except Exception as error:  # must end here: its traceback may hold a frame in the driver's memory
            logger.exception("the reader of %s failed", self.source.label)
            return self._fail(f"The {self.source.label} failed: {error!r}.")
        return None

    def _fail(self, text: str) -> Ending:
        self.opened.set(DeviceFailed(text))  # counts if it never gave a frame
        return Ending(text)

    def _wait_for_audience(self, opened: Input) -> None:
        self.opened.set(Ready(opened.kinds, opened.form))
        while not self._mailboxes and not self._stop.wait(TURN_POLL):
            pass

    def _read_once(self, opened: Input) -> None:
        frames = opened.read()
        if not frames:
            self._stop.wait(opened.delay())
            return
        if not self.opened.is_set:
            self.opened.set(Ready(opened.kinds, opened.form))
        for frame in frames:
            self._publish(frame)

    def _publish(self, frame: Frame) -> None:
        kind = Kind.VIDEO if isinstance(frame, av.VideoFrame) else Kind.AUDIO
        for mailbox in self._mailboxes:
            if mailbox.kind is kind:
                self.dropped[kind] += mailbox.put(frame)

    def _announce(self, ending: Ending | None) -> None:
        if ending is None:
            self.opened.set(DeviceFailed(f"The {self.source.label} was given up before it gave anything."))
            return
        with self._lock:
            self._ending = ending
            mailboxes = self._mailboxes
        for mailbox in mailboxes:
            mailbox.end(ending.text)

    def _verify(self, watch: Watch) -> Closing:
        """Look whether the system agrees that the device is closed."""
        if isinstance(self.source, TestPattern):
            return Closing(Outcome.VERIFIED)
        deadline = time.monotonic() + HANDLE_LIMIT
        while (left := watch.left()) and time.monotonic() < deadline:
            threading.Event().wait(HANDLE_POLL)
        if left:
            return Closing(Outcome.STUCK, f"closed, yet {left[0].target} is still open as {left[0].number}")
        return Closing(Outcome.VERIFIED if watch.saw_handles else Outcome.CLOSED)


def open_input(source: Source, stop: threading.Event) -> Input:
    """Open a source in the calling thread. Raises `DeviceError`."""
    match source:
        case Camera():
            return open_camera(source)
        case Microphone():
            return open_microphone(source)
        case Screen():
            return open_screen(source)
        case File():
            return open_file(source, stop)
        case TestPattern():
            return PatternInput(source)
        case _:  # a source of somebody else's making
            raise DeviceFailed(
                f"{source!r} is no source that can be opened: use Camera, Microphone, Screen, File or TestPattern."
            )
